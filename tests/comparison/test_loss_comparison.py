"""Comparisons of losses: on trainings whose values are known, and whole ones on digits."""

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import zlib

import keras
import numpy as np
import processes
import pytest
from three_classes import build_model

import glo_tf
from glo_tf.cli import main as command_line
from glo_tf.comparison.loss_comparison import LossComparison
from glo_tf.data.split import Split
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request, nothing_to_check

BAIKAL = "-(log(y) - x/y)"
CROSS_ENTROPY = "-(x*log(y))"


class ScriptedTrainer:
    """Baikal is better by 0.1; 0.05 is the best learning rate of all; values have some noise."""

    requests: list[tuple[tuple[int, int], Request]] = []
    failing: set[int] = set()

    def __init__(self, task: TrainingTask):
        self.sizes = len(task.validation_data.labels), len(task.test_data.labels)
        self.trained = len(task.train_data[1])

    def evaluate(self, request: Request, check=nothing_to_check) -> Evaluation:
        self.requests.append((self.sizes, request))
        value = self.worth(request)
        steps = [step for step in request.checkpoints if request.seed not in self.failing]
        test = {"accuracy": 0.0, "nll": 1.0, "ece": 2.0}
        shifts = {Split.TEST: test, Split.VALIDATION: {"accuracy": -0.1, "nll": 3.0, "ece": 4.0}}
        return Evaluation(
            request.candidate,
            request.seed,
            0.0 if request.seed in self.failing else value,
            "non_finite" if request.seed in self.failing else "ok",
            10,
            0.0,
            measured={
                split: {name: tuple(value + shift for _ in steps) for name, shift in names.items()}
                for split, names in shifts.items()
            },
        )

    @staticmethod
    def worth(request: Request) -> float:
        noise = zlib.crc32(f"{request.loss} {request.seed}".encode()) % 100 / 10_000
        value = 0.5 + (0.1 if str(request.loss) == BAIKAL else 0.0) + noise
        return value + (0.2 if request.candidate.hyperparameters.learning_rate == 0.05 else 0.0)


@pytest.fixture
def trainer(monkeypatch) -> type[ScriptedTrainer]:
    monkeypatch.setattr(TrainingTask, "make_trainer", lambda task: ScriptedTrainer(task))
    monkeypatch.setattr(ScriptedTrainer, "requests", [])
    monkeypatch.setattr(ScriptedTrainer, "failing", set())
    return ScriptedTrainer


