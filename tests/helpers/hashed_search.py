"""A small search whose trainings have known values: hashes of their requests."""

import zlib

from three_classes import LABELS, SAMPLES, build_model

import glo_tf
from glo_tf.data.split import Split
from glo_tf.display.callbacks import Callback
from glo_tf.search.loss_search import LossSearch
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Evaluation, Request, nothing_to_check


class HashTrainer:
    """Fitness from a hash of loss and seed; `failing` ones end non-finite."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.failing: set[tuple[str, int]] = set()

    def evaluate(self, request: Request, check=nothing_to_check) -> Evaluation:
        self.requests.append(request)
        fitness = self.fitness(request)
        if (str(request.loss), request.seed) in self.failing:
            return Evaluation(request.candidate, request.seed, 0.0, "non_finite", 1, 0.0)
        steps = dict.fromkeys(("accuracy", "nll", "ece"), (fitness,) * len(request.checkpoints))
        own, measured = {"accuracy": fitness}, dict.fromkeys(Split, steps)
        return Evaluation(
            request.candidate, request.seed, fitness, "ok", 10, 0.0, values=own, measured=measured
        )

    def fitness(self, request: Request) -> float:
        text = f"{request.loss} {request.seed} {request.candidate.hyperparameters.learning_rate}"
        return (zlib.crc32(text.encode()) % 1000 + 1) / 1001

    def trained(self) -> list[tuple[str, int]]:
        return [(str(request.loss), request.seed) for request in self.requests]


def trained_by_hashes(monkeypatch) -> HashTrainer:
    """What all searches get for a trainer."""
    trainer = HashTrainer()
    monkeypatch.setattr(TrainingTask, "make_trainer", lambda _: trainer)
    return trainer


def make_search(**arguments) -> LossSearch:
    settings = {
        "train_steps": 10,
        "batch_size": 10,
        "jit_compile": False,
        "population_size": 20,
        "elites": 2,
        "generations": 3,
        "coefficient_generations": 2,
        "finalists": 2,
        "finalist_seeds": 2,
        "comparison_seeds": 2,
        "screening": "none",
        "strategy": "local",
    }
    data = (SAMPLES, LABELS)
    return LossSearch(build_model, data, data, **{**settings, **arguments})


class StopAt(Callback):
    """Raises when a method has been called so often."""

    def __init__(self, method: str, calls: int = 1) -> None:
        def stop(*_) -> None:
            self.calls -= 1
            if not self.calls:
                raise glo_tf.StopSearch

        self.calls = calls
        setattr(self, method, stop)
