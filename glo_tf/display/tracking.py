"""A search in the trackers of experiments: MLflow, Weights & Biases."""

from __future__ import annotations

import abc
import importlib
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from glo_tf.display.callbacks import Callback, Generation
from glo_tf.errors import InvalidArgumentError
from glo_tf.results.bar import Bar
from glo_tf.results.search_result import SearchResult

logger = logging.getLogger("glo_tf")


class Tracker(Callback, abc.ABC):
    """Tells a tracker of each generation and of the result.

    There is one step a generation, counted through both phases: `fitness_best`, `fitness_mean`, the
    `lead` over the best reference and the number of candidates by source, such as
    `candidates_trained`; at the end the best loss, its learning rate, and what it was worth. If the
    tracker fails, one warning is logged, and the search goes on without it.

    Args:
        params: What the search was made with, for a view of several searches beside each other.
    """

    def __init__(self, params: Mapping[str, bool | int | float | str] | None = None):
        self._params = dict(params or {})
        self._step = 0
        self._broken = False

    def on_search_begin(self, planned: int) -> None:
        """Begins a run."""
        self._step, self._broken = 0, False
        self._try(lambda: self._begin(self._params))

    def on_references(self, bar: Bar) -> None:
        """Tells what is to beat."""
        best = bar.best
        if best is not None:
            self._try(lambda: self._note({"to_beat": best.name, "to_beat_fitness": best.fitness}))

    def on_generation(self, generation: Generation) -> None:
        """Tells of the generation."""
        self._step += 1
        values: dict[str, float] = {"fitness_mean": generation.mean_fitness}
        if generation.best_so_far is not None:
            values["fitness_best"] = generation.best_so_far.fitness
        if generation.lead is not None:
            values["lead"] = generation.lead
        values |= {f"candidates_{source}": n for source, n in generation.counts.items()}
        self._try(lambda: self._log(values, self._step))

    def on_search_end(self, result: SearchResult) -> None:
        """Tells the result, and ends the run."""
        found: dict[str, str | float] = {"interrupted": str(result.interrupted)}
        if result.found is not None:
            found["best_loss"] = str(result.found.loss)
            found["best_learning_rate"] = result.found.learning_rate
        if result.best_value is not None:
            found[f"best_{result.objective.name}"] = result.best_value
        if result.comparison:
            found["verdict"] = result.comparison.verdict
        self._try(lambda: self._note(found))
        self._try(self._end)

    @abc.abstractmethod
    def _begin(self, params: Mapping[str, Any]) -> None:
        """Begins a run with what is known of it."""

    @abc.abstractmethod
    def _log(self, values: Mapping[str, float], step: int) -> None:
        """Adds one point to each curve."""

    @abc.abstractmethod
    def _note(self, values: Mapping[str, str | float]) -> None:
        """Keeps what a run has once."""

    @abc.abstractmethod
    def _end(self) -> None:
        """Ends the run."""

    def _try(self, tell: Callable[[], None]) -> None:
        """Tells, unless that has failed before: a search is worth more than its display."""
        if self._broken:
            return
        try:
            tell()
        except Exception as error:
            self._broken = True
            name = type(self).__name__
            logger.warning("%s is told no more: %s: %s", name, type(error).__name__, error)


class MLflow(Tracker):
    """Tracks a search as a run of MLflow.

    Args:
        tracking_uri: Where runs are kept, such as a folder or `"sqlite:///mlflow.db"`; MLflow's own
            choice (`MLFLOW_TRACKING_URI`) if None.
        experiment: Name of the experiment, which is made if there is none.
        run_name: Name of the run; one of MLflow's if None.
        params: What the search was made with, such as `{"seed": 0}`.

    Raises:
        ValueError: If MLflow is not installed (the extra `mlflow` brings it).
    """

    def __init__(
        self,
        tracking_uri: str | os.PathLike[str] | None = None,
        *,
        experiment: str = "glo_tf",
        run_name: str | None = None,
        params: Mapping[str, bool | int | float | str] | None = None,
    ):
        super().__init__(params)
        self._mlflow = _imported("mlflow", "mlflow")
        self._uri = None if tracking_uri is None else os.fspath(tracking_uri)
        self._experiment, self._name = experiment, run_name

    def _begin(self, params: Mapping[str, Any]) -> None:
        # A client of its own: a user's active run and tracking URI stay as they are.
        self._client = self._mlflow.MlflowClient(tracking_uri=self._uri)
        known = self._client.get_experiment_by_name(self._experiment)
        experiment = known.experiment_id if known else None
        if experiment is None:
            experiment = self._client.create_experiment(self._experiment)
        self._run = self._client.create_run(experiment, run_name=self._name).info.run_id
        for name, value in params.items():
            self._client.log_param(self._run, name, value)

    def _log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._client.log_metric(self._run, name, value, step=step)

    def _note(self, values: Mapping[str, str | float]) -> None:
        for name, value in values.items():
            if isinstance(value, str):
                self._client.set_tag(self._run, name, value)
            else:
                self._client.log_metric(self._run, name, value)

    def _end(self) -> None:
        self._client.set_terminated(self._run)


class WandB(Tracker):
    """Tracks a search as a run of Weights & Biases.

    Args:
        project: Name of the project.
        mode: `"online"`, `"offline"`, which keeps runs in files, or `"disabled"`; that of
            Weights & Biases itself (`WANDB_MODE`) if None.
        directory: Folder of the files; the working folder if None.
        run_name: Name of the run; one of theirs if None.
        params: What the search was made with, such as `{"seed": 0}`.

    Raises:
        ValueError: If the package is not installed (the extra `wandb` brings it).
    """

    def __init__(
        self,
        project: str = "glo_tf",
        *,
        mode: str | None = None,
        directory: str | os.PathLike[str] | None = None,
        run_name: str | None = None,
        params: Mapping[str, bool | int | float | str] | None = None,
    ):
        super().__init__(params)
        self._wandb = _imported("wandb", "wandb")
        self._options = {
            "project": project,
            "mode": mode,
            "dir": None if directory is None else os.fspath(directory),
            "name": run_name,
        }

    def _begin(self, params: Mapping[str, Any]) -> None:
        given = {name: value for name, value in self._options.items() if value is not None}
        self._run = self._wandb.init(**given, config=dict(params), reinit="create_new")

    def _log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def _note(self, values: Mapping[str, str | float]) -> None:
        self._run.summary.update(dict(values))

    def _end(self) -> None:
        self._run.finish()


def _imported(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InvalidArgumentError(
            f"Expected {name} to be installed (python -m pip install 'glo_tf[{extra}]'). "
            f"Received: {error}"
        ) from error