def data(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    return rng.normal(size=(count, 4)).astype(np.float32), np.arange(count, dtype=np.int32) % 3


def comparison(losses=("baikal",), **settings) -> LossComparison:
    settings = {"train_steps": 10, "batch_size": 10, "strategy": "local", **settings}
    return LossComparison(build_model, data(90), data(30), data(60), losses, **settings)


def test_all_losses_meet_the_same_seeds_on_test_data(trainer) -> None:
    result = comparison(seeds=3, seed=4, tuning_seeds=2, evaluate_every=4).run()
    assert [entry.name for entry in result.losses] == ["cross-entropy", "baikal"]
    assert (result.baseline, result.metric, result.mode) == ("cross-entropy", "accuracy", "max")
    assert result.steps == (4, 8, 10)
    assert {sizes for sizes, _ in trainer.requests} == {(30, 60)}
    assert [r.seed for _, r in trainer.requests] == [6, 7, 8] * 2  # 4 and 5 are for tuning
    first, second = result.losses
    assert first.seeds == second.seeds == (6, 7, 8)
    assert [len(values) for values in second.values["test"]["nll"]] == [3, 3, 3]
    assert second.mean == pytest.approx(np.mean(second.last("accuracy")))
    mean, interval = second.at_end("accuracy", Split.VALIDATION)
    assert mean == pytest.approx(second.mean - 0.1)
    # Nearly: it is taken on the scale of the logit.
    assert interval == pytest.approx([end - 0.1 for end in second.interval], abs=1e-4)
    (test,) = result.tests
    assert (test.loss, test.baseline) == ("baikal", "cross-entropy")
    assert test.difference == pytest.approx(second.mean - first.mean)
    assert result.verdict.startswith("baikal beats cross-entropy (+0.0985")


def test_learning_rates_are_tuned_on_validation_data_and_on_other_seeds(trainer) -> None:
    result = comparison(seeds=3, tuning_seeds=2, tune_learning_rate=True).run()
    tuning = [r for _, r in trainer.requests if not r.checkpoints]
    compared = [r for _, r in trainer.requests if r.checkpoints == (10,)]
    assert {r.seed for r in tuning} == {0, 1}
    assert len(tuning) == 2 * 2 * 5
    assert {r.seed for r in compared} == {2, 3, 4}
    assert len(compared) == 2 * 2 * 3
    assert len(tuning) + len(compared) == len(trainer.requests)
    assert [(e.name, e.tuned, e.learning_rate) for e in result.losses] == [
        ("cross-entropy", False, 0.01),
        ("cross-entropy", True, 0.05),
        ("baikal", False, 0.01),
        ("baikal", True, 0.05),
    ]
    assert (result.baseline, result.baseline_tuned) == ("cross-entropy", True)
    assert result.baseline_label == "cross-entropy, tuned learning rate"
    assert [(test.label, test.baseline_label) for test in result.tests] == [
        ("cross-entropy", "cross-entropy, tuned learning rate"),
        ("baikal", "cross-entropy, tuned learning rate"),
        ("baikal, tuned learning rate", "cross-entropy, tuned learning rate"),
        ("baikal", "cross-entropy"),
    ]
    assert result.verdict.endswith("the lead survives.")
    assert [curve.name for curve in result.rate_curves] == ["cross-entropy", "baikal"]
    for curve in result.rate_curves:
        rates = [
            (r.candidate.hyperparameters.learning_rate, trainer.worth(r))
            for r in tuning
            if (str(r.loss) == CROSS_ENTROPY) == (curve.name == "cross-entropy")
        ]
        assert curve.learning_rates == (0.01, 0.02, 0.05, 0.1, 0.2)
        for rate, fitness in zip(curve.learning_rates, curve.fitnesses, strict=True):
            assert fitness == pytest.approx(np.mean([f for r, f in rates if r == rate]))
        assert (curve.learning_rate, curve.fitness) == (0.05, max(curve.fitnesses))


def test_a_name_that_ends_like_another_loss_at_its_own_rate_is_a_name(trainer) -> None:
    losses = {"a": BAIKAL, "a, tuned learning rate": "-(x*y)"}
    result = comparison(losses, seeds=2, tune_learning_rate=True).run()
    assert [(e.name, e.tuned) for e in result.losses] == [
        (name, tuned) for name in ("cross-entropy", *losses) for tuned in (False, True)
    ]
    assert len(result.tests) == 5 + 2


def test_a_tuned_rate_that_is_the_given_one_is_trained_once(trainer) -> None:
    optimizer = keras.optimizers.SGD(0.05)
    settings = {"seeds": 3, "tuning_seeds": 1, "tune_learning_rate": True, "optimizer": optimizer}
    result = comparison(**settings).run()
    compared = [r for _, r in trainer.requests if r.checkpoints]
    assert [(e.tuned, e.learning_rate) for e in result.losses] == [(False, 0.05), (True, 0.05)] * 2
    assert len(compared) == 2 * 3
    assert result.verdict.endswith("the lead survives.")


def test_the_peak_of_a_schedule_is_tuned(trainer) -> None:
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 10)
    settings = {"seeds": 1, "tuning_seeds": 1, "tune_learning_rate": True}
    result = comparison(**settings, optimizer=keras.optimizers.SGD(schedule)).run()
    assert [(e.tuned, e.learning_rate) for e in result] == [(False, 0.01), (True, 0.05)] * 2


