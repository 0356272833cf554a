"""Strategies by name."""

from __future__ import annotations

from glo_tf import plugins
from glo_tf.strategies.base import Strategy
from glo_tf.strategies.devices import several_gpus


def make_strategy(name: str) -> Strategy:
    """A registered strategy with its default options.

    Args:
        name: `"auto"` is `"devices"` where there are several GPUs, else `"local"`.

    Raises:
        ValueError: If none of that name is registered.
    """
    if name == "auto":
        name = "devices" if several_gpus() else "local"
    strategy: Strategy = plugins.load("glo_tf.strategies", name)()
    return strategy
