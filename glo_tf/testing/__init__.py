"""Tests that every plugin has to pass; a subclass that names the plugin inherits them.

Example::

    from glo_tf.testing import DatasetTestCase

    class TestWine(DatasetTestCase):
        name = "wine"

It needs pytest, which `import glo_tf` does not. `TrainerTestCase` is for the packages that train.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

# Before they are imported: it is what makes their asserts say what they compared.
pytest.register_assert_rewrite(
    *(f"{__name__}.{module}" for module in ("plugin", "dataset", "architecture")),
    *(f"{__name__}.{module}" for module in ("operators", "search_space", "strategy", "trainer")),
)

from glo_tf.testing.architecture import ArchitectureTestCase  # noqa: E402
from glo_tf.testing.dataset import DatasetTestCase  # noqa: E402
from glo_tf.testing.operators import OperatorsTestCase  # noqa: E402
from glo_tf.testing.plugin import registered  # noqa: E402
from glo_tf.testing.search_space import SearchSpaceTestCase  # noqa: E402
from glo_tf.testing.strategy import StrategyTestCase  # noqa: E402

if TYPE_CHECKING:
    from glo_tf.testing.trainer import TrainerTestCase

__all__ = [
    "ArchitectureTestCase",
    "DatasetTestCase",
    "OperatorsTestCase",
    "SearchSpaceTestCase",
    "StrategyTestCase",
    "TrainerTestCase",
    "registered",
]


def __getattr__(name: str) -> Any:
    if name == "TrainerTestCase":  # it needs Keras, which the others begin without
        from glo_tf.testing.trainer import TrainerTestCase

        return TrainerTestCase
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
