"""The registry, against fake distributions on a temporary path."""

import subprocess
import sys

import fake_distribution
import pytest

from glo_tf import plugins

DATASETS = "glo_tf.datasets"


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Installs `package` with one data set entry point each time it is called."""

    def install(package: str, entry: str, folder: str = "site") -> None:
        fake_distribution.register(tmp_path / folder, monkeypatch, package, {DATASETS: [entry]})

    return install


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
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
