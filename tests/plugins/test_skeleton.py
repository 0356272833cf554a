"""The plugin that `glo-tf new-plugin` writes: it installs, passes its tests and is used."""

import io
import re
import runpy

import installed_plugins
import numpy as np
import pytest

from glo_tf.cli import main as command_line
from glo_tf.expressions.tree import Expression
from glo_tf.search.spaces.space import glo


def run(*arguments: str) -> int:
    return command_line.main(["glo-tf", "new-plugin", *arguments])


@pytest.mark.slow
def test_a_new_plugin_passes_its_tests_and_takes_part_in_a_search(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("my_plugin", "--kind=dataset") == 0
    assert "my_plugin" in capsys.readouterr().out
    folder = tmp_path / "my_plugin"
    environment = installed_plugins.install(folder, tmp_path / "installed")
    assert " passed" in installed_plugins.run_tests(folder / "tests", environment)
    output_dir = tmp_path / "out"
    (command,) = re.findall(r"glo-tf (--\w+=.*?) --train_steps", (folder / "README.md").read_text())
    installed_plugins.glo_tf(
        *command.split(),
        *installed_plugins.QUICK,
        f"--output_dir={output_dir}",
        environment=environment,
    )
    assert (output_dir / "history.csv").is_file()


@pytest.mark.parametrize(
    ("kind", "makes"),
    [
        ("dataset", lambda function: function(spread=0.2).num_classes == 2),
        ("architecture", lambda function: function((4, 4), 3, units=8).output_shape == (None, 3)),
        ("search_space", lambda function: function(leaf_weight=2.0).name == "mine_space"),
        ("operators", lambda function: len(bred(function(glo(), max_size=9))) == 50),
        ("strategy", lambda function: function(workers=2).idle() == ["worker 0", "worker 1"]),
    ],
)
def test_only_one_kind_is_written_and_works(kind, makes, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("mine", "--kind", kind) == 0
    folder = tmp_path / "mine"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {"setup.py", "mine.py", "README.md", "tests/test_mine.py"}
    texts = [(folder / name).read_text() for name in written]
    assert not any("$" in text or "{}" in text for text in texts)
    (group, registered, function) = re.findall(
        r'"(glo_tf\.\w+)": \["(\w+) = mine:(\w+)"\]', (folder / "setup.py").read_text()
    )[0]
    assert group.startswith(f"glo_tf.{kind.removesuffix('s')}"[:12])
    module = runpy.run_path(str(folder / "mine.py"))
    assert makes(module[function])
    assert f'name = "{registered}"' in (folder / "tests" / "test_mine.py").read_text()


def bred(operators):
    rng = np.random.default_rng(0)
    trees = [Expression(glo().draw_tree(rng)) for _ in range(20)]
    children = []
    for _ in range(50):
        children += operators.breed(lambda: trees[rng.integers(20)], rng)
    return [child for child in children if child.size <= 9]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_kind_that_is_missing_is_asked_for_on_a_terminal(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", Terminal("operators\n"))
    assert run("mine") == 0
    assert "What kind of plugin (dataset, architecture," in capsys.readouterr().out
    assert "class Replacement" in (tmp_path / "mine" / "mine.py").read_text()
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert run("other") == 2
    assert "Received: no answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["my-plugin"], "Expected a Python identifier as the plugin's name. Received: 'my-plugin'"),
        (["../plugin"], "Received: '../plugin'"),
        (["class"], "Received: 'class'"),
        (["taken"], "Expected a name that is no folder here yet. Received: 'taken'"),
        (["numpy"], "Expected a name that no installed module has. Received: 'numpy'"),
        (["scikit_learn"], "name that no installed distribution has. Received: 'scikit_learn'"),
        (["NumPy"], "name that no installed distribution has. Received: 'NumPy'"),
        (["_mine"], "name without an underscore at either end, as it becomes that of a dist"),
        (["mine_"], "Received: 'mine_'"),
        ([], "Expected glo-tf new-plugin NAME --kind=dataset|architecture|search_space|operators|"),
        ([], "Received: no name"),
        (["mine"], "|strategy. Received: mine without --kind"),
        (["mine", "--kind=loss"], "Expected --kind=dataset|architecture|search_space|operators|"),
        (["mine", "--kind"], "Received: mine --kind"),
        (["one", "two"], "Received: one two"),
        (["--seed=1"], "Received: --seed=1"),
    ],
)
def test_a_name_that_will_not_do_is_bad_input(
    arguments, message, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    (tmp_path / "taken").mkdir()
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert not list((tmp_path / "taken").iterdir())
