"""A search in TensorBoard: an observer that writes event files."""

from __future__ import annotations

import collections
import hashlib
import io
import logging
import os
import pathlib
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from glo_tf.data.outputs import DEFAULT_EPSILON
from glo_tf.display.callbacks import Callback, Generation
from glo_tf.errors import InvalidArgumentError
from glo_tf.results.bar import Bar, Reference
from glo_tf.results.loss_trainings import LossTrainings
from glo_tf.results.record import Record, Source
from glo_tf.results.search_result import SearchResult
from glo_tf.utils.files import user_path
from glo_tf.utils.statistics import shown_value

logger = logging.getLogger("glo_tf")

MAX_CANDIDATES = 100
"""Candidates in the HParams view, each of which needs a folder and a file of its own."""

MAX_SURFACES = 30
"""Surfaces drawn while a search runs; the best loss is always drawn at the end."""

_SUFFIX = ".glo_tf"  # of the event files written here, and only of them
_RUNS = ("discovery", "coefficients*", "candidates/*", "comparison/*", "references", "result")


class TensorBoard(Callback):
    """Writes a search as event files, which `tensorboard --logdir` shows, also while it runs.

    The runs are named `discovery` and `coefficients` (`coefficients_2` and so on for further
    expressions), with one step a generation: best fitness so far, its lead over
    the best reference, mean and median, diversity (the
    share of distinct losses), mean size in nodes, training steps, and candidates by source; and the
    best loss, as text and as a surface, where it changed. `candidates/N` is the candidate of line N
    of `history.csv`, for the HParams view, which has the 100 fittest of those that were trained
    (integers are text there, as it shows numbers with five digits).
    `comparison/...` are the fitnesses of the compared losses by seed, and `result` is the best
    loss and the comparison.

    A search that is resumed goes through its generations again, so its event files are written
    anew, and those of an earlier search in the folder are removed; other files are left alone. If
    they cannot be written, one warning is logged, and the search goes on without them.

    Args:
        log_dir: Folder, created if absent.
        hparams: What all candidates have in common, for a view of several searches beside each
            other, such as `{"seed": 0, "train_steps": 2000}`.
        epsilon: As for `glo_tf.ExpressionLoss`, for the surfaces: None where the outputs of the
            model are numbers.

    Raises:
        ValueError: If TensorBoard (the extra `tensorboard` brings it) or TensorFlow is not
            installed, `log_dir` cannot be written to, or `hparams` are not numbers, text or bools.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        hparams: Mapping[str, bool | int | float | str] | None = None,
        epsilon: float | None = DEFAULT_EPSILON,
    ):
        try:
            from tensorboard.plugins.hparams import api
        except ImportError as error:
            raise InvalidArgumentError(
                "Expected TensorBoard to be installed "
                f"(python -m pip install 'glo_tf[tensorboard]'). Received: {error}"
            ) from error
        try:
            import tensorflow as tf
        except ImportError as error:
            raise InvalidArgumentError(
                "Expected TensorFlow to be installed (python -m pip install tensorflow), which "
                f"writes what TensorBoard shows. Received: {error}"
            ) from error

        self._tf, self._hparams_api = tf, api
        self._log_dir = _writable(log_dir)
        self._hparams = dict(hparams or {})
        try:
            api.hparams_pb(self._hparams)
        except TypeError as error:
            raise InvalidArgumentError(
                f"Expected hparams of numbers, text and bools. Received: hparams={hparams!r}"
            ) from error
        self._epsilon = epsilon
        # Tells its trials from those of other searches that are looked at beside it.
        self._id = hashlib.sha256(str(self._log_dir).encode()).hexdigest()[:6]
        self._begin()

    def _begin(self) -> None:
        self._broken = False
        self._writers: dict[str, Any] = {}
        self._evaluated = 0
        self._generation: dict[int, Record] = {}
        self._series: collections.Counter[str] = collections.Counter()
        self._shown: dict[int, Record] = {}
        self._best: Record | None = None
        self._surfaces = 0

    def on_search_begin(self, planned: int) -> None:
        """Removes the event files of an earlier search."""
        self._begin()
        self._try(self._remove_earlier)

    def on_references(self, bar: Bar) -> None:
        """Writes what is to beat."""
        self._try(lambda: self._write_references(bar))

    def on_evaluation(self, record: Record) -> None:
        """Keeps the candidate until its generation is complete."""
        self._evaluated += 1
        self._generation[self._evaluated] = record

    def on_generation(self, generation: Generation) -> None:
        """Writes the generation."""
        candidates = self._generation
        self._generation = {}
        if generation.number == 1:
            self._series[generation.phase] += 1
        # Several expressions have their coefficients tuned one after the other; the steps of a run
        # must ascend, as TensorBoard takes a smaller one for a restart and drops what was before.
        series = self._series[generation.phase]
        run = generation.phase if series == 1 else f"{generation.phase}_{series}"
        self._try(lambda: self._write_generation(run, generation, list(candidates.values())))
        self._try(lambda: self._write_candidates(candidates))

    def on_search_end(self, result: SearchResult) -> None:
        """Writes the result, and closes all files."""
        self._try(lambda: self._write_result(result))
        self._try(self._close)

    def _try(self, write: Callable[[], None]) -> None:
        """Writes, unless writing has failed before: a search is worth more than its display."""
        if self._broken:
            return
        try:
            write()
        except (OSError, self._tf.errors.OpError) as error:
            self._broken = True
            logger.warning("No event files in %s from here on: %s", self._log_dir, error)

    def _remove_earlier(self) -> None:
        for run in _RUNS:
            for folder in self._log_dir.glob(run):
                if not folder.is_symlink():
                    _remove(folder)

    def _writer(self, run: str) -> Any:
        if run not in self._writers:
            self._writers[run] = self._tf.summary.create_file_writer(
                str(self._log_dir / run), filename_suffix=_SUFFIX
            )
        return self._writers[run]

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _write_references(self, bar: Bar) -> None:
        writer = self._writer("references")
        with writer.as_default(0):
            lines = _with_code("\n\n".join(bar.lines()), bar.references)
            self._tf.summary.text("to_beat", lines)
            if bar.best is not None:
                self._tf.summary.scalar("fitness/to_beat", bar.best.fitness)
        writer.flush()

    def _write_generation(
        self, run: str, generation: Generation, records: Sequence[Record]
    ) -> None:
        best = generation.best_so_far
        sources = collections.Counter(record.source for record in records)
        scalars = {
            "fitness/mean": generation.mean_fitness,
            "fitness/median": statistics.median(record.fitness for record in records),
            "population/diversity": len({record.loss for record in records}) / len(records),
            "population/mean_size": statistics.fmean(record.loss.size for record in records),
            "population/training_steps": sum(record.steps for record in records),
            **{f"source/{source}": sources[source] for source in Source},
        }
        if best is not None:
            scalars["fitness/best"] = best.fitness
        if generation.lead is not None:
            scalars["fitness/lead"] = generation.lead
        writer = self._writer(run)
        with writer.as_default(generation.number):
            for name, value in scalars.items():
                self._tf.summary.scalar(name, value)
            if best is not None and best != self._best:
                self._best = best
                self._tf.summary.text("best_loss", f"`{best.loss}` fitness {best.fitness:.4f}")
                if self._surfaces < MAX_SURFACES:
                    self._surfaces += 1
                    self._draw(best)
        writer.flush()

    def _write_candidates(self, generation: Mapping[int, Record]) -> None:
        """Makes the HParams view that of the fittest so far; of equal ones, the first."""
        trained = {n: record for n, record in generation.items() if record.source == Source.TRAINED}
        fittest = sorted(
            {**self._shown, **trained}.items(), key=lambda item: (-item[1].fitness, item[0])
        )
        shown = dict(fittest[:MAX_CANDIDATES])
        for number in self._shown.keys() - shown.keys():
            _remove(self._log_dir / _session(number))
        for number in shown.keys() - self._shown.keys():
            self._write_candidate(number, shown[number])
        self._shown = shown

    def _write_candidate(self, number: int, record: Record) -> None:
        hparams = {
            **self._hparams,
            "expression": str(record.loss),
            "size": record.loss.size,
            "depth": record.loss.depth,
            "phase": record.phase,
            "generation": record.generation,
        }
        writer = self._tf.summary.create_file_writer(
            str(self._log_dir / _session(number)), filename_suffix=_SUFFIX
        )
        with writer.as_default(record.generation):
            # A session of its own, also where another search has the same hyperparameters.
            shown = {name: _shown(value) for name, value in hparams.items()}
            self._hparams_api.hparams(shown, trial_id=f"{number:05d}-{self._id}")
            self._tf.summary.scalar("fitness", record.fitness)
        writer.close()

    def _write_result(self, result: SearchResult) -> None:
        if result.best is None:
            return
        for row in result.comparison:
            with self._writer(f"comparison/{_as_file_name(row.label)}").as_default():
                for seed, fitness in zip(row.seeds, row.fitnesses, strict=True):
                    self._tf.summary.scalar("comparison/fitness", fitness, step=seed)
        with self._writer("result").as_default(0):
            metric = result.objective.name
            found = f"`{result.best.loss}` validation {metric} {shown_value(result.best_value)}"
            self._tf.summary.text("best_loss", found)
            self._draw(result.best)
            if result.comparison:
                lines = [f"| loss | validation {metric} |", "|---|---|"]
                lines += [
                    f"| {_with_code(row.label, [row], cell=True)} | {row.shown} |"
                    for row in result.comparison
                ]
                verdict = _with_code(result.comparison.verdict, result.comparison)
                text = "\n".join((*lines, "", verdict))
                self._tf.summary.text("comparison", text)

    def _draw(self, record: Record) -> None:
        from glo_tf.losses.expression_loss import ExpressionLoss
        from glo_tf.plots import plot_surface

        picture = io.BytesIO()
        figure = plot_surface(ExpressionLoss(record.loss, epsilon=self._epsilon))
        figure.savefig(picture, format="png", facecolor="white")
        image = self._tf.io.decode_png(picture.getvalue(), channels=3)
        self._tf.summary.image("surface", image[None], description=f"`{record.loss}`")


def _shown(value: bool | int | float | str) -> bool | float | str:
    """An integer as text: TensorBoard shows all numbers with five digits, as in "300.00"."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _with_code(
    text: str, losses: Iterable[LossTrainings | Reference], *, cell: bool = False
) -> str:
    """Markdown in which losses that have their expressions for names are code, and no emphasis."""
    names = {loss.name for loss in losses if loss.name == loss.expression}
    for name in sorted(names, key=len, reverse=True):
        code = f"`{name}`".replace("\\", r"\\")
        text = re.sub(rf"(?<![`\w]){re.escape(name)}(?![`\w])", code, text)
    return text.replace("|", r"\|") if cell else text


def _writable(log_dir: str | os.PathLike[str]) -> pathlib.Path:
    """The folder, which need not exist; that is for the search to make."""
    path = user_path(log_dir).absolute()
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        raise InvalidArgumentError(f"Expected a writable log_dir. Received: log_dir='{log_dir}'")
    return path


def _session(number: int) -> str:
    return f"candidates/{number:05d}"


def _as_file_name(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", name)


def _remove(run: pathlib.Path) -> None:
    """Removes the event files of a run that were written here, and the folder if none is left."""
    paths = list(run.glob(f"events.out.tfevents.*{_SUFFIX}"))
    for path in paths:
        path.unlink()
    if paths and not any(run.iterdir()):
        run.rmdir()
