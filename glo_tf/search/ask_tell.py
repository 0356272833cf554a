"""A phase of the search, seen from outside: ask it for candidates, tell it what they gave.

Inside there are trees f, as in arXiv 1905.11528, outside there are losses -f. This module alone
knows of the sign.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.trial import Evaluation


def loss_of(tree: Expression) -> Expression:
    """The whole loss -f of a tree f."""
    return tree.negated()


def tree_of(loss: Expression) -> Expression:
    """The tree f of a whole loss -f."""
    return loss.negated()


class AskTell(abc.ABC):
    """A search by generations, which leaves the training of its candidates to the caller.

    Args:
        hyperparameters: Of its candidates; None leaves them to the task.
    """

    def __init__(self, hyperparameters: Hyperparameters | None = None):
        self._hyperparameters = hyperparameters or Hyperparameters()
        self._asked: tuple[Candidate, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether there is nothing more to be found."""
        return False

    def ask(self) -> Sequence[Candidate]:
        """The next generation, with whole losses; the same one again until it is told of."""
        if not self._asked:
            self._asked = tuple(self._candidates([loss_of(tree) for tree in self._trees()]))
        return self._asked

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Reports what the candidates of `ask` gave.

        Args:
            evaluations: One for each, in their order.

        Raises:
            ValueError: If they are not of what was asked for.
        """
        told = [evaluation.candidate for evaluation in evaluations]
        if not told or told != list(self._asked):
            asked = f"{len(self._asked)} candidates" if self._asked else "no candidates; ask first"
            raise InvalidArgumentError(
                "Expected one evaluation for each candidate that was asked for, in their order. "
                f"Received: {len(told)} evaluations for {asked}"
            )
        self._asked = ()
        self._learn(evaluations)

    def _candidates(self, losses: Sequence[Expression]) -> list[Candidate]:
        """The candidates of the next generation, one for each of its losses."""
        return [Candidate(loss, self._hyperparameters) for loss in losses]

    @abc.abstractmethod
    def _trees(self) -> Sequence[Expression]:
        """The trees f of the next generation."""

    @abc.abstractmethod
    def _learn(self, evaluations: Sequence[Evaluation]) -> None:
        """Takes the evaluations of the last trees, in their order."""
