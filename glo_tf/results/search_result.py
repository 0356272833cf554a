"""What a search gives back."""

from __future__ import annotations

import dataclasses
import enum
import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from glo_tf.errors import InvalidArgumentError
from glo_tf.expressions.tree import Expression
from glo_tf.losses.for_outputs import ForOutputs, by_output, loss_for
from glo_tf.losses.given import Losses
from glo_tf.results import summary
from glo_tf.results.bar import Bar
from glo_tf.results.fame_table import FameRow, fame_table
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.owned_files import HISTORY_HEADER, OWN_RATES_HEADER
from glo_tf.results.record import Ending, HallOfFame, Record, pareto_front
from glo_tf.training.candidate import Candidate

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from glo_tf.comparison.config import ComparisonKeywords
    from glo_tf.data.outputs import Outputs
    from glo_tf.metrics.objective import Objective
    from glo_tf.results.comparison import Comparison
    from glo_tf.results.loss_trainings import LossTrainings

Compare: TypeAlias = Callable[[Expression, Losses, Any, "ComparisonKeywords"], "Comparison"]
"""Compares a found loss with others on test data, with settings; see `LossSearch.compare`."""


class Comparer:
    """Compares in the name of a search, which is not copied: a copy compares nothing.

    Args:
        compare: The search's own; None for no search.
    """

    def __init__(self, compare: Compare | None = None):
        self._compare = compare

    def __call__(
        self, best: Expression, losses: Losses, test_data: Any, settings: ComparisonKeywords
    ) -> Comparison:
        """See `LossSearch.compare`.

        Raises:
            ValueError: If there is no search, or as `LossSearch.compare`.
        """
        if self._compare is None:
            raise _without_search()
        return self._compare(best, losses, test_data, settings)

    def __reduce__(self) -> tuple[type[Comparer], tuple[()]]:
        return Comparer, ()


class OptimizerMaker:
    """Makes the optimizer that goes with a found loss; a copy, which knows no task, makes none.

    Args:
        make: With a learning rate; None for none.
    """

    def __init__(self, make: Callable[[float], keras.Optimizer] | None = None):
        self._make = make

    def __call__(self, rate: float) -> keras.Optimizer:
        """A new one.

        Raises:
            ValueError: If there is none.
        """
        if self._make is None:
            raise _without_search()
        return self._make(rate)

    def __reduce__(self) -> tuple[type[OptimizerMaker], tuple[()]]:
        return OptimizerMaker, ()


