"""Random losses of a search space that train networks differently, and a few known ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

CROSS_ENTROPY = "-(x*log(y))"
KNOWN = (
    CROSS_ENTROPY,
    "-(log(y) - x/y)",
    "-(x*y)",
    "square(x - y)",
    "-(x*sqrt(y))",
    "-log(1 + x*y)",
    "-(1 - (x + x)/y)",
    "-(x*(log(1 + y) + y))",
)


def distinct_losses(outputs: Any, count: int) -> list[Any]:
    """Known losses, and random ones that can learn and whose gradients point elsewhere.

    Args:
        outputs: Of the model that they are to train.
        count: Of the random ones.
    """
    from glo_tf import plugins
    from glo_tf.expressions.tree import Expression
    from glo_tf.screening.screen import Screen, Traits, Verdict
    from glo_tf.search.ask_tell import loss_of
    from glo_tf.training.candidate import Candidate

    space = plugins.load("glo_tf.search_spaces", "glo")()
    spaces = [dataclasses.replace(space, max_initial_depth=depth) for depth in (2, 3, 4)]
    rng = np.random.default_rng(1)
    screen, found = Screen(outputs), [Expression.parse(text) for text in KNOWN]
    directions = [_direction(Traits.of(loss, outputs)) for loss in found]
    screen.examine([Candidate(loss) for loss in found])
    while len(found) < len(KNOWN) + count:
        trees = [Expression(each.draw_tree(rng)) for each in spaces for _ in range(50)]
        drawn = [loss_of(tree) for tree in trees if tree.has_x_and_y]
        for loss, verdict in zip(
            drawn, screen.examine([Candidate(loss) for loss in drawn]), strict=True
        ):
            direction = _direction(Traits.of(loss, outputs))
            if verdict == Verdict() and all(abs(direction @ d) < 1 - 1e-6 for d in directions):
                found.append(loss)
                directions.append(direction)
    return found[: len(KNOWN) + count]


def _direction(traits: Any) -> np.ndarray:
    from glo_tf.screening.probes import UNDECIDED

    gradients = traits.gradients[:UNDECIDED].ravel()
    return gradients / (np.linalg.norm(gradients) or 1.0)
