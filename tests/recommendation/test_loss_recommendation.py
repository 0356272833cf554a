"""Recommendations: on trainings whose values are known, and one whole one."""

import copy
import html
import json
import math
import pathlib
import pickle
import zlib

import keras
import numpy as np
import pytest
from three_classes import build_model

import glo_tf
from glo_tf.cli import main as command_line
from glo_tf.data.split import Split
from glo_tf.recommendation.loss_recommendation import Advance
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request, nothing_to_check

pytestmark = pytest.mark.usefixtures("made_figures")

CROSS_ENTROPY = "-(x*log(y))"


class ScriptedTrainer:
    """GCE is best, at q = 0.9 and a rate of 1; others fall with the distance from 0.1."""

    requests: list[Request] = []
    tested: list[bool] = []

    def __init__(self, task: TrainingTask):
        self.steps = task.train_steps
        self.has_test_data = task.test_data is not None

    def evaluate(self, request: Request, check=nothing_to_check) -> Evaluation:
        self.requests.append(request)
        self.tested.append(bool(request.checkpoints))
        value = self.worth(request)
        there = [value for _ in request.checkpoints]
        measured = {Split.VALIDATION: {"accuracy": there, "nll": there, "ece": there}}
        if self.has_test_data:
            measured[Split.TEST] = {
                n: [v - 0.05 for v in there] for n in ("accuracy", "nll", "ece")
            }
        return Evaluation(
            request.candidate,
            request.seed,
            value,
            "ok",
            request.train_steps or self.steps,
            0.0,
            values={"accuracy": value},
            measured=measured,
        )

    @staticmethod
    def worth(request: Request) -> float:
        text, rate = str(request.loss), request.candidate.hyperparameters.learning_rate
        noise = zlib.crc32(f"{text[:9]} {request.seed}".encode()) % 100 / 10_000
        best, height = (1.0, 0.95) if text == GCE_09 else (0.1, 0.8)
        return height / (1.0 + 0.05 * abs(math.log2(rate / best))) + noise


GCE_09 = str(glo_tf.GCE(q=0.9).tree)


@pytest.fixture
def trainer(monkeypatch) -> type[ScriptedTrainer]:
    monkeypatch.setattr(TrainingTask, "make_trainer", lambda task: ScriptedTrainer(task))
    monkeypatch.setattr(ScriptedTrainer, "requests", [])
    monkeypatch.setattr(ScriptedTrainer, "tested", [])
    return ScriptedTrainer


