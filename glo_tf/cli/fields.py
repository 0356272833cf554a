"""Flags that are fields of the dataclasses which declare the settings.

A field becomes a flag of its name, type and default, with what the docstring says of it as help.
Only what the command line gives in another form than Python is said here.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from absl import flags

from glo_tf.comparison.config import ComparisonConfig
from glo_tf.data.outputs import Activation
from glo_tf.errors import InvalidArgumentError
from glo_tf.execution.config import FailurePolicy, RunConfig
from glo_tf.metrics.mode import Mode
from glo_tf.recommendation.config import RecommendationConfig
from glo_tf.screening.screen import Screening
from glo_tf.search.config import ModelSelection, RateSource, SearchBudget, SearchConfig
from glo_tf.search.genetic.options import GloOptions, GplearnOptions
from glo_tf.strategies.ray_options import RayOptions
from glo_tf.training.config import AUTO, TrainingConfig
from glo_tf.utils.checks import plain_types
from glo_tf.utils.keywords import descriptions

T = TypeVar("T")

_DISCOVERY = "Discovery phase (genetic search), where the search space has it"
_COEFFICIENTS = "Coefficient phase (CMA-ES), where the search space has it"
_ENDING = "Confirmation and comparison"
_EFFORT, WORKERS = "Effort", "Workers"

SECTIONS: dict[type, str] = {
    RunConfig: "Run",
    TrainingConfig: "Task",
    FailurePolicy: WORKERS,
    RayOptions: f"{WORKERS}: --strategy=ray",
    SearchBudget: "Budget of a search",
    SearchConfig: _DISCOVERY,
    GloOptions: "Operators: --operators=glo",
    GplearnOptions: "Operators: --operators=gplearn",
    ComparisonConfig: "Comparison of losses: --mode=compare",
    RecommendationConfig: "Recommendation of a loss: --mode=recommend",
}
"""Where the help shows the fields of a dataclass."""

_ELSEWHERE = {
    "max_size": _DISCOVERY,
    **dict.fromkeys(["learning_rate", "learning_rate_grid"], "Task"),
    **dict.fromkeys(["strategy", "lanes"], WORKERS),
    **dict.fromkeys(["jit_compile", "screening", "racing"], _EFFORT),
    "reference_losses": _ENDING,
    **dict.fromkeys(["finalists", "finalist_seeds", "comparison_seeds"], _ENDING),
    **dict.fromkeys(["model_selection", "simplify"], _ENDING),
}

_CHOICES: dict[str, Sequence[str]] = {
    "jit_compile": ["auto", "true", "false"],
    "metric_mode": ["auto", *Mode],
    "outputs": [*Activation],
    "model_selection": [*ModelSelection],
    "screening": [*Screening],
    "standardize": ["auto", "true", "false"],
}
"""Fields of which a flag takes one of a few words."""

_EMPTY = ("output_dir", "ray_address")
"""Fields of which the default None is no text at the command line."""

_NUMBERS = ("train_fraction", "learning_rate_grid")
"""Fields that are numbers with commas between them."""

_OF_RAY = {"num_workers": "workers"}

_HELP = {
    "class_weight": "What the training samples of each class count, as in Model.fit: 0:1,1:5; "
    "classes that are left out count 1.",
    "initial_expressions": "Whole loss to begin with, such as '-(x*log(y))'; one a flag, as many "
    "as you like.",
    "initial_losses": "Known losses to begin with, as for --losses, or library for all with a name "
    "that fit: they begin the population with their coefficients, CMA-ES starts at these as well "
    "as at ones, and all known losses are among the finalists. If unset or none, the search starts "
    "from random trees, as claims of discovery are made.",
    "learning_rate": "Learning rate of the optimizer (per step); given leaves the optimizer its "
    "own. With own, a search judges each candidate at one that suits it, found in its first steps "
    "around the one that suits the usual loss.",
    "max_minutes": "Minutes that a search or a recommendation may take, with what its end is "
    "expected to take of them. A training that runs goes on to its end. Where the time was over is "
    "kept in --output_dir: run again with the same limit, it ends there again; with another one, "
    "it goes on.",
    "metric": "Keras metric that is the fitness, by name; accuracy if unset.",
    "operators": "Registered genetic operators (see --mode=list): glo (the paper's), gplearn, or "
    "others; if unset, those of the search space, by default the paper's.",
    "optimizer": "Keras optimizer by name.",
    "output_dir": "Folder for the results; runs/DATASET_seedSEED if empty, of a comparison "
    "runs/DATASET_compare_seedSEED, of a recommendation "
    "runs/DATASET_recommend_seedSEED. What is there of the same settings is resumed.",
    "outputs": "What the architecture gives; if unset, what its last activation and the labels "
    "say.",
    "reference_losses": "Known losses to beat, as for --losses, or none: before the search, they "
    "are tuned as its candidates are, and at the end the best of them stand beside what was found. "
    "If unset, with --learning_rate=own the usual loss and all losses with a name that fit, else "
    "none.",
    "search_space": "Registered search space (see --mode=list).",
    "strategy": "Where candidates are trained: local, devices (one a GPU), ray, or a registered "
    "strategy (see --mode=list); auto is devices where there are several GPUs, else local. What is "
    "found does not depend on it.",
    "learning_rate_grid": "With --learning_rate=own, multiples of the learning rate at which a "
    "candidate is expected to train best, to begin with, with commas between them.",
    "train_fraction": "Shares of the training data, with commas between them: 1.0,0.1,0.01.",
}
"""Of fields which take at the command line less than in Python, or in another form."""


_RATE = 0.01
"""Learning rate that the command line gives optimizers by itself."""


class _NumberOrWord(flags.ArgumentParser):
    """A number, or a word that stands for others.

    Args:
        number: What makes a text a number.
        words: That are taken, too.
        expected: Both in words.
    """

    def __init__(self, number: type[int] | type[float], words: tuple[str, ...], expected: str):
        super().__init__()
        self._number, self._words, self.syntactic_help = number, words, expected

    def parse(self, argument: str | float) -> str | float:
        """The number, or the word.

        Raises:
            ValueError: If it is neither.
        """
        if argument in self._words:
            return argument
        try:
            return self._number(argument)
        except ValueError:
            raise InvalidArgumentError(
                f"Expected {self.syntactic_help}. Received: {argument!r}"
            ) from None

    def flag_type(self) -> str:
        """The number's, as absl says it."""
        return self._number.__name__


