"""`glo-tf list`: all plugins, and the nodes and leaves that expressions have without any."""

from __future__ import annotations

from collections.abc import Sequence

from glo_tf import plugins
from glo_tf.expressions import leaves, operations
from glo_tf.plugins.registry import PluginDescription


def list_plugins() -> None:
    """Prints a table of each group: names, what they are, options, and whose they are."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    for group in plugins.GROUPS:
        table = Table(title=group, title_justify="left")
        for column in ("name", "what it is", "options", "package"):
            table.add_column(column)
        for plugin in [*_built_in(group), *plugins.describe(group)]:
            line = plugin.description if plugin.error is None else f"broken: {plugin.error}"
            options = ", ".join(map(str, plugin.options))
            table.add_row(*map(escape, (plugin.name, line, options, plugin.package)))
        console.print(table)


def _built_in(group: str) -> list[PluginDescription]:
    """Nodes and leaves that are no entry points, as no other package can change them."""
    known: dict[str, Sequence[operations.Operation | leaves.Leaf]] = {
        operations.GROUP: operations.registered(),
        leaves.GROUP: tuple(leaves.LEAVES.values()),
    }
    others = plugins.names(group)
    return [
        PluginDescription(one.name, one.description, "glo-tf", None)
        for one in known.get(group, ())
        if one.name not in others
    ]
