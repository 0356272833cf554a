"""What a report tells of a search."""

from __future__ import annotations

import datetime
import functools
import inspect
import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from glo_tf import losses
from glo_tf.metrics.mode import Mode
from glo_tf.plots.history import generations
from glo_tf.plots.slopes import CLASSES
from glo_tf.report.asked import Asked
from glo_tf.report.comparison_part import ComparisonPart, TrainingsPart
from glo_tf.report.inline import InlinePicture, formula
from glo_tf.report.page import duration
from glo_tf.report.run_folder import SearchFiles
from glo_tf.report.search_pictures import (
    picture_of_slopes,
    pictures_of_loss,
    pictures_of_records,
)
from glo_tf.report.task_settings import TaskSettings
from glo_tf.report.why import Why
from glo_tf.results.outcomes import headline_of
from glo_tf.results.record import Record, Source, pareto_front
from glo_tf.training.trial import Status
from glo_tf.utils import onednn

if TYPE_CHECKING:
    from glo_tf.expressions.tree import Expression
    from glo_tf.losses.expression_loss import ExpressionLoss

MEANING = {
    Source.TRAINED: "trained to the end",
    Source.STOPPED: "stopped early, at chance, or pruned in a race",
    Source.FAILED: "loss or weights not finite, or the worker was lost",
    Source.CACHED: "the same loss again",
    Source.INHERITED: "trains a network like an earlier loss, whose fitness it has",
    Source.REJECTED: "cannot train a network",
    Source.UNTRAINED: "x or y is missing",
}
"""What became of candidates, by `Record.source`."""

_ASKED_OF_TASK = {
    "train_data": "training data",
    "validation_data": "validation data",
    "model": "model",
    "outputs": "outputs",
    "optimizer.class_name": "optimizer",
    "optimizer.config.learning_rate": "learning rate (per step)",
    "train_steps": "training steps of a candidate",
    "batch_size": "batch size (samples)",
}
_ASKED = {
    "search_space.name": "search space",
    "population_size": "population size",
    "generations": "generations",
    "coefficient_expressions": "expressions tuned by CMA-ES",
    "coefficient_generations": "generations of CMA-ES",
    "finalists": "finalists",
    "seed": "seed",
}
_OPTIONS = ("from_logits", "epsilon", "activation", "sparse", "ignore_class")
"""Of a loss that the code to use it has to give, unless they are the defaults."""
_FITTEST = 20  # losses in the hall of fame, beside the Pareto front
_VERSIONS = ("glo_tf", "tensorflow", "jax", "jaxlib", "device", "keras", "numpy", "cma", "gplearn")