_OR_WORD = {
    "learning_rate": _NumberOrWord(
        float, tuple(RateSource), f"a number, {' or '.join(RateSource)}"
    ),
    "lanes": _NumberOrWord(int, (AUTO,), f"a whole number, or {AUTO}"),
}
"""Fields that are a number or a word."""


def define_fields(values: flags.FlagValues) -> None:
    """Defines a flag for each field."""
    for kind, section in SECTIONS.items():
        said = descriptions(kind)
        for field in dataclasses.fields(kind):
            name = flag_of(kind, field.name)
            if name in values:  # both kinds of operators have it
                continue
            help = _HELP.get(name) or _without_quotes(said.get(field.name, ""))
            coefficients = name.startswith("coefficient_")
            own = _COEFFICIENTS if coefficients else _ELSEWHERE.get(name, section)
            _define(name, field, help, {"flag_values": values, "module_name": own})


def flag_of(kind: type, name: str) -> str:
    """The flag that is a field of a dataclass: of its name, but for Ray's, which say so."""
    return f"ray_{_OF_RAY.get(name, name)}" if kind is RayOptions else name


def read(values: flags.FlagValues, kind: type[T]) -> T:
    """What flags say, as keyword arguments.

    Args:
        values: The flags.
        kind: A `TypedDict` of fields; those that are no flags are left out.

    Raises:
        ValueError: If a text is none of its field's type.
    """
    names = [name for name in kind.__annotations__ if name in values]
    return kind(**{name: _value(values, name) for name in names})


def made_of_flags(values: flags.FlagValues, kind: type[T]) -> T:
    """One of the dataclasses of `SECTIONS`, as the flags say.

    Raises:
        ValueError: If it refuses a value, or a text is none of its field's type.
    """
    names = inspect.signature(kind).parameters
    return kind(**{name: _value(values, flag_of(kind, name)) for name in names})


def _define(name: str, field: dataclasses.Field[Any], help: str, of: dict[str, object]) -> None:
    default = field.default
    types = plain_types(str(field.type))
    if name in _CHOICES:
        flags.DEFINE_enum(name, default, _CHOICES[name], help, **of)
    elif name in _NUMBERS:
        numbers = default if isinstance(default, tuple) else (default,)
        texts = [str(number) for number in numbers]
        flags.DEFINE_list(name, texts, help, **of)
    elif name == "class_weight":
        flags.DEFINE_list(name, None, help, **of)
    elif name == "initial_expressions":
        flags.DEFINE_multi_string(name, None, help, **of)
    elif name in _OR_WORD:
        given = _RATE if name == "learning_rate" else default
        serializer = flags.ArgumentSerializer()
        flags.DEFINE(_OR_WORD[name], name, given, help, serializer=serializer, **of)
    elif name in _EMPTY:
        flags.DEFINE_string(name, "", help, **of)
    else:
        define = _DEFINE[types[0]] if types else flags.DEFINE_string
        define(name, default, help, **of)


def _value(values: flags.FlagValues, name: str) -> Any:
    value = values[name].value
    if name in _NUMBERS:
        return _numbers(name, value)
    convert = _CONVERT.get(name)
    return value if convert is None else convert(value)


def _numbers(name: str, texts: Sequence[str]) -> tuple[float, ...]:
    try:
        return tuple(float(text) for text in texts)
    except ValueError:
        raise InvalidArgumentError(
            f"Expected numbers with commas between them. Received: {name}={','.join(texts)}"
        ) from None


def _class_weight(texts: Sequence[str] | None) -> dict[int, float] | None:
    if not texts:
        return None
    try:
        pairs = [text.split(":") for text in texts]
        return {int(number): float(weight) for number, weight in pairs}
    except ValueError:
        raise InvalidArgumentError(
            "Expected classes and their weights, such as 0:1,1:5. "
            f"Received: class_weight={','.join(texts)}"
        ) from None


def _some(text: str) -> bool:
    return text.strip() not in ("", "none")


def _without_quotes(text: str) -> str:
    """Of a docstring, for the command line, where what is None is not given."""
    return text.replace("`", "").replace('"', "").replace("None", "unset")


_DEFINE: dict[str, Callable[..., object]] = {
    "bool": flags.DEFINE_boolean,
    "int": flags.DEFINE_integer,
    "float": flags.DEFINE_float,
    "str": flags.DEFINE_string,
}

_CONVERT: dict[str, Callable[[Any], object]] = {
    "class_weight": _class_weight,
    "initial_expressions": lambda texts: texts or [],
    "initial_losses": lambda text: text if text is not None and _some(text) else None,
    **dict.fromkeys(
        ["jit_compile", "standardize"],
        lambda word: {"true": True, "false": False}.get(word, word),
    ),
    **dict.fromkeys(_EMPTY, lambda text: text or None),
    "reference_losses": lambda text: None if text is None else [text] if _some(text) else [],
}
