"""The command line's flags."""

from __future__ import annotations

import re
from collections.abc import Sequence

from absl import flags

from glo_tf.cli.fields import SECTIONS, WORKERS, define_fields
from glo_tf.cli.flagfiles import Argument, expand, find_flagfile
from glo_tf.comparison.config import ComparisonConfig
from glo_tf.errors import InvalidArgumentError
from glo_tf.execution.config import RunConfig
from glo_tf.search.config import SearchBudget, SearchConfig
from glo_tf.search.presets import Preset, preset
from glo_tf.training.config import TrainingConfig
from glo_tf.utils.alike import did_you_mean


def define_flags() -> flags.FlagValues:
    """All flags, with the paper's values, or else the project's, as defaults."""
    values = flags.FlagValues()
    define_fields(values)

    def section(name: str) -> dict[str, object]:
        return {"flag_values": values, "module_name": name}

    run = section(SECTIONS[RunConfig])
    flags.DEFINE_boolean("help", False, "Shows this help.", short_name="h", **run)
    flags.DEFINE_boolean("helpfull", False, "Shows this help: there is no other.", **run)
    flags.DEFINE_boolean("version", False, "Shows which version of glo_tf this is.", **run)
    flags.DEFINE_enum(
        "mode",
        "search",
        ["search", "compare", "recommend", "report", "list"],
        "search for a loss, compare losses, recommend one of the known losses, write the report of "
        "the run in --output_dir, or list "
        "all plugins.",
        **run,
    )
    flags.DEFINE_multi_string(
        "runs",
        None,
        "Folders of the runs that a report is of, also as words without a flag: of several, one "
        "page shows all, in --output_dir or else in the folder that holds them.",
        **run,
    )
    flags.DEFINE_boolean(
        "tensorboard",
        False,
        "Write event files for TensorBoard to the folder tensorboard in --output_dir.",
        **run,
    )

    flags.DEFINE_enum(
        "preset",
        None,
        [*Preset],
        "How much a search tries, in all its phases together. Other flags of the command line win "
        "over it, those of flagfiles do not, unless it stands in one itself.",
        **section(SECTIONS[SearchBudget]),
    )

    def own_options(kind: str, of: dict[str, object]) -> None:
        flags.DEFINE_multi_string(
            f"{kind}_options",
            None,
            "Its own options (see --mode=list): name=value, several separated by commas",
            **of,
        )

    task = section(SECTIONS[TrainingConfig])
    flags.DEFINE_string("dataset", "digits", "Registered data set (see --mode=list).", **task)
    own_options("dataset", task)
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of prepared TFDS data; TFDS_DATA_DIR or TFDS's own if unset.",
        **task,
    )
    flags.DEFINE_string("architecture", "mlp", "Registered architecture (see --mode=list).", **task)
    own_options("architecture", task)

    workers = section(WORKERS)
    own_options("strategy", workers)
    flags.DEFINE_integer(
        "intra_op_threads",
        0,
        "CPU threads of one training; 0 for all cores. On a CPU it changes the last bits of a "
        "training, so a search keeps it when it is resumed.",
        lower_bound=0,
        upper_bound=4096,
        **workers,
    )

    discovery = section(SECTIONS[SearchConfig])
    own_options("search_space", discovery)
    own_options("operators", discovery)

    compare = section(SECTIONS[ComparisonConfig])
    flags.DEFINE_string(
        "losses",
        None,
        "With commas between them: categorical_crossentropy, the name of a known loss, such as gce "
        "or, with its parameters, focal(gamma=1) (docs/gallery.md has them), the path of a "
        "best_loss.json, or an expression; NAME=LOSS names it. Cross-entropy is the baseline in "
        "any case. With --mode=recommend, what is tried; all known losses that fit if unset.",
        **compare,
    )
    return values