def test_each_part_of_the_data_is_drawn_once_for_all_losses(trainer, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(
        TrainingTask, "make_trainer", lambda task: seen.append(task) or ScriptedTrainer(task)
    )
    result = comparison(seeds=2, train_fraction=[1.0, 0.5, 0.2]).run()
    assert [len(task.train_data[1]) for task in seen] == [90, 45, 18]
    assert [entry.train_fraction for entry in result.losses] == [1.0, 1.0, 0.5, 0.5, 0.2, 0.2]
    assert [test.train_fraction for test in result.tests] == [1.0, 0.5, 0.2]
    assert "With 20% of the training data: baikal beats" in result.verdict


def test_weights_are_in_every_share_and_in_what_a_search_compares(trainer, monkeypatch) -> None:
    seen: list[TrainingTask] = []
    monkeypatch.setattr(
        TrainingTask, "make_trainer", lambda task: seen.append(task) or ScriptedTrainer(task)
    )
    weights = np.arange(90) / 90.0
    search = glo_tf.LossSearch(
        build_model,
        (*data(90), weights),
        data(30),
        class_weight={0: 2.0},
        train_steps=10,
        batch_size=10,
        strategy="local",
    )
    search.compare(["baikal"], (*data(60), np.ones(60)), seeds=2, train_fraction=[1.0, 0.2])
    whole, part = seen
    expected = weights * np.where(data(90)[1] == 0, 2.0, 1.0)
    np.testing.assert_allclose(whole.train_weights[:, 0], expected, rtol=1e-6)
    kept = np.isin(whole.train_data[0][:, 0], part.train_data[0][:, 0])
    np.testing.assert_array_equal(part.train_weights, whole.train_weights[kept])
    assert part.validation_data.weights is None
    np.testing.assert_array_equal(part.test_data.weights, np.ones((1, 60)))


def test_a_training_that_fails_is_told_and_not_dropped(trainer) -> None:
    trainer.failing = {4}
    result = comparison(seeds=3).run()
    entry = result.losses[1]
    assert entry.seeds == (3, 4, 5)
    assert [values[-1] is None for values in entry.values["test"]["accuracy"]] == [
        False,
        True,
        False,
    ]
    assert (entry.failed, entry.mean, entry.interval) == (1, None, None)
    assert (result.tests[0].difference, result.tests[0].p_value) == (None, None)
    assert "cannot be compared" in result.verdict
    assert "Trainings failed: cross-entropy (1 of 3), baikal (1 of 3)." in result.verdict


@pytest.mark.parametrize("tune", [False, True])
def test_an_interrupted_comparison_continues_and_grows(trainer, tmp_path, tune) -> None:
    settings = {"seeds": 3, "tune_learning_rate": tune, "evaluate_every": 5}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    result = comparison(**settings, output_dir=whole).run()
    needed = len(trainer.requests)

    def interrupt(progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        comparison(**settings, output_dir=parts, on_training=interrupt).run()
    assert not (parts / "comparison.json").exists()
    assert len(trainer.requests) == needed + 4
    again = comparison(**settings, output_dir=parts)
    assert again.trained_before == 4
    assert again.run() == result
    assert len(trainer.requests) == 2 * needed
    expected = (whole / "comparison.json").read_bytes()
    assert (parts / "comparison.json").read_bytes() == expected
    assert glo_tf.Comparison.load(parts / "comparison.json") == result
    larger = comparison(["baikal", "baikal_cma"], **settings, output_dir=parts).run()
    assert larger.losses[: len(result.losses)] == result.losses
    with pytest.raises(ValueError, match="Expected the settings of the search in output_dir"):
        comparison(**settings, output_dir=parts, train_steps=9)
    assert comparison(**settings, output_dir=parts, train_steps=9, overwrite=True).run()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": 0}, "Expected seeds of at least 1. Received: seeds=0"),
        ({"seed": -1}, "seed=-1"),
        ({"evaluate_every": 0}, "evaluate_every=0"),
        ({"train_fraction": 0.05}, "train_fraction=0.05, which leaves 4"),
        ({"train_fraction": []}, "Expected a train_fraction"),
        ({"losses": ["x*"]}, "at column 3"),
        ({"jit_compile": "maybe"}, "jit_compile='maybe'"),
    ],
)
def test_what_cannot_be_compared_is_refused(trainer, settings, message, tmp_path) -> None:
    with pytest.raises(ValueError, match=message):
        comparison(**settings, output_dir=tmp_path / "out")
    assert trainer.requests == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("spoil", [{"format": "x"}, {"version": 3}, {"losses": [{}]}])
