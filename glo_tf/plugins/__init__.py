"""Plugins, of data sets to strategies, as entry points."""

from glo_tf.plugins.options import Option, OptionValue
from glo_tf.plugins.registry import (
    GROUPS,
    PluginDescription,
    PluginError,
    describe,
    load,
    make,
    names,
    options,
    parse_options,
)

__all__ = [
    "GROUPS",
    "Option",
    "OptionValue",
    "PluginDescription",
    "PluginError",
    "describe",
    "load",
    "make",
    "names",
    "options",
    "parse_options",
]
