"""Trackers of experiments are told of each generation and of the result, and in no one's way."""

import logging
import sys

import pytest
from digits_search import make_search
from example_records import RECORDS

import glo_tf
from glo_tf.display.callbacks import Generation
from glo_tf.display.tracking import Tracker
from glo_tf.metrics.mode import Mode
from glo_tf.results.bar import Bar, Reference
from glo_tf.results.record import Phase, Source


class Told(Tracker):
    """Keeps what a tracker is told."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__({"seed": 0})
        self.begun, self.points, self.notes, self.ended = {}, {}, {}, False
        self.fails = fails

    def _begin(self, params) -> None:
        self.begun = dict(params)

    def _log(self, values, step) -> None:
        if self.fails:
            raise ConnectionError("nobody there")
        self.points[step] = dict(values)

    def _note(self, values) -> None:
        self.notes |= values

    def _end(self) -> None:
        self.ended = True


def tell(tracker: Tracker) -> None:
    """Two generations, as a search tells of them."""
    reference = Reference("baikal", "-(log(y) - x/y)", 0.1, 0.75, 0.75)
    tracker.on_search_begin(10)
    tracker.on_references(Bar("accuracy", Mode.MAX, (reference,)))
    for number in (1, 2):
        counts = {Source.TRAINED: 3 * number}
        tracker.on_generation(Generation(Phase.DISCOVERY, number, 2, 0.5, RECORDS[0], counts))


@pytest.fixture(scope="module")
def result():
    small = {"generations": 1, "coefficient_expressions": 0, "finalists": 0, "comparison_seeds": 0}
    return make_search(None, **small).run(verbose=0)


def test_each_generation_is_a_step(result) -> None:
    told = Told()
    tell(told)
    told.on_search_end(result)
    assert told.begun == {"seed": 0}
    assert told.points == {
        1: {"fitness_mean": 0.5, "fitness_best": 0.9, "candidates_trained": 3},
        2: {"fitness_mean": 0.5, "fitness_best": 0.9, "candidates_trained": 6},
    }
    assert told.notes == {
        "to_beat": "baikal",
        "to_beat_fitness": 0.75,
        "interrupted": "False",
        "best_loss": str(result.best.loss),
        "best_learning_rate": result.best_learning_rate,
        "best_accuracy": result.best_value,
    }
    assert told.ended


def test_a_tracker_that_fails_is_told_no_more(result, caplog) -> None:
    told = Told(fails=True)
    with caplog.at_level(logging.WARNING, logger="glo_tf"):
        tell(told)
        told.on_search_end(result)
    (record,) = caplog.records
    assert record.getMessage() == "Told is told no more: ConnectionError: nobody there"
    assert not told.ended


@pytest.mark.parametrize(("make", "name"), [(glo_tf.MLflow, "mlflow"), (glo_tf.WandB, "wandb")])
def test_a_tracker_that_is_not_installed_is_named(make, name, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match=rf"python -m pip install 'glo_tf\[{name}\]'"):
        make()


@pytest.mark.filterwarnings("ignore")  # of the package's own imports
def test_mlflow_keeps_a_search_in_files(result, tmp_path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="the extra 'mlflow' is missing")
    monkey = pytest.MonkeyPatch()
    monkey.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    tracker = glo_tf.MLflow(tmp_path.as_uri(), experiment="digits", params={"seed": 7})
    tell(tracker)
    tracker.on_search_end(result)
    client = mlflow.MlflowClient(tracking_uri=tmp_path.as_uri())
    experiment = client.get_experiment_by_name("digits").experiment_id
    (run,) = client.search_runs([experiment])
    monkey.undo()
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "7"}
    assert run.data.tags["best_loss"] == str(result.best.loss)
    assert run.data.metrics["best_accuracy"] == pytest.approx(result.best_value)
    history = client.get_metric_history(run.info.run_id, "candidates_trained")
    assert [(point.step, point.value) for point in history] == [(1, 3.0), (2, 6.0)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the package's own imports
def test_weights_and_biases_keeps_a_search_in_files(result, tmp_path, monkeypatch) -> None:
    pytest.importorskip("wandb", reason="the extra 'wandb' is missing")
    # Its own process has 30 seconds to start, which a busy machine may not give it.
    monkeypatch.setenv("WANDB_X_SERVICE_WAIT", "600")
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "600")
    tracker = glo_tf.WandB("digits", mode="offline", directory=tmp_path, params={"seed": 7})
    tell(tracker)
    tracker.on_search_end(result)
    assert not tracker._broken
    (path,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    kept = path.read_bytes()
    assert all(name in kept for name in (b"best_loss", b"candidates_trained"))