def data(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    return rng.normal(size=(count, 4)).astype(np.float32), np.arange(count, dtype=np.int32) % 3


def recommendation(**settings) -> glo_tf.LossRecommendation:
    settings = {
        "train_steps": 10,
        "batch_size": 10,
        "strategy": "local",
        "losses": ["gce", "focal(gamma=1)", "mae"],
        "contenders": 3,
        "fresh_seeds": 4,
        "verbose": 0,
        **settings,
    }
    return glo_tf.LossRecommendation(build_model, data(90), data(30), data(60), **settings)


def test_the_best_loss_is_found_and_told_apart_on_test_data_in_the_end(trainer) -> None:
    told: list[Advance] = []
    made = recommendation(seed=3, on_progress=told.append)
    assert made.losses == ["cross-entropy", "GCE", "focal(gamma=1)", "MAE"]
    result = made.run()
    assert result.recommended == "GCE(q=0.9)"
    assert result.best_learning_rate == pytest.approx(1.0, rel=0.3)
    assert result.sentence.startswith(f"Use GCE(q=0.9) at {result.best_learning_rate:g}: +")
    assert [len(loss.trials) for loss in result.tuned] == [16] * 4
    assert result.tuned[0].name == "GCE"
    # Test data are measured with fresh seeds alone, after everything else.
    finals = [r for r in trainer.requests if r.checkpoints]
    assert {r.seed for r in trainer.requests if not r.checkpoints} == {3, 4, 9, 10, 11, 12}
    assert [r.seed for r in finals] == [5, 6, 7, 8] * 3
    assert trainer.tested == [False] * (len(trainer.tested) - 12) + [True] * 12
    assert result.comparison.split == Split.TEST
    assert {entry.name for entry in result.comparison.losses} >= {"cross-entropy", "GCE(q=0.9)"}
    assert result.comparison.losses[0].mean == pytest.approx(
        np.mean(result.comparison.losses[0].fitnesses) - 0.05
    )
    assert [a.planned for a in told] == [64] * 64 + [12] * 12
    assert [a.done for a in told] == [*range(1, 65), *range(1, 13)]


def test_the_result_is_ready_for_keras(trainer) -> None:
    result = recommendation().run()
    loss = result.best_loss
    assert str(loss.tree) == GCE_09
    assert float(result.best_optimizer().learning_rate) == pytest.approx(result.best_learning_rate)
    model = build_model()
    model.compile(optimizer=result.best_optimizer(), loss=loss)
    assert repr(result) == f"Recommendation({result.sentence!r})"
    for again in (copy.copy(result), pickle.loads(pickle.dumps(result))):
        assert again == result
        with pytest.raises(ValueError, match=r"Expected the result that LossSearch.run"):
            again.best_optimizer()


def test_the_table_has_all_losses(trainer, capsys) -> None:
    result = recommendation().run()
    result.summary()
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == result.sentence
    assert len(rows) == 2 + 4
    assert rows[1].split()[:3] == ["loss", "rate", "trials"]
    (usual,) = [line for line in rows if line.startswith("cross-entropy")]
    assert "±" in usual
    assert len(result.rows[0]) == 7
    assert len(result.rate_curves) == 4


def test_what_is_shown_is_as_much_as_was_asked_for(trainer, capsys) -> None:
    made = recommendation(losses=["mae"], trials=3, verbose=2)
    result = made.run()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 classes, softmax; fitness: accuracy; 2 losses"
    assert lines[6].startswith("tuning 6/6  MAE  ")
    assert lines[-1] == result.sentence
    made.run(verbose=0)
    assert not capsys.readouterr().out
    made.run()
    assert capsys.readouterr().out.splitlines() == lines


def test_validation_data_take_the_place_of_absent_test_data(trainer) -> None:
    made = glo_tf.LossRecommendation(
        build_model,
        data(90),
        data(30),
        losses=["mae"],
        train_steps=10,
        batch_size=10,
        trials=3,
        trial_seeds=1,
        fresh_seeds=2,
        strategy="local",
        verbose=0,
    )
    result = made.run()
    assert result.comparison.split == Split.VALIDATION
    assert {entry.name for entry in result.comparison.losses} == {"cross-entropy", "MAE"}
    # A heat and a training of each trial, four to settle each setting, the comparison.
    assert len(trainer.requests) == 2 * 3 * 2 + 2 * 4 + 4


def test_a_recommendation_is_resumed_and_its_files_are_read(trainer, tmp_path) -> None:
    folder = tmp_path / "run"
    result = recommendation(output_dir=folder).run()
    first = len(trainer.requests)
    again = recommendation(output_dir=folder)
    assert again.trained_before == first
    assert again.run() == result
    assert len(trainer.requests) == first
    grown = recommendation(output_dir=folder, losses=["gce", "focal(gamma=1)", "mae", "brier"])
    assert len(grown.run().tuned) == 5
    more = trainer.requests[first:]
    assert {str(r.loss) for r in more if not r.checkpoints} == {"square(x - y)"}
    result = recommendation(output_dir=folder).run()
    loaded = glo_tf.Recommendation.load(folder / "recommendation.json")
    assert loaded == result
    assert loaded.best == result.best
    loss = glo_tf.load_loss(folder / "recommended_loss.json")
    assert loss.get_config() == result.best_loss.get_config()
    with pytest.raises(ValueError, match=r"load_loss of the recommended_loss.json"):
        _ = loaded.best_loss
    recommendation(output_dir=folder, overwrite=True)
    assert not (folder / "recommendation.json").exists()
    assert not (folder / "recommended_loss.json").exists()


def test_a_report_tells_of_all_losses(trainer, tmp_path, drawn_figures) -> None:
    result = recommendation(output_dir=tmp_path, losses={"<b>": "gce", "mae": "mae"}).run()
    page = (tmp_path / "report.html").read_text()
    assert html.escape(result.sentence) in page
    for row in result.rows[1:]:
        assert f'<th scope="row">{html.escape(row[0])}</th>' in page
    assert 'id="figure-recommendation_rates"' in page
    assert 'id="figure-contenders_accuracy"' in page
    assert "<b>" not in page.replace("<body>", "")


def test_files_of_others_are_left_alone(trainer, tmp_path) -> None:
    mine = tmp_path / "recommended_loss.json"
    mine.write_text("mine")
    with pytest.raises(glo_tf.ForeignFileError):
        recommendation(output_dir=tmp_path, overwrite=True)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"trials": 0}, "trials"),
        ({"trial_seeds": 0}, "trial_seeds"),
        ({"contenders": 1}, "contenders"),
        ({"fresh_seeds": 0}, "fresh_seeds"),
        ({"max_minutes": 0.0}, "max_minutes"),
        ({"max_minutes": "1"}, "max_minutes"),
        ({"losses": "gce"}, "losses"),
        ({"losses": ["huber"]}, "huber"),
        ({"losses": ["gce", "gce"]}, "losses"),
        ({"losses": ["gcee"]}, "gcee"),
        ({"on_progress": 3}, "on_progress"),
        ({"verbose": 3}, "verbose"),
    ],
)
def test_bad_arguments_are_refused_before_any_training(trainer, settings, said, tmp_path) -> None:
    with pytest.raises(ValueError, match=rf"(?s)Expected .*Received: .*{said}"):
        recommendation(output_dir=tmp_path / "run", **settings)
    assert not trainer.requests
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(version=2),
        lambda d: d.update(recommended="other"),
        lambda d: d.pop("sentence"),
        lambda d: d.update(tuned=[]),
        lambda d: d.update(comparison=None),
        lambda d: d["tuned"][0].update(trials=[]),
        lambda d: d["tuned"][0].update(dropped=1),
        lambda d: d["tuned"].append(d["tuned"][0]),
        lambda d: d["tuned"][0]["trials"][0].update(learning_rate=0.0),
        lambda d: d["tuned"][0]["trials"][0].update(fitness="1"),
        lambda d: d["tuned"][0]["trials"][0].update(expression="x +"),
        lambda d: d["tuned"][0]["trials"][0].update(status="fine"),
        lambda d: d["tuned"][0]["trials"][0].update(steps=-1),
        lambda d: d["tuned"][0]["trials"][0].update(parameters={"q": "1"}),
    ],
)
def test_a_file_is_checked(trainer, document, change, tmp_path) -> None:
    data = copy.deepcopy(document)
    change(data)
    path = tmp_path / "recommendation.json"
    path.write_text(json.dumps(data))
    with pytest.raises(glo_tf.InvalidFileError, match=r"Expected .* Received: .*'"):
        glo_tf.Recommendation.load(path)