@dataclasses.dataclass(frozen=True, repr=False)
class SearchResult:
    """The outcome of `LossSearch.run`.

    Attributes:
        best: The best candidate; None if no candidate was trained to the end.
        confirmation: The finalists, retrained with other seeds, best mean first; empty if the
            search was interrupted before, or took no finalists.
        comparison: The best loss beside the usual one, retrained under the same budget, with tests
            and their verdict; a sequence of its rows, which is empty if the search was interrupted
            before, or took no `comparison_seeds`.
        records: Every candidate of every generation, in order.
        counts: Number of candidates by source, JSON-ready as `history`.
        seconds: Wall time.
        interrupted: Whether Ctrl-C, a signal or an error ended the search before its end.
        stopped: Whether a callback did, by `StopSearch`; what was found then is confirmed and
            compared all the same.
        outputs: Of the model that the losses trained.
        objective: What their fitness is.
        found: The best loss as it is given to users, with its learning rate; None if there is none.
        bar: What the search had to beat; None without references.
        ended_by: The budget that ended the phases before their last generation, if one did; what
            was found then is confirmed and compared all the same.
        folder: Where the search wrote it; None for nowhere.
        optimizer_maker: What `best_optimizer` makes; as `comparer`, a copy has none.
        comparer: What `compare` trains with. Results are data: they are equal whatever it is, and a
            copied or unpickled one has one without a search.
    """

    best: Record | None
    confirmation: list[LossTrainings]
    comparison: Comparison
    records: list[Record]
    counts: dict[str, int]
    seconds: float
    interrupted: bool
    stopped: bool
    outputs: Outputs
    objective: Objective
    found: FoundLoss | None = None
    bar: Bar | None = None
    ended_by: Ending | None = None
    folder: pathlib.Path | None = dataclasses.field(default=None, compare=False)
    optimizer_maker: OptimizerMaker = dataclasses.field(
        default_factory=OptimizerMaker, compare=False, repr=False
    )
    comparer: Comparer = dataclasses.field(default_factory=Comparer, compare=False, repr=False)

    def __repr__(self) -> str:
        return summary.in_one_line(self)

    def _repr_html_(self) -> str:
        return summary.as_html(self)

    def summary(self) -> None:
        """Prints one screen: the answer, what was compared, the hall of fame."""
        print(summary.screen(self))

    def __copy__(self) -> SearchResult:
        return dataclasses.replace(self, comparer=Comparer(), optimizer_maker=OptimizerMaker())

    @property
    def best_loss(self) -> ForOutputs:
        """The best loss, ready for `keras.Model.compile(loss=...)`.

        Where the search gave each candidate a learning rate of its own, it is divided by its
        `glo_tf.gradient_scale`: beside the usual loss's learning rate, it is near right.

        It takes labels of the form that the search was given, class indices or one-hot ones; the
        other form is `best_loss.with_options(sparse=False)`, or True.

        It takes targets and predictions in the units of the data: where these were standardised,
        it has their mean and deviation (`target_mean`, `target_deviation`), and the model that
        trains with it as the search did is `in_units(build_model())`.

        Returns:
            One loss; where outputs differ in kind, such as probabilities, logits and numbers, or in
            frequencies of classes that the loss sees, one for each, as a list or as a dict by the
            outputs' names.

        Raises:
            ValueError: If no candidate was trained to the end.
        """
        return loss_for(self.outputs, self._found().loss)

    def plot(self) -> Figure:
        """Figure of the best loss beside the usual one; see `glo_tf.ExpressionLoss.plot`.

        As the usual loss, it is one of numbers where any output has numbers.

        Raises:
            ValueError: If no candidate was trained to the end.
        """
        losses = [loss for _, loss in by_output(self.best_loss)]
        return min(losses, key=lambda loss: loss.probabilities).plot()

    @property
    def best_learning_rate(self) -> float:
        """The learning rate that goes with `best_loss`, per step; of a schedule its peak.

        Raises:
            ValueError: If no candidate was trained to the end.
        """
        return self._found().learning_rate

    def best_optimizer(self) -> keras.Optimizer:
        """A new optimizer as the search trained with, at `best_learning_rate`.

        It has the schedule, or the `learning_rate_decay`, of the search's trainings.

        Raises:
            ValueError: If no candidate was trained to the end, or the result is a copy that knows
                no search.
        """
        return self.optimizer_maker(self.best_learning_rate)

    def in_units(self, model: keras.Model) -> keras.Model:
        """A model that predicts in the units of the data, of one that the search's function built.

        Where targets were standardised, the network learned to give standardised numbers. The same
        network with a `keras.layers.Rescaling` after it, compiled with `best_loss`, is trained on
        the data as it is, step by step as the search trained it. Elsewhere it is the model itself.

        Raises:
            ValueError: If it is no such model, or one of several outputs that is no functional one.
        """
        from glo_tf.training.in_units import in_units

        return in_units(model, self.outputs)

    @functools.cached_property
    def history(self) -> dict[str, list[Any]]:
        """The records as columns, as in `keras.callbacks.History.history`.

        One list per column of `history.csv`, all of one length and JSON-ready, losses as text: what
        `pandas.DataFrame(result.history)` takes.
        """
        own_rates = any(record.column("learning_rate") is not None for record in self.records)
        names = OWN_RATES_HEADER if own_rates else HISTORY_HEADER
        return {name: [_plain(record.column(name)) for record in self.records] for name in names}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The candidates as rows, of which `pandas.DataFrame(result)` makes a table."""
        names = list(self.history)
        return (
            dict(zip(names, row, strict=True)) for row in zip(*self.history.values(), strict=True)
        )

    @property
    def best_value(self) -> float | None:
        """What `objective.name` was for the best candidate in the search, on validation data.

        It is the metric itself, or the fitness where several outputs have one; None if no candidate
        was trained to the end.
        """
        return None if self.best is None else self.best.values.get(self.objective.name)

    @property
    def hall_of_fame(self) -> HallOfFame:
        """The Pareto front of fitness against size (nodes), smallest first, ever fitter.

        Of the candidates that were trained to the end with a fitness above 0, those that no other
        one matches or beats in both; of equal ones the first that was found.
        """
        return HallOfFame(pareto_front(self.records))

    @functools.cached_property
    def hall_of_fame_table(self) -> list[FameRow]:
        """The hall of fame as rows of size, fitness, learning rate and loss.

        `pandas.DataFrame` takes them, and `best_loss.json` has them (`hall_of_fame`). Losses are
        simplified, with the slopes and at the learning rates that they had, and have that size; of
        larger ones, the fittest are looked at.
        """
        given = None if self.found is None else self.found.learning_rate
        return fame_table(self.records, self.outputs, given)

    def compare(
        self, losses: Losses = (), test_data: Any = None, **settings: Unpack[ComparisonKeywords]
    ) -> Comparison:
        """Trains the best loss, the usual one such as cross-entropy, and further losses.

        Args:
            losses: Further losses.
            test_data: As for `glo_tf.LossSearch.compare`.
            **settings: As for `glo_tf.LossSearch.compare`; `tune_learning_rate` is True if not
                given.

        Returns:
            The comparison, in which the best loss has the name `"best loss"`.

        Raises:
            ValueError: If there is no best loss, the result is a copy that knows no search, or an
                argument does not fit.
            TrainingError: As `glo_tf.LossComparison.run`.
        """
        return self.comparer(
            self._found().loss, losses, test_data, {"tune_learning_rate": True, **settings}
        )

    def _found(self) -> FoundLoss:
        if self.found is None:
            raise InvalidArgumentError(
                "Expected at least one finished training. Received: none, no best loss"
            )
        return self.found


def _without_search() -> InvalidArgumentError:
    return InvalidArgumentError(
        "Expected the result that LossSearch.run returned. Received: one without a search"
    )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Expression | Candidate | enum.StrEnum) else value
