"""Strategies by name."""

from __future__ import annotations

from glo_tf import plugins
from glo_tf.strategies.base import Strategy


def find_strategy(strategy: str | Strategy) -> Strategy:
    """A strategy, where its name was given the registered one with its default options.

    Args:
        strategy: `"auto"` is `"devices"` where there are several GPUs, else `"local"`.

    Raises:
        ValueError: If none of that name is registered.
    """
    if not isinstance(strategy, str):
        return strategy
    if strategy == "auto":
        from glo_tf.training.backends import backend  # what devices there are is for it to say

        strategy = "devices" if backend().several_gpus() else "local"
    found: Strategy = plugins.make("glo_tf.strategies", strategy)
    return found
