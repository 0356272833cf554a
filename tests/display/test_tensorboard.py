"""The event files of a search, read back as TensorBoard reads them."""

import dataclasses
import io
import itertools
import json
import logging
import pathlib
import re
import resource
import signal
import statistics
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from hashed_search import HashTrainer, StopAt, make_search, trained_by_hashes
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

import glo_tf
from glo_tf.cli import flags as command_flags
from glo_tf.cli import main as command_line
from glo_tf.cli.search import make_search as search_of_flags
from glo_tf.display import tensorboard
from glo_tf.display.callbacks import Generation
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.mode import Mode
from glo_tf.results.bar import Bar, Reference
from glo_tf.results.record import Record, Source
from glo_tf.training.candidate import Candidate

PNG_BYTES = 2  # of an image summary: width, height, then one PNG each


@pytest.fixture(autouse=True)
def trainer(monkeypatch) -> HashTrainer:
    return trained_by_hashes(monkeypatch)


@pytest.fixture(autouse=True)
def drawn(monkeypatch) -> list[str]:
    """Surfaces of one point, as drawing takes longer than all else; their losses."""
    import glo_tf.plots

    losses = []

    def plot(loss):
        losses.append(str(loss.tree))
        return real(loss)

    real = glo_tf.plots.plot_surface
    monkeypatch.setattr("glo_tf.plots.surface._POINTS", 3)
    monkeypatch.setattr("glo_tf.plots.plot_surface", plot)
    return losses


def read(folder: pathlib.Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def points(run: EventAccumulator, tag: str) -> dict[int, object]:
    return {
        event.step: np.frombuffer(event.tensor_proto.tensor_content, np.float32).tolist()[0]
        if event.tensor_proto.tensor_content
        else event.tensor_proto.float_val[0]
        for event in run.Tensors(tag)
    }


def texts(run: EventAccumulator, tag: str) -> dict[int, str]:
    return {e.step: e.tensor_proto.string_val[0].decode() for e in run.Tensors(tag)}


def images(run: EventAccumulator) -> dict[int, Image.Image]:
    return {
        event.step: Image.open(io.BytesIO(event.tensor_proto.string_val[PNG_BYTES]))
        for event in run.Tensors("surface")
    }


def sessions(log_dir: pathlib.Path) -> dict[int, dict[str, object]]:
    """Hyperparameters, and the fitness, by the candidate's number."""
    found = {}
    for folder in (log_dir / "candidates").iterdir():
        run = read(folder)
        content = run.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
        start = metadata.parse_session_start_info_plugin_data(content)
        values = {k: getattr(v, v.WhichOneof("kind")) for k, v in start.hparams.items()}
        (values["fitness"],) = points(run, "fitness").values()
        found[int(folder.name)] = values
    return found


def everything(log_dir: pathlib.Path) -> dict[str, object]:
    """All runs, but for the names of files and the times in them."""
    return {
        str(path.parent.relative_to(log_dir)): {
            tag: [(e.step, e.tensor_proto) for e in read(path.parent).Tensors(tag)]
            for tag in read(path.parent).Tags()["tensors"]
        }
        for path in log_dir.rglob("events*")
    }


@pytest.mark.slow
def test_the_event_files_hold_the_history_and_change_nothing(tmp_path, drawn) -> None:
    arguments = {"coefficient_expressions": 2, "screening": "equivalence"}
    plain = make_search(**arguments).run()
    board = glo_tf.TensorBoard(tmp_path, hparams={"seed": 0, "train_steps": 10})
    result = make_search(**arguments, callbacks=[board]).run()
    assert result.records == plain.records
    assert result.comparison == plain.comparison

    names = ("discovery", "coefficients", "coefficients_2", "result")
    runs = {name: read(tmp_path / name) for name in names}
    steps = [("discovery", 1), ("discovery", 2), ("discovery", 3)]
    steps += [(run, number) for run in names[1:3] for number in (1, 2)]
    best = 0.0
    for (name, number), records in zip(steps, generations(result.records), strict=True):
        fitnesses = [r.fitness for r in records]
        best = max([best, *fitnesses])
        expected = {
            "fitness/best": best,
            "fitness/mean": statistics.fmean(fitnesses),
            "fitness/median": np.median(fitnesses),
            "population/diversity": len({str(r.loss) for r in records}) / len(records),
            "population/mean_size": np.mean([r.loss.size for r in records]),
            "population/training_steps": sum(r.steps for r in records),
        }
        for source in Source:
            expected[f"source/{source}"] = sum(r.source == source for r in records)
        for tag, value in expected.items():
            assert points(runs[name], tag)[number] == pytest.approx(value, rel=1e-6), tag
    assert list(points(runs["discovery"], "fitness/mean")) == [1, 2, 3]

    shown = sessions(tmp_path)
    trained = {n: r for n, r in enumerate(result.records, start=1) if r.source == "trained"}
    assert shown.keys() == trained.keys()
    for number, record in trained.items():
        assert shown[number] == {
            "expression": str(record.loss),
            "size": str(record.loss.size),
            "depth": str(record.loss.depth),
            "phase": record.phase,
            "generation": str(record.generation),
            "seed": "0",
            "train_steps": "10",
            "fitness": pytest.approx(record.fitness, rel=1e-6),
        }

    for row in result.comparison:
        run = read(tmp_path / "comparison" / re.sub("[ ,]+", "_", row.label))
        fitnesses = dict(zip(row.seeds, row.fitnesses, strict=True))
        assert points(run, "comparison/fitness") == pytest.approx(fitnesses, rel=1e-6)
        assert f"| {row.label} | {row.shown} |" in texts(runs["result"], "comparison")[0]
    assert f"`{result.best.loss}`" in texts(runs["result"], "best_loss")[0]
    assert drawn[-1] == str(result.best.loss)
    changes = {**texts(runs["discovery"], "best_loss")}
    assert images(runs["discovery"]).keys() == changes.keys()
    for image in (*images(runs["discovery"]).values(), images(runs["result"])[0]):
        pixels = np.asarray(image)
        assert pixels.shape[2] == 3
        assert pixels.std() > 5


def generations(records: list[Record]) -> list[list[Record]]:
    starts = [n for n, record in enumerate(records) if record.individual == 1]
    return [records[a:b] for a, b in itertools.pairwise([*starts, len(records)])]


@pytest.mark.slow
def test_a_continued_search_writes_the_same_again_and_leaves_other_files(tmp_path) -> None:
    whole, log_dir = tmp_path / "whole", tmp_path / "log"
    make_search(callbacks=[glo_tf.TensorBoard(whole)]).run()
    other = log_dir / "discovery" / "events.out.tfevents.1.host.1.0.v2"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"")
    board, output = glo_tf.TensorBoard(log_dir), tmp_path / "output"
    make_search(output_dir=output, callbacks=[board, StopAt("on_evaluation", 33)]).run()
    make_search(output_dir=output, callbacks=[board]).run()
    assert other.exists()
    other.unlink()
    assert everything(log_dir) == everything(whole)