def parse_flags(arguments: Sequence[str]) -> flags.FlagValues:
    """The flags that the arguments give, those of flagfiles among them.

    Args:
        arguments: With the program's name first.

    Raises:
        ValueError: If they are not flags and their values; the message names the flagfile and the
            line. It does, too, where a flagfile is not found or not readable.
        OSError: If a flagfile cannot be read.
    """
    for argument in arguments:
        if re.search(r"[\r\n\0\ud800-\udfff]", argument):  # what a flagfile could not hold
            raise InvalidArgumentError(
                f"Expected flags of one line, in UTF-8. Received: {argument!r}"
            )
    arguments = _with_command(arguments)
    given = [Argument(arguments[0]), *expand(resolve_flagfiles(arguments)[1:])]
    values, problem = _parsed(given)
    if not problem and values.preset is not None:
        given += _of_preset(values, given)
        values, problem = _parsed(given)
    if problem:
        # The first argument without which there would be nothing wrong.
        culprit = next(n for n in range(1, len(given) + 1) if _parsed(given[:n])[1] == problem)
        origin = given[culprit - 1].origin
        raise InvalidArgumentError(f"{problem} (in {origin})" if origin else problem)
    return values


def _of_preset(values: flags.FlagValues, given: Sequence[Argument]) -> list[Argument]:
    """The flags that a preset stands for, but for those over which it does not win."""
    here, _ = _parsed([argument for argument in given if not argument.origin])
    winning = here if here["preset"].present else values
    sizes = preset(values.preset)
    return [Argument(f"--{n}={v}") for n, v in sizes.items() if not winning[n].present]


def _with_command(arguments: Sequence[str]) -> list[str]:
    """With `--mode` in the place of a command's word, such as `compare`.

    Raises:
        ValueError: If the first word is no command.
    """
    word = next(iter(arguments[1:2]), "-")
    if word.startswith("-"):
        return list(arguments)
    commands = define_flags()["mode"].parser.enum_values
    if word not in commands:
        known = [*commands, "new-plugin"]
        raise InvalidArgumentError(
            f"Expected flags, or first one of {', '.join(known)}{did_you_mean(word, known)}. "
            f"Received: {word}"
        )
    return [arguments[0], f"--mode={word}", *arguments[2:]]


_KINDS = {
    "invalid literal for int": "an integer",
    "could not convert string to float": "a number",
    "Non-boolean argument": "true or false",
}
"""What a flag has to be, by how absl says that it is not."""


def _in_words(problem: str) -> str:
    """What is wrong, with the value that may be meant where there are a few."""
    kinds = "|".join(map(re.escape, _KINDS))
    wrong = re.fullmatch(rf"flag --(\w+)=(.*?): \W*({kinds}).*", problem, re.DOTALL)
    if wrong:
        name, value, what = wrong.groups()
        return f"Expected --{name} to be {_KINDS[what]}. Received: {name}={value!r}"
    match = re.fullmatch(r"(flag --\w+=(.*): value should be one of <(.*)>)", problem, re.DOTALL)
    return problem if match is None else problem + did_you_mean(match[2], match[3].split("|"))


def resolve_flagfiles(arguments: Sequence[str]) -> list[str]:
    """Points `--flagfile=NAME` at the file that it means; see `flagfiles.find_flagfile`.

    Raises:
        ValueError: If there is none.
    """
    resolved: list[str] = []
    for argument in arguments:
        if resolved and re.fullmatch("--?flagfile", resolved[-1]):  # --flagfile NAME
            argument = f"{resolved.pop()}={argument}"
        match = re.fullmatch(r"(--?flagfile=)(.+)", argument)
        resolved.append(match[1] + str(find_flagfile(match[2])) if match else argument)
    return resolved


def _parsed(arguments: Sequence[Argument]) -> tuple[flags.FlagValues, str]:
    """The flags, and what is wrong with them, or `""`."""
    values = define_flags()
    try:
        surplus = values([argument.text for argument in arguments])[1:]
    except flags.Error as error:
        return values, _in_words(str(error))
    if values.mode == "report":
        values["runs"].value = [*(values.runs or []), *surplus] or None
        return values, ""
    return values, f"Expected flags only. Received: {surplus[0]}" if surplus else ""
