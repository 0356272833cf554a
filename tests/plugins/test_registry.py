"""The registry, against fake distributions on a temporary path."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import time

import fake_distribution
import pytest

from glo_tf import plugins
from glo_tf.expressions import operations
from glo_tf.plugins import registry

DATASETS = "glo_tf.datasets"


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Installs `package` with one data set entry point each time it is called."""

    def install(package: str, entry: str, folder: str = "site") -> None:
        fake_distribution.register(tmp_path / folder, monkeypatch, package, {DATASETS: [entry]})

    return install


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """On the path, as the only folder that has changed in the last minute."""
    folder = tmp_path / "site"
    folder.mkdir()
    settled = [path for path in sys.path if not changed_lately(path)]
    monkeypatch.setattr(sys, "path", [str(folder), *settled])
    return folder


def changed_lately(path: str) -> bool:
    return os.path.isdir(path or ".") and time.time() - os.stat(path or ".").st_mtime < 60.0


def add(folder, package: str, entry: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:  # it is on the path already
        fake_distribution.register(folder, monkeypatch, package, {DATASETS: [entry]})


def set_age(folder, seconds: float) -> None:
    os.utime(folder, (time.time() - seconds,) * 2)


def count_scans(monkeypatch) -> list[None]:
    scans: list[None] = []
    entry_points = importlib.metadata.entry_points
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda: (scans.append(None), entry_points())[1]
    )
    return scans


def test_unknown_names_do_not_read_all_packages_each_time(folder, monkeypatch) -> None:
    set_age(folder, 60.0)
    scans = count_scans(monkeypatch)
    assert not any(operations.find(f"unknown_{number}") for number in range(100))
    assert len(scans) == 1


def test_what_is_installed_or_removed_later_is_seen(folder) -> None:
    for number in range(3):
        set_age(folder, 60.0 - number)
        assert f"new_{number}" not in plugins.names(DATASETS)
        add(folder, f"package_{number}", f"new_{number} = glo_tf.datasets:digits")
        assert f"new_{number}" in plugins.names(DATASETS)
    set_age(folder, 30.0)
    assert "new_1" in plugins.names(DATASETS)
    shutil.rmtree(folder / "package_1-1.0.dist-info")
    assert "new_1" not in plugins.names(DATASETS)
    assert "new_2" in plugins.names(DATASETS)


def test_a_folder_that_has_only_just_changed_is_read_again(folder, monkeypatch) -> None:
    """Its time of change is too coarse to tell a second change from the first."""
    monkeypatch.setattr(registry, "_RECENT", 3600.0)  # however slow the machine
    add(folder, "first", "one = glo_tf.datasets:digits")
    state = os.stat(folder)
    assert "one" in plugins.names(DATASETS)
    add(folder, "second", "two = glo_tf.datasets:digits")
    os.utime(folder, ns=(state.st_atime_ns, state.st_mtime_ns))
    importlib.metadata.FastPath.__new__.cache_clear()  # Python's own, by the time alone
    assert "two" in plugins.names(DATASETS)


def test_the_same_path_can_become_another_folder(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    for name in ("here", "there"):
        add(tmp_path / name, name, f"{name} = glo_tf.datasets:digits")
        set_age(tmp_path / name, 60.0)
        monkeypatch.chdir(tmp_path / name)
        assert {"here", "there"} & set(plugins.names(DATASETS)) == {name}


@pytest.mark.parametrize("group", plugins.GROUPS)
def test_every_registered_plugin_is_described(group) -> None:
    assert [plugin.name for plugin in plugins.describe(group)] == plugins.names(group)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(plugins.PluginError, match=r"digits, .*mnist.* Received: 'foo'"):
        plugins.load(DATASETS, "foo")


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(plugins.PluginError, match=r"group='glo_tf\.models'"):
        plugins.names("glo_tf.models")


def test_a_broken_plugin_breaks_only_itself(distribution) -> None:
    distribution("shattered", "glass = a_module_that_is_not_there:glass")
    described = {plugin.name: plugin for plugin in plugins.describe(DATASETS)}
    assert described["digits"].error is None
    assert described["glass"].package == "shattered"
    assert "ModuleNotFoundError" in described["glass"].error
    assert callable(plugins.load(DATASETS, "digits"))
    with pytest.raises(plugins.PluginError, match="'glass' of shattered"):
        plugins.load(DATASETS, "glass")


def test_a_module_that_ends_the_process_is_a_broken_plugin(distribution, tmp_path) -> None:
    distribution("hasty", "end = a_script_that_ends:end")
    (tmp_path / "site" / "a_script_that_ends.py").write_text("import sys; sys.exit('done')")
    described = {plugin.name: plugin for plugin in plugins.describe(DATASETS)}
    assert "'end' of hasty to load. Received: SystemExit: done" in described["end"].error


def test_what_is_no_function_is_a_broken_plugin(distribution) -> None:
    distribution("constant", "splits = glo_tf.datasets:SPLITS")
    described = {plugin.name: plugin for plugin in plugins.describe(DATASETS)}
    assert "to be a function. Received: ('train', " in described["splits"].error


@pytest.mark.parametrize(
    ("group", "what"),
    [
        ("glo_tf.datasets", "data set 'odd' to return a glo_tf.Dataset"),
        ("glo_tf.architectures", "architecture 'odd' to return a keras.Model"),
        ("glo_tf.search_spaces", "search space 'odd' to return a glo_tf.SearchSpace"),
        ("glo_tf.operators", "genetic operators 'odd' to return an object with breed(select, rng)"),
        ("glo_tf.strategies", "strategy 'odd' to return a glo_tf.strategies.Strategy"),
    ],
)
@pytest.mark.parametrize(
    ("function", "received"), [("builtins:print", "None"), ("builtins:type", "<class 'int'>")]
)
def test_a_function_that_returns_something_else_is_told_so(
    group, what, function, received, tmp_path, monkeypatch
) -> None:
    """None, as where a `return` was forgotten, and a class that nobody called."""
    fake_distribution.register(tmp_path, monkeypatch, "strange", {group: [f"odd = {function}"]})
    with pytest.raises(plugins.PluginError, match=re.escape(f"{what}. Received: {received}")):
        plugins.make(group, "odd", 3)


def test_two_packages_with_one_name_are_both_named(distribution) -> None:
    distribution("first", "twin = glo_tf.datasets:digits")
    distribution("second", "twin = glo_tf.datasets:digits")
    with pytest.raises(plugins.PluginError, match="Received: first and second"):
        plugins.load(DATASETS, "twin")
    described = {plugin.name: plugin for plugin in plugins.describe(DATASETS)}
    assert described["twin"].package == "first, second"
    assert described["digits"].error is None


def test_one_package_seen_twice_is_no_duplicate(distribution) -> None:
    distribution("once", "single = glo_tf.datasets:digits", folder="installed")
    distribution("once", "single = glo_tf.datasets:digits", folder="source")
    assert callable(plugins.load(DATASETS, "single"))


def test_listing_needs_neither_tensorflow_nor_pytest() -> None:
    code = (
        "import sys; from glo_tf import plugins; "
        "[plugins.describe(group) for group in plugins.GROUPS]; "
        "sys.exit(bool({'tensorflow', 'keras', 'sklearn', 'pytest'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