_documents: list[dict] = []


@pytest.fixture
def document(trainer, tmp_path) -> dict:
    if not _documents:
        recommendation(trials=3, fresh_seeds=2).run().save(tmp_path / "r.json")
        _documents.append(json.loads((tmp_path / "r.json").read_text()))
    return _documents[0]


def test_the_command_line_recommends(trainer, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ["--mode=recommend", "--trials=3", "--trial_seeds=1", "--fresh_seeds=2", "--losses=mae"]
    code = command_line.main(["glo-tf", *flags, "--train_steps=5", "--strategy=local"])
    out = capsys.readouterr().out
    folder = pathlib.Path("runs/digits_recommend_seed0")
    assert code == 0
    assert "tuning 6/6" in out
    assert out.splitlines()[-2:] == [f"Report: {folder / 'report.html'}", f"Results: {folder}"]
    assert glo_tf.Recommendation.load(folder / "recommendation.json").sentence in out
    repeated = (folder / "recommend.flags").read_text()
    assert "--trials=3" in repeated
    first = len(trainer.requests)
    assert command_line.main(["glo-tf", f"--flagfile={folder / 'recommend.flags'}"]) == 0
    assert "Resuming in" in capsys.readouterr().out
    assert len(trainer.requests) == first
    for bad in ("--trials=0", "--losses=huber", "--contenders=1"):
        assert command_line.main(["glo-tf", *flags, bad]) == 2
        assert capsys.readouterr().err.startswith("glo-tf: error: Expected ")


def test_a_whole_one_on_numbers() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)).astype(np.float32)
    y = 50.0 * (x @ [[1.0], [2.0], [-1.0]]).astype(np.float32)

    def model() -> keras.Model:
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])

    result = glo_tf.recommend(
        model,
        (x, y, np.ones(60, np.float32)),
        (x[:20], y[:20]),
        losses=["huber", "absolute_error"],
        trials=3,
        trial_seeds=1,
        fresh_seeds=2,
        train_steps=5,
        batch_size=10,
        strategy="local",
        verbose=0,
    )
    assert {loss.name for loss in result.tuned} == {"squared error", "Huber", "AbsoluteError"}
    assert result.metric == "mean_absolute_error"
    compiled = result.in_units(model())
    compiled.compile(optimizer=result.best_optimizer(), loss=result.best_loss)
    compiled.fit(x, y, epochs=20, verbose=0)
    assert np.mean(np.abs(compiled.predict(x, verbose=0) - y)) < np.abs(y).mean()
