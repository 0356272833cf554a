"""The plugin that `glo-tf new-plugin` writes: it installs, passes its tests and is used."""

import installed_plugins
import pytest

from glo_tf.cli import main as command_line


def run(*arguments: str) -> int:
    return command_line.main(["glo-tf", "new-plugin", *arguments])


@pytest.mark.slow
def test_a_new_plugin_passes_its_tests_and_takes_part_in_a_search(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("my_plugin") == 0
    assert "my_plugin" in capsys.readouterr().out
    folder = tmp_path / "my_plugin"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {"setup.py", "my_plugin.py", "README.md", "tests/test_my_plugin.py"}
    assert not any("$" in (folder / name).read_text() for name in written)
    environment = installed_plugins.install(folder, tmp_path / "installed")
    assert " passed" in installed_plugins.run_tests(folder / "tests", environment)
    output_dir = tmp_path / "out"
    installed_plugins.glo_tf(
        *installed_plugins.QUICK,
        *("--dataset=my_plugin_clouds", "--dataset_options=spread=0.2"),
        *("--architecture=my_plugin_mlp", "--architecture_options=units=8"),
        f"--output_dir={output_dir}",
        environment=environment,
    )
    assert (output_dir / "history.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["my-plugin"], "Expected a Python identifier as the plugin's name. Received: 'my-plugin'"),
        (["../plugin"], "Received: '../plugin'"),
        (["class"], "Received: 'class'"),
        (["taken"], "Expected a name that is no folder here yet. Received: 'taken'"),
        (["numpy"], "Expected a name that no installed module has. Received: 'numpy'"),
        ([], "Expected glo-tf new-plugin NAME. Received: no name"),
        (["one", "two"], "Received: one two"),
        (["--seed=1"], "Received: --seed=1"),
    ],
)
def test_a_name_that_will_not_do_is_bad_input(
    arguments, message, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert not list((tmp_path / "taken").iterdir())