def candidate(number: int, fitness: float, source: str = "trained") -> Record:
    loss = Expression.parse(f"x*y + {number}")
    return Record("discovery", 1, number, Candidate(loss), fitness, "ok", source, 10)


def generation(number: int, best: Record) -> Generation:
    return Generation("discovery", number, 9, 0.5, best, {})


def test_the_fittest_candidates_have_sessions_and_the_others_leave(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tensorboard, "MAX_CANDIDATES", 3)
    monkeypatch.setattr(tensorboard, "MAX_SURFACES", 1)
    board = glo_tf.TensorBoard(tmp_path)
    board.on_search_begin(8)
    fitnesses = [0.1, 0.5, 0.3, 0.5, 0.2, 0.5, 0.4]
    for number, fitness in enumerate(fitnesses[:4], start=1):
        board.on_evaluation(candidate(number, fitness))
    board.on_generation(generation(1, candidate(2, 0.5)))
    assert sessions(tmp_path).keys() == {2, 3, 4}
    for number, fitness in enumerate(fitnesses[4:], start=5):
        board.on_evaluation(candidate(number, fitness))
    board.on_evaluation(candidate(8, 0.9, "cached"))
    board.on_generation(generation(2, candidate(6, 0.5)))
    assert sessions(tmp_path).keys() == {2, 4, 6}
    run = read(tmp_path / "discovery")
    assert list(texts(run, "best_loss")) == [1, 2]
    assert list(images(run)) == [1]


def test_what_is_to_beat_has_a_run_of_its_own_and_leads_are_curves(tmp_path) -> None:
    reference = Reference("baikal", "-(log(y) - x/y)", 0.1, 0.75, 0.75)
    own = Reference("-(x*log(y))", "-(x*log(y))", 0.2, 0.5, 0.5)
    bar = Bar("accuracy", Mode.MAX, (reference, own), (0.75, 0.77))
    board = glo_tf.TensorBoard(tmp_path)
    board.on_search_begin(8)
    board.on_references(bar)
    best = dataclasses.replace(candidate(1, 0.875), values={"accuracy": 0.875})
    board.on_evaluation(best)
    board.on_generation(dataclasses.replace(generation(1, best), bar=bar))
    (text,) = texts(read(tmp_path / "references"), "to_beat").values()
    assert "to beat: 0.7500, baikal at 0.1" in text
    assert "0.5000, `-(x*log(y))` at 0.2" in text  # Markdown would make it x log(y)
    assert points(read(tmp_path / "discovery"), "fitness/lead") == {1: 0.125}
    board.on_search_begin(8)
    assert not (tmp_path / "references").exists()


