"""What a recommendation gives back."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from glo_tf.data.outputs import Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.losses.for_outputs import ForOutputs, loss_for
from glo_tf.metrics.mode import Mode
from glo_tf.results import recommendation_file
from glo_tf.results.comparison import Comparison
from glo_tf.results.rate_curve import RateCurve
from glo_tf.results.search_result import OptimizerMaker
from glo_tf.results.tuned_loss import Trial, TunedLoss
from glo_tf.utils.files import user_path, write_whole

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Recommendation:
    """The outcome of `glo_tf.recommend`.

    Attributes:
        recommended: Name of the loss to use, with its parameters, as `GCE(q=0.7)`: one that is
            better than the usual loss, or else the usual one; None if all trainings failed.
        sentence: What to use, and why.
        tuned: All losses with their trials, by validation data, the best first.
        comparison: The contenders with fresh seeds, each at its best setting, on test data where
            there are any; the best first, by validation data. Its tests are Student's paired
            t-tests, corrected by Holm's method: all against the usual loss, and where another one
            is recommended, the others against that.
        outputs: Of the model; None in what was read from a file.
        optimizer_maker: What `best_optimizer` makes; a copy has none.
    """

    recommended: str | None
    sentence: str
    tuned: tuple[TunedLoss, ...]
    comparison: Comparison
    outputs: Outputs | None = dataclasses.field(default=None, compare=False, repr=False)
    optimizer_maker: OptimizerMaker = dataclasses.field(
        default_factory=OptimizerMaker, compare=False, repr=False
    )

    def __repr__(self) -> str:
        return f"Recommendation({self.sentence!r})"

    def __str__(self) -> str:
        return self.sentence

    def __copy__(self) -> Recommendation:
        return dataclasses.replace(self, optimizer_maker=OptimizerMaker())

    @property
    def best(self) -> Trial:
        """The recommended loss at its best setting.

        Raises:
            ValueError: If there is none.
        """
        for loss in self.tuned:
            if loss.best.name == self.recommended:
                return loss.best
        raise InvalidArgumentError(
            "Expected at least one loss whose trainings came to their end. Received: none"
        )

    @property
    def best_learning_rate(self) -> float:
        """The learning rate that goes with `best_loss`, per step; of a schedule its peak.

        Raises:
            ValueError: If no loss is recommended.
        """
        return self.best.learning_rate

    @property
    def best_loss(self) -> ForOutputs:
        """The recommended loss, ready for `keras.Model.compile(loss=...)`.

        Returns:
            One loss; where outputs differ in kind, such as probabilities, logits and numbers, one
            for each, as a list or as a dict by the outputs' names.

        Raises:
            ValueError: If no loss is recommended, or this was read from a file, which does not know
                the model; the `recommended_loss.json` beside it is for `glo_tf.load_loss`.
        """
        return loss_for(self._known_outputs, self.best.loss)

    @property
    def _known_outputs(self) -> Outputs:
        if self.outputs is None:
            raise InvalidArgumentError(
                "Expected the result that recommend returned, or glo_tf.load_loss of the "
                "recommended_loss.json beside the file. Received: a result of a file"
            )
        return self.outputs

    def best_optimizer(self) -> keras.Optimizer:
        """A new optimizer as the losses were trained with, at `best_learning_rate`.

        Raises:
            ValueError: If no loss is recommended, or the result is a copy or of a file.
        """
        return self.optimizer_maker(self.best_learning_rate)

    def in_units(self, model: keras.Model) -> keras.Model:
        """A model that predicts in the units of the data, of one that the user's function built.

        See `glo_tf.SearchResult.in_units`.

        Raises:
            ValueError: If this was read from a file, which does not know the model.
        """
        from glo_tf.training.in_units import in_units

        return in_units(model, self._known_outputs)

    @property
    def metric(self) -> str:
        """What the losses are compared by."""
        return self.comparison.metric

    @property
    def mode(self) -> Mode:
        """Whether it is to be large or small."""
        return self.comparison.mode

    @property
    def rate_curves(self) -> list[RateCurve]:
        """Fitness against learning rate of each loss at its best parameters, the best first."""
        return [loss.curve for loss in self.tuned]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """A table of all losses, for readers; its first row has the names of the columns.

        Contenders have what they gave with fresh seeds, their lead over the usual loss, and the
        corrected p-value of that.
        """
        measured = f"{self.comparison.split} {self.metric}"
        names = ("loss", "rate", "trials", "tuning fitness", measured, "lead", "p")
        rows: list[tuple[str, ...]] = [names]
        contenders = {entry.name: entry for entry in self.comparison.losses}
        for loss in self.tuned:
            best = loss.best
            row = [best.name, f"{best.learning_rate:g}", str(len(loss.trials))]
            row.append(f"{best.fitness:.4f}")
            entry = contenders.get(best.name)
            test = None if entry is None else self.comparison.test_of(entry)
            row.append("" if entry is None else entry.shown)
            lead, p = (None, None) if test is None else (test.difference, test.p_value_corrected)
            row.append("" if lead is None else f"{lead:+.4f}")
            row.append("" if p is None else f"{p:.1g}")
            rows.append(tuple(row))
        return rows

    def summary(self) -> None:
        """Prints the sentence, and the table of all losses."""
        print(self.as_text())

    def as_text(self) -> str:
        """What `summary` prints."""
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in self.rows
        ]
        return "\n".join([self.sentence, "", *lines])

    def as_dict(self) -> dict[str, Any]:
        """The content of `recommendation.json`, as JSON-ready data."""
        return {
            "recommended": self.recommended,
            "sentence": self.sentence,
            "tuned": [dataclasses.asdict(loss) for loss in self.tuned],
            "comparison": self.comparison.as_dict(),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a `recommendation.json`; a crash leaves the old file or the new one."""
        write_whole(path, recommendation_file.as_document(self.as_dict()))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recommendation:
        """Reads what `save` wrote; a file is data, and nothing in it is executed.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is no such file, has another version, or lacks what belongs to it.
        """
        path = user_path(path)
        data = recommendation_file.read_data(path)
        tuned = tuple(
            TunedLoss(**{**loss, "trials": tuple(Trial(**trial) for trial in loss["trials"])})
            for loss in data["tuned"]
        )
        comparison = Comparison.of_data(data["comparison"], path)
        return cls(data["recommended"], data["sentence"], tuned, comparison)