def test_a_file_that_is_no_comparison_is_refused(trainer, spoil, tmp_path) -> None:
    path = tmp_path / "comparison.json"
    comparison(seeds=2).run().save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **spoil}))
    with pytest.raises(ValueError, match=r"Expected .*Received: .*comparison\.json"):
        glo_tf.Comparison.load(path)


DIGITS = (
    "--mode=compare",
    "--losses=min(x, y) - x*log(y)",
    "--seeds=3",
    "--train_steps=30",
    "--evaluate_every=10",
    "--learning_rate=0.1",
    "--jit_compile=false",
    "--tune_learning_rate",
    "--tuning_seeds=1",
    "--intra_op_threads=1",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> pathlib.Path:
    """The folder of a comparison that nothing interrupted."""
    folder = tmp_path_factory.mktemp("comparison") / "whole"
    assert processes.run(folder, *DIGITS, "--strategy=devices") == 0
    return folder


@pytest.mark.slow
def test_the_command_line_compares_on_digits(whole) -> None:
    output = (whole.parent / "whole.out").read_text()
    assert "min(x, y)" in output
    assert "with a learning rate of its own for each" in output
    assert "\x1b" not in output
    assert (whole.parent / "whole.err").read_text() == ""
    assert "The losses" in (whole / "report.html").read_text(encoding="utf-8")
    flags = (whole / "compare.flags").read_text()
    assert "--losses=min(x, y) - x*log(y)" in flags
    found = glo_tf.Comparison.load(whole / "comparison.json")
    assert found.steps == (10, 20, 30)
    assert all(0.0 < entry.mean < 1.0 for entry in found.losses)
    assert min(entry.values["test"]["ece"][0][-1] for entry in found.losses) >= 0.0


@pytest.mark.slow
def test_a_comparison_that_was_killed_is_continued(whole, tmp_path) -> None:
    killed = tmp_path / "killed"
    process = processes.start(killed, *DIGITS)
    processes.wait_for(lambda: _count(killed) >= 2, process)
    process.kill()
    process.join()
    assert not (killed / "comparison.json").exists()
    assert processes.run(killed, *DIGITS, "--strategy=local") == 0
    assert f"Resuming in {killed}" in (tmp_path / "killed.out").read_text()
    assert (killed / "comparison.json").read_bytes() == (whole / "comparison.json").read_bytes()


@pytest.mark.ray
def test_a_comparison_on_ray_workers_is_the_same(whole, tmp_path, ray_cluster) -> None:
    folder = tmp_path / "ray"
    cluster = ("--strategy=ray", f"--ray_address={ray_cluster.address}", "--ray_workers=2")
    assert processes.run(folder, *DIGITS, *cluster) == 0
    assert (folder / "comparison.json").read_bytes() == (whole / "comparison.json").read_bytes()


def _count(folder) -> int:
    """Trainings in the study."""
    with (
        contextlib.suppress(sqlite3.OperationalError),
        contextlib.closing(
            sqlite3.connect(f"file:{folder / 'trainings.db'}?mode=ro", uri=True)
        ) as connection,
    ):
        return connection.execute("SELECT count(*) FROM evaluations").fetchone()[0]
    return 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Expected --losses, such as"),
        (["--losses=baikal,"], "a comma between them"),
        (["--losses=nothing.json"], "nothing.json"),
        (["--losses=baikal", "--train_fraction=some"], "train_fraction=some"),
        (["--losses=baikal", "--train_fraction=0.01"], "which leaves 12"),
    ],
)
def test_bad_flags_are_one_line_and_exit_code_2(arguments, message, capsys, tmp_path) -> None:
    output = f"--output_dir={tmp_path / 'out'}"
    assert command_line.main(["glo-tf", "--mode=compare", output, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
    assert not (tmp_path / "out").exists()


def test_the_display_leaves_tensorflow_to_the_quiet_start() -> None:
    """It is made before TensorFlow's start-up messages are kept off the screen."""
    code = "import sys, glo_tf.display.comparison; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
