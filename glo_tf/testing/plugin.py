"""What is tested of every plugin, whatever its group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from glo_tf import plugins
from glo_tf.plugins.options import OptionValue


class PluginTestCase:
    """A plugin as its registration gives it.

    Attributes:
        group: Entry-point group.
        name: Under which the plugin is registered.
        options: Its own options; override the fixture `plugin_options` for options that depend on
            others, such as `tmp_path`.
    """

    group: ClassVar[str]
    name: ClassVar[str]
    options: ClassVar[Mapping[str, OptionValue]] = {}

    @pytest.fixture
    def plugin_options(self) -> Mapping[str, OptionValue]:
        """The plugin's own options in each test."""
        return self.options

    def load(self) -> Any:
        """The registered function."""
        return plugins.load(self.group, self.name)

    def test_it_is_registered_with_a_line_that_describes_it(self) -> None:
        """Its docstring's first line is a sentence, for `--mode=list`."""
        (described,) = (p for p in plugins.describe(self.group) if p.name == self.name)
        assert described.error is None
        assert described.description.endswith(".")

    def test_its_options_are_the_declared_ones(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """Given as text, as on the command line, they are the same."""
        texts = [f"{name}={value}" for name, value in plugin_options.items()]
        assert plugins.parse_options(self.group, self.name, texts) == plugin_options
        with pytest.raises(ValueError, match="Received: no_such_option=1"):
            plugins.parse_options(self.group, self.name, [*texts, "no_such_option=1"])


def registered(case: type[PluginTestCase], package: str) -> dict[str, type[PluginTestCase]]:
    """A subclass of a test case for each plugin of its group that a distribution registers.

    Args:
        case: Such as `DatasetTestCase`.
        package: Name of the distribution.

    Returns:
        Name to class, for a test module's `globals().update`.
    """
    return {
        f"Test_{plugin.name}": type(
            f"Test_{plugin.name}", (case,), {"name": plugin.name, "__doc__": plugin.description}
        )
        for plugin in plugins.describe(case.group)
        if plugin.package == package
    }