class SearchPart:
    """The tables and figures of a search, for the template.

    Args:
        files: As they were read.
        flags: What the search was made with; None if they are not known.
    """

    def __init__(self, files: SearchFiles, flags: Asked | None = None):
        self.files = files
        self.flags = flags
        self.study = files.study
        self.task = TaskSettings(files.study.settings)
        self.front = pareto_front(files.records)
        self.measured = f"validation {files.metric}"
        self.fitness = self.measured
        if files.minimized:
            self.fitness = f"fitness, the larger the smaller {self.measured}"
        self.unfinished = files.unfinished()
        self.generations = generations(files.records)
        self.comparison = ComparisonPart(files.comparison, "usual") if files.comparison else None
        self.mode = Mode.MIN if files.minimized else Mode.MAX
        self.finalists = TrainingsPart(files.confirmation, self.mode)

    @property
    def lead(self) -> dict[str, str]:
        """What a reader asks for first, in a few words."""
        task = self.task
        shown = {} if self.flags is None else self.flags.shown
        found = {
            "data set": shown.pop("data set", None) or task.shown("train_data", _without_hash),
            "network": shown.pop("network", None) or task.shown("model", _without_hash),
            "optimizer": task.shown("optimizer.class_name", _readable),
            "steps of a training": task.shown("train_steps", _readable),
        }
        shown.pop("optimizer", None)
        return {**{label: text or "unknown" for label, text in found.items()}, **shown}

    @property
    def headline(self) -> str:
        """One line that answers whether the found loss is better."""
        data = self.files.comparison
        return headline_of(data, data[0].name) if data else ""

    @functools.cached_property
    def classes(self) -> dict[int, str]:
        """The numbers of classes of the tasks' networks, with the names of tasks that have them."""
        found: dict[int, str] = {}
        for name, outputs in self.task.each("outputs").items():
            number = re.search(r"(\d+) classes", str(outputs))
            classes = max(2, int(number[1])) if number else CLASSES
            found[classes] = ", ".join(filter(None, (found.get(classes), name)))
        return found or {CLASSES: ""}

    @functools.cached_property
    def why(self) -> list[Why]:
        """What the best loss does to predictions, for each number of classes."""
        if self.best is None:
            return []
        return [Why(self.best, classes, tasks) for classes, tasks in self.classes.items()]

    @functools.cached_property
    def pictures_of_slopes(self) -> list[InlinePicture]:
        """Of the same."""
        return [picture_of_slopes(why.loss, why.classes, why.name) for why in self.why]

    @property
    def own_rates(self) -> bool:
        """Whether candidates have learning rates of their own."""
        return any(r.candidate.hyperparameters.learning_rate is not None for r in self.front)

    @property
    def hall_of_fame(self) -> list[Record]:
        """The fittest different losses and the Pareto front, the fittest first."""
        finished = [r for r in self.files.records if r.status == Status.OK and r.fitness > 0]
        finished.sort(key=lambda record: -record.fitness)  # stable: of equal ones, the first
        different = list({record.loss: record for record in reversed(finished)}.values())[::-1]
        shown = [*different[:_FITTEST], *self.front]
        return sorted(dict.fromkeys(shown), key=lambda r: (-r.fitness, r.loss.size))

    @property
    def best(self) -> ExpressionLoss | None:
        """The best loss; where each output has its own, they differ in their clipping alone."""
        return next(iter(self.files.losses.values()), None)

    @property
    def in_search(self) -> dict[str, str]:
        """What the best loss was worth in the search: the metric, and the fitness that it makes."""
        value, found = self.files.values.get(self.files.metric), self.found
        shown = {} if value is None else {self.measured: f"{value:.4f}"}
        if found is not None:
            shown.setdefault(self.fitness, f"{found.fitness:.4f}")
        return shown

    @property
    def asked(self) -> dict[str, str]:
        """The settings that a reader asks for first."""
        settings = self.study.settings
        of_task = {
            label: self.task.shown(name, _readable) for name, label in _ASKED_OF_TASK.items()
        }
        of_search = {
            label: _readable(settings[name])
            for name, label in _ASKED.items()
            if settings.get(name) is not None
        }
        found = {label: text for label, text in of_task.items() if text is not None}
        direction = "small" if self.files.minimized else "large"
        return {
            **found,
            **of_search,
            "metric": f"{self.files.metric} (validation data), to be {direction}",
        }

    @property
    def settings(self) -> dict[str, str]:
        """All of them."""
        return {name: _readable(value) for name, value in sorted(self.study.settings.items())}

    @property
    def environment(self) -> dict[str, str]:
        """What the trainings ran on."""
        settings, task = self.study.settings, self.task
        found = {name: task.shown(name, str) or settings.get(name) for name in _VERSIONS}
        versions = {name: str(value) for name, value in found.items() if value is not None}
        kernels = task.shown(onednn.VARIABLE, lambda value: _use(value == "1"))  # of TensorFlow
        return {
            **versions,
            "XLA": task.shown("jit_compile", _use) or _use(False),
            **({} if kernels is None else {"oneDNN": kernels}),
            "threads of a training": task.shown("intra_op_threads", str) or "unknown",
        }

    @property
    def sources(self) -> list[tuple[str, int, str]]:
        """What became of the candidates: name, number and meaning."""
        counts = self.files.counts()
        return [(name, counts[name], MEANING[name]) for name in Source if name in counts]

    @property
    def times(self) -> dict[str, str]:
        """How long it took, for readers."""
        trainings = sum(self.study.statuses.values())
        times = {"trainings": str(trainings), "time of all trainings": duration(self.study.seconds)}
        if trainings:
            times["time of one training"] = duration(self.study.seconds / trainings)
            times["first training ended"] = _moment(self.study.began)
            times["last training ended"] = _moment(self.study.ended)
        return times

    @property
    def found(self) -> Record | None:
        """The candidate that the best loss is."""
        same = [r for r in self.files.records if r.loss == self.files.searched]
        return max(same, key=lambda record: record.fitness, default=None)

    @property
    def searched(self) -> Expression | None:
        """What the search trained, where the best loss is a multiple of it."""
        searched = self.files.searched
        return None if self.best is None or searched == self.best.tree else searched

    @property
    def formula(self) -> Markup:
        """The best loss, typeset."""
        assert self.best is not None
        return formula(self.best)

    @property
    def usage(self) -> str:
        """Code that trains a model with the best loss."""
        files = self.files.losses
        if len(files) == 1:
            (loss,) = files.values()
            defaults = inspect.signature(losses.ExpressionLoss).parameters
            config = loss.get_config()
            options = "".join(
                f", {name}={config[name]!r}"
                for name in _OPTIONS
                if name in config and config[name] != defaults[name].default
            )
            given = f'glo_tf.ExpressionLoss("{loss.expression}"{options})'
            again = '# The same from the file: glo_tf.load_loss("best_loss.json")\n'
        else:
            names = ", ".join(f'{_output(name)!r}: glo_tf.load_loss("{name}")' for name in files)
            given, again = f"{{{names}}}", ""
        rate = self.files.learning_rate
        with_it = "" if rate is None else f"# It was found at the learning rate {rate:.6g}.\n"
        return (
            f"import glo_tf\n\nloss = {given}\n{again}{with_it}"
            "model.compile(optimizer=optimizer, loss=loss, metrics=metrics)\n"
        )

    def pictures(self) -> list[InlinePicture]:
        """All figures."""
        compared = self.comparison.pictures() if self.comparison else []
        return [
            *self.pictures_of_loss,
            *self.pictures_of_slopes,
            *self.pictures_of_search,
            *compared,
        ]

    @functools.cached_property
    def pictures_of_loss(self) -> list[InlinePicture]:
        """Of the best loss."""
        return [] if self.best is None else pictures_of_loss(self.best)

    @functools.cached_property
    def pictures_of_search(self) -> list[InlinePicture]:
        """Of how it went."""
        return pictures_of_records(self.files.records, self.fitness)


def _readable(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _use(given: object) -> str:
    return "used" if given else "not used"


def _without_hash(text: object) -> str:
    return re.sub(r", sha256 \w+", "", str(text))


def _output(file: str) -> str:
    return file.removeprefix("best_loss_").removesuffix(".json")


def _moment(text: str) -> str:
    return f"{datetime.datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"
