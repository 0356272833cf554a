"""Options of plugins: declared by signatures, given as text, checked before any work."""

import pickle
import sys
from unittest.mock import create_autospec

import fake_distribution
import pytest

from glo_tf import plugins
from glo_tf.architectures import NamedArchitecture
from glo_tf.cli import flags as command_flags
from glo_tf.cli import main as command_line
from glo_tf.cli import task as command_task
from glo_tf.errors import InvalidArgumentError
from glo_tf.plugins.options import convert, declared
from glo_tf.strategies import Strategy

OWNER = "data set 'folder'"


def folder(data_dir=None, *, path: str, image_size: int = 32, share: float = 0.5) -> None:
    """A plugin whose annotations are types."""


def postponed(*, grey: "bool" = False, size: "int | None" = None) -> None:
    """A plugin whose annotations are text, as `from __future__ import annotations` makes them."""


def parse(function, *texts):
    return convert(OWNER, declared(function), texts)


def test_keyword_only_parameters_are_options() -> None:
    assert [str(option) for option in declared(folder)] == [
        "path: str",
        "image_size: int = 32",
        "share: float = 0.5",
    ]
    assert [str(option) for option in declared(postponed)] == [
        "grey: bool = False",
        "size: int | None = None",
    ]


@pytest.mark.parametrize(
    ("function", "texts", "values"),
    [
        (folder, ["path=a"], {"path": "a"}),
        (
            folder,
            ["path=a,image_size=8", "share=1e-1"],
            {"path": "a", "image_size": 8, "share": 0.1},
        ),
        (folder, ["path=a=b, c,image_size=8"], {"path": "a=b, c", "image_size": 8}),
        (folder, ["path=a", "path=b"], {"path": "b"}),
        (postponed, [], {}),
        (postponed, ["grey=TRUE", "size=none"], {"grey": True, "size": None}),
        (postponed, ["grey=false,size=3"], {"grey": False, "size": 3}),
    ],
)
def test_text_becomes_what_the_annotation_says(function, texts, values) -> None:
    converted = parse(function, *texts)
    assert converted == values
    assert {name: type(value) for name, value in converted.items()} == {
        name: type(value) for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("function", "text", "message"),
    [
        (
            folder,
            "foo=1",
            "Expected options among path, image_size, share of data set 'folder'. Received: foo=1",
        ),
        (lambda: None, "foo=1", "Expected no options for data set 'folder'. Received: foo=1"),
        (
            folder,
            "image_size=big",
            "Expected image_size as int for data set 'folder'. Received: image_size=big",
        ),
        (
            folder,
            "image_size=none",
            "Expected image_size as int for data set 'folder'. Received: image_size=none",
        ),
        (
            postponed,
            "grey=maybe",
            "Expected grey as bool for data set 'folder'. Received: grey=maybe",
        ),
        (
            folder,
            "share=0.5",
            "Expected options path: str of data set 'folder'. Received: share=0.5",
        ),
        (folder, "path", "Expected options of data set 'folder' as name=value. Received: 'path'"),
    ],
)
def test_what_does_not_fit_the_signature_is_refused(function, text, message) -> None:
    with pytest.raises(ValueError, match="Expected") as caught:
        parse(function, text)
    assert str(caught.value) == message