@pytest.mark.parametrize("epsilon", [1e-7, None])
def test_the_surface_is_that_of_the_kind_of_outputs(epsilon, tmp_path, monkeypatch) -> None:
    seen = []
    plot = glo_tf.plots.plot_surface
    monkeypatch.setattr("glo_tf.plots.plot_surface", lambda loss: seen.append(loss) or plot(loss))
    board = glo_tf.TensorBoard(tmp_path, epsilon=epsilon)
    board.on_evaluation(candidate(1, 0.5))
    board.on_generation(generation(1, candidate(1, 0.5)))
    assert [loss.epsilon for loss in seen] == [epsilon]


def test_a_disk_that_fails_ends_the_files_and_not_the_search(tmp_path, caplog) -> None:
    plain = make_search().run()
    caplog.set_level(logging.WARNING, "glo_tf")
    board = glo_tf.TensorBoard(tmp_path / "log")
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "discovery").write_text("where the folder should be")
    assert make_search(callbacks=[board]).run().records == plain.records
    assert caplog.text.count("No event files in") == 1

    caplog.clear()
    full = glo_tf.TensorBoard(tmp_path / "full")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, limits[1]))
        result = make_search(callbacks=[full]).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert result.records == plain.records
    assert result.comparison == plain.comparison
    assert caplog.text.count("No event files in") == 1


def test_what_cannot_be_written_is_refused_at_once(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"Expected a writable log_dir\. Received: log_dir="):
        glo_tf.TensorBoard(tmp_path / "file" / "logs")
    with pytest.raises(ValueError, match=r"Received: hparams=\{'seed': None\}"):
        glo_tf.TensorBoard(tmp_path / "logs", hparams={"seed": None})
    monkeypatch.setitem(sys.modules, "tensorboard.plugins.hparams", None)
    with pytest.raises(ValueError, match=r"python -m pip install 'glo_tf\[tensorboard\]'"):
        glo_tf.TensorBoard(tmp_path / "logs")
    assert not (tmp_path / "logs").exists()


QUICK = ["glo-tf", "--train_steps=10", "--population_size=10", "--elites=2"]


def test_the_flag_adds_the_observer_with_what_candidates_have_in_common(tmp_path) -> None:
    values = command_flags.define_flags()
    values([*QUICK, "--tensorboard", "--seed=7", f"--output_dir={tmp_path}"])
    search = search_of_flags(values)
    (board,) = (c for c in search.callbacks if isinstance(c, glo_tf.TensorBoard))
    record = candidate(1, 0.5)
    board.on_evaluation(record)
    board.on_generation(generation(1, record))
    (shown,) = sessions(tmp_path / "tensorboard").values()
    common = {"dataset": "digits", "architecture": "mlp", "seed": "7", "train_steps": "10"}
    assert common.items() <= shown.items()


@pytest.mark.slow
def test_without_the_package_only_the_flag_is_refused(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.delitem(sys.modules, "glo_tf.display.tensorboard")
    monkeypatch.setitem(sys.modules, "tensorboard.plugins.hparams", None)
    short = ["--generations=1", "--comparison_seeds=0", "--coefficient_expressions=0"]
    arguments = [*QUICK, *short, f"--output_dir={tmp_path / 'out'}"]
    assert command_line.main([*arguments, "--tensorboard"]) == 2
    assert "python -m pip install 'glo_tf[tensorboard]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    monkeypatch.delitem(sys.modules, "glo_tf.display.tensorboard")
    assert command_line.main(arguments) == 0
    assert "glo_tf.display.tensorboard" not in sys.modules
    assert not (tmp_path / "out" / "tensorboard").exists()


@pytest.mark.slow
def test_tensorboard_serves_the_search(tmp_path) -> None:
    make_search(callbacks=[glo_tf.TensorBoard(tmp_path)]).run()
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={tmp_path}", "--port=0"]
    with subprocess.Popen(
        [*command, "--host=127.0.0.1"], stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            for line in server.stderr:
                if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                    break
            url = f"{found[0]}data/plugin/"
            while len(tags := ask(f"{url}scalars/tags")) < len(list(tmp_path.rglob("events*"))) - 1:
                assert server.poll() is None
                time.sleep(0.1)
            wanted = {"sliceSize": 1000, "allowedStatuses": ["STATUS_UNKNOWN"]}
            groups = ask(f"{url}hparams/session_groups", wanted)["sessionGroups"]
            surfaces = ask(f"{url}images/tags")
        finally:
            server.terminate()
            server.communicate()
    assert {"discovery", "coefficients", "comparison/best_loss"} <= tags.keys()
    assert "fitness/best" in tags["discovery"]
    assert len(groups) == len(list((tmp_path / "candidates").iterdir())) > 10
    assert surfaces.keys() >= {"discovery", "result"}


def ask(url: str, body: dict[str, object] | None = None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
