"""What every distribution strategy has to do."""

from __future__ import annotations

import pathlib
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

from glo_tf.architectures import NamedArchitecture
from glo_tf.execution.config import FailurePolicy
from glo_tf.execution.dispatcher import Dispatcher
from glo_tf.execution.study import Study
from glo_tf.expressions.tree import Expression
from glo_tf.plugins.options import OptionValue
from glo_tf.strategies import Strategy, TrainingError
from glo_tf.strategies.local import local
from glo_tf.testing import scripted_task as scripted
from glo_tf.testing.plugin import PluginTestCase
from glo_tf.testing.scripted_task import ScriptedTask, fitness_of, ordinary
from glo_tf.testing.small_task import small_task
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Request

if TYPE_CHECKING:
    from glo_tf.strategies.base import Task

_SECONDS_TO_CLOSE = 120.0  # so that the test of one that never does ends, too
_NEVER = 600.0  # seconds of a training that nobody waits for


class StrategyTestCase(PluginTestCase):
    """Tests of a registered strategy; they need psutil.

    Its workers need to import what this process imports by name, as in a search.
    """

    group = "glo_tf.strategies"

    @pytest.fixture
    def strategy(self, plugin_options: Mapping[str, OptionValue]) -> Strategy:
        """The strategy, not started."""
        strategy: Strategy = self.load()(**plugin_options)
        return strategy

    def test_results_are_those_of_local_in_any_order(self, strategy: Strategy) -> None:
        """Real trainings; after `close`, the strategy starts again."""
        task = small_task(NamedArchitecture("mlp", (4, 4, 1), 3))
        requests = [
            Request(Candidate(Expression.parse(loss)), seed)
            for loss in ("-(x*log(y))", "-(log(y) - x/y)", "y - x")
            for seed in (0, 1)
        ]
        expected = _evaluate(task, local(), requests)
        assert _evaluate(task, strategy, requests[::-1]) == expected[::-1]
        assert _evaluate(task, strategy, requests) == expected

    def test_bad_luck_is_tried_again(self, strategy: Strategy, tmp_path: pathlib.Path) -> None:
        """A training that runs out of memory or of time, once."""
        task = ScriptedTask(str(tmp_path), times=1)
        losses = [*ordinary(5), scripted.OUT_OF_MEMORY, scripted.SLOW, *ordinary(9)[5:]]
        requests = [Request(Candidate(loss), 0) for loss in losses]
        evaluations = _evaluate(task, strategy, requests, candidate_timeout=1.0)
        assert [e.fitness for e in evaluations] == [fitness_of(loss) for loss in losses]
        assert len(task.trainings()) == len(losses) + 2

    def test_an_error_of_the_model_or_the_data_is_reported(
        self, strategy: Strategy, tmp_path: pathlib.Path
    ) -> None:
        """It ends the search, and says what was raised."""
        requests = [Request(Candidate(loss), 0) for loss in (*ordinary(2), scripted.RAISE)]
        with pytest.raises(TrainingError, match='KeyError: "a layer\'s mistake"'):
            _evaluate(ScriptedTask(str(tmp_path)), strategy, requests)
        # A strategy that makes its trainer in this process may let the error through.
        with pytest.raises((TrainingError, OSError), match="no such table"):
            _evaluate(ScriptedTask(str(tmp_path), broken=True), strategy, requests)

    def test_closing_leaves_neither_threads_nor_processes(
        self, strategy: Strategy, tmp_path: pathlib.Path
    ) -> None:
        """All workers are in the middle of a training."""
        before = _alive()
        strategy.start(ScriptedTask(str(tmp_path), seconds=_NEVER))
        while not strategy.idle():
            strategy.wait()
        (loss,) = ordinary(1)
        for worker in strategy.idle():
            strategy.submit(Request(Candidate(loss), 0), worker)
        end = time.monotonic() + _SECONDS_TO_CLOSE
        strategy.close()
        while (left := _alive() - before) and time.monotonic() < end:
            time.sleep(0.05)
        assert not left
        assert time.monotonic() < end


def _evaluate(
    task: Task,
    strategy: Strategy,
    requests: Sequence[Request],
    candidate_timeout: float | None = None,
) -> list[Evaluation]:
    policy = FailurePolicy(candidate_timeout=candidate_timeout)
    dispatcher = Dispatcher(task, strategy, Study.in_memory(task.description), policy)
    try:
        return list(dispatcher.evaluate(requests))
    finally:
        dispatcher.close()


def _alive() -> set[object]:
    """Threads of this process, and processes that it started."""
    import psutil

    return {*threading.enumerate(), *psutil.Process().children(recursive=True)}