def test_an_option_that_text_cannot_stand_for_is_the_plugins_fault() -> None:
    def lists(*, sizes: list[int]) -> None: ...

    def bare(*, size=3) -> None: ...

    for function in (lists, bare):
        with pytest.raises(TypeError, match="annotated str, int, float, bool"):
            declared(function)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A distribution with one plugin in each of three groups, all of which have options."""
    entries = {
        "glo_tf.datasets": ["few = optioned:few"],
        "glo_tf.architectures": ["wide = optioned:wide"],
        "glo_tf.search_spaces": ["deep = optioned:deep"],
    }
    fake_distribution.register(tmp_path, monkeypatch, "optioned", entries)
    (tmp_path / "optioned.py").write_text(
        "import dataclasses\nfrom glo_tf import architectures, datasets, search_spaces\n"
        "def few(data_dir=None, *, count: int):\n"
        "    if count < 2: raise ValueError(f'Expected two. Received: count={count}')\n"
        "    digits = datasets.digits()\n"
        "    return dataclasses.replace(\n"
        "        digits, x_train=digits.x_train[:count], y_train=digits.y_train[:count])\n"
        "def wide(input_shape, num_classes, *, units: int = 8):\n"
        "    if units < 1: raise ValueError(f'Expected a unit. Received: units={units}')\n"
        "    import keras\n"
        "    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(),\n"
        "        keras.layers.Dense(units, activation='relu'),\n"
        "        keras.layers.Dense(num_classes, activation='softmax')])\n"
        "def deep(*, depth: int = 2):\n"
        "    return dataclasses.replace(\n"
        "        search_spaces.glo(), name='deep', max_initial_depth=depth)\n"
    )
    monkeypatch.delitem(sys.modules, "optioned", raising=False)  # of an earlier test


SEARCH = (
    *("--dataset=few", "--dataset_options=count=120", "--architecture=wide"),
    *("--search_space=deep", "--train_steps=20", "--population_size=6", "--elites=2"),
    *("--generations=2", "--coefficient_expressions=0", "--finalists=0", "--comparison_seeds=0"),
)


def run(*arguments: str) -> int:
    return command_line.main(["glo-tf", *SEARCH, *arguments])


def test_options_reach_plugins_from_the_command_line(tmp_path, monkeypatch, plugin) -> None:
    seen = []

    def search(model, train_data, *_, search_space, **__):
        seen.append((model, len(train_data[0]), search_space.max_initial_depth))
        (tmp_path / "out").mkdir(exist_ok=True)
        raise InvalidArgumentError("seen")

    monkeypatch.setattr("glo_tf.search.loss_search.LossSearch", search)
    own = ("--architecture_options=units=3", "--search_space_options=depth=1")
    assert run(*own, f"--output_dir={tmp_path / 'out'}") == 2
    ((model, count, depth),) = seen
    assert (count, depth) == (120, 1)
    assert model == NamedArchitecture("wide", (8, 8, 1), 10, {"units": 3})
    built = pickle.loads(pickle.dumps(model))()
    assert built.layers[1].units == 3


@pytest.mark.slow
def test_a_search_with_options_repeats_from_its_own_flags(tmp_path, plugin) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run("--dataset_options=count=140", f"--output_dir={first}") == 0
    written = (first / "search.flags").read_text().splitlines()
    assert "--dataset_options=count=140" in written
    (tmp_path / "again.flags").write_text("\n".join(written))
    arguments = [f"--flagfile={tmp_path / 'again.flags'}", f"--output_dir={second}"]
    assert command_line.main(["glo-tf", *arguments]) == 0
    assert (first / "history.csv").read_bytes() == (second / "history.csv").read_bytes()


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--dataset_options=foo=1", "options among count of data set 'few'. Received: foo=1"),
        ("--dataset_options=count=1", "Expected two. Received: count=1"),
        ("--architecture_options=units=0", "Expected a unit. Received: units=0"),
        ("--architecture_options=units=x", "units as int for architecture 'wide'"),
        ("--search_space_options=depth=-1", "max_initial_depth=-1"),
        ("--strategy_options=foo=1", "Received: strategy=auto"),
    ],
)
def test_bad_options_are_bad_input(argument, message, tmp_path, capsys, plugin) -> None:
    assert run(argument, f"--output_dir={tmp_path / 'out'}") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_required_option_that_is_missing_is_bad_input(capsys, tmp_path, plugin) -> None:
    assert command_line.main(["glo-tf", "--dataset=few", f"--output_dir={tmp_path / 'out'}"]) == 2
    assert "Expected options count: int of data set 'few'" in capsys.readouterr().err


def test_options_of_a_strategy_take_the_place_of_its_flags(monkeypatch) -> None:
    seen = {}

    def made(address, **options) -> Strategy:
        seen.update(options, address=address)
        return create_autospec(Strategy, instance=True)

    monkeypatch.setattr("glo_tf.strategies.ray.RayStrategy", made)
    values = command_flags.define_flags()
    values(["glo-tf", "--strategy=ray", "--ray_workers=3", "--ray_num_cpus=2"])
    command_task._strategy(values)
    assert seen == {"address": None, "num_workers": 3, "num_cpus": 2.0, "num_gpus": None}
    values(["glo-tf", "--strategy_options=num_workers=1,num_gpus=0.5"])
    command_task._strategy(values)
    assert seen == {"address": None, "num_workers": 1, "num_cpus": 2.0, "num_gpus": 0.5}


def test_the_listing_shows_options_and_defaults(capsys, monkeypatch, plugin) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert command_line.main(["glo-tf", "--mode=list"]) == 0
    output = capsys.readouterr().out
    assert "count: int" in output
    assert "units: int = 8" in output
    assert "num_workers: int | None = None" in output


def test_a_plugin_with_an_option_of_another_type_is_listed_as_broken(
    tmp_path, monkeypatch, plugin
) -> None:
    with (tmp_path / "optioned.py").open("a") as file:
        file.write("def deep(*, weights: dict): ...\n")
    (described,) = (p for p in plugins.describe("glo_tf.search_spaces") if p.name == "deep")
    assert "Received: weights: dict of search space 'deep'" in described.error
