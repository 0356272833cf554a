"""The conformance kit finds what is wrong with a plugin; the built-ins show that it passes."""

import dataclasses
import threading
import unittest

import numpy as np
import pytest

import glo_tf
from glo_tf import architectures, datasets
from glo_tf.search.spaces.space import SearchSpace, glo
from glo_tf.strategies.base import Failure, Result
from glo_tf.strategies.local import LocalStrategy
from glo_tf.testing import (
    ArchitectureTestCase,
    DatasetTestCase,
    SearchSpaceTestCase,
    StrategyTestCase,
)
from glo_tf.training.trial import Evaluation, Request


def case_of(case, function, **attributes):
    """The test case of a plugin that is registered nowhere."""
    attributes = {"name": "bad", "load": lambda self: function, **attributes}
    return type("Bad", (case,), attributes)()


def data_set(**changes):
    """A case of digits with some arrays changed, by functions that are called anew each time."""
    return case_of(
        DatasetTestCase,
        lambda data_dir=None: dataclasses.replace(
            datasets.digits(), **{name: change() for name, change in changes.items()}
        ),
    )


def test_a_data_set_of_another_type_fails() -> None:
    case = data_set(x_test=lambda: datasets.digits().x_test.astype(np.float64))
    with pytest.raises(AssertionError, match="float64"):
        case.test_samples_are_finite_float32_and_labels_are_integers({})


def test_a_data_set_with_a_hole_fails() -> None:
    case = data_set(x_test=lambda: np.full_like(datasets.digits().x_test, np.nan))
    with pytest.raises(AssertionError):
        case.test_samples_are_finite_float32_and_labels_are_integers({})


def test_a_data_set_that_validates_on_its_training_samples_fails() -> None:
    case = data_set(
        x_validation=lambda: datasets.digits().x_train[:300],
        y_validation=lambda: datasets.digits().y_train[:300],
    )
    with pytest.raises(AssertionError, match="validation has samples"):
        case.test_the_splits_have_samples_of_their_own({})


def test_a_data_set_that_is_split_anew_each_time_fails() -> None:
    case = data_set(x_train=lambda: np.random.default_rng().permutation(datasets.digits().x_train))
    with pytest.raises(AssertionError):
        case.test_loaded_twice_it_is_the_same({})


def test_a_data_set_that_raises_another_error_fails_with_what_to_raise() -> None:
    def offline(data_dir=None):
        raise OSError("no route to host")

    with pytest.raises(AssertionError, match=r"Unavailable.*OSError: no route to host"):
        case_of(DatasetTestCase, offline).test_loaded_twice_it_is_the_same({})


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no such table"),
        OSError("no such table"),
        glo_tf.InvalidArgumentError("no such table"),
        unittest.SkipTest("no such table"),
        pytest.skip.Exception("no such table"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_data_that_raises_anything_else_fails(error) -> None:
    def load(data_dir=None):
        raise error

    with pytest.raises(AssertionError, match=f"{type(error).__name__}: no such table"):
        case_of(DatasetTestCase, load).data({})


def test_data_that_cannot_be_had_is_skipped_with_the_reason() -> None:
    def unavailable(data_dir=None):
        raise datasets.DatasetUnavailableError("Expected a network")

    with pytest.raises(pytest.skip.Exception, match="Expected a network"):
        case_of(DatasetTestCase, unavailable).test_loaded_twice_it_is_the_same({})


def test_an_architecture_that_gives_logits_fails_if_it_does_not_say_so() -> None:
    def logits(input_shape, num_classes):
        import keras

        return keras.Sequential(
            [keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(num_classes)]
        )

    case = case_of(ArchitectureTestCase, logits)
    with pytest.raises(AssertionError):
        case.test_outputs_are_class_probabilities({})
    case_of(ArchitectureTestCase, logits, from_logits=True).test_outputs_are_class_probabilities({})


def test_an_architecture_with_weights_of_its_own_chance_fails() -> None:
    def unseeded(input_shape, num_classes):
        model = architectures.mlp(input_shape, num_classes)
        rng = np.random.default_rng()
        model.set_weights([rng.uniform(size=weight.shape) for weight in model.get_weights()])
        return model

    case = case_of(ArchitectureTestCase, unseeded)
    case._architecture = lambda options: lambda: unseeded((8, 8, 1), 7)
    with pytest.raises(AssertionError):
        case.test_construction_depends_on_the_seed_alone({})


def test_a_search_space_by_another_name_fails() -> None:
    with pytest.raises(AssertionError):
        case_of(SearchSpaceTestCase, glo).test_it_is_a_search_space_with_its_name({})


def test_a_search_space_whose_trees_cannot_train_fails() -> None:
    leaves = SearchSpace("bad", "leaves", {"x": 1.0, "y": 1.0})
    case = case_of(SearchSpaceTestCase, lambda: leaves)
    with pytest.raises(AssertionError):
        case.test_its_trees_are_made_of_its_nodes_within_its_depth({})


class Drifting(LocalStrategy):
    """Its results depend on how many there were before."""

    done = 0

    def wait(self) -> list[Result]:
        (result,) = super().wait()
        self.done += 1
        assert isinstance(result.outcome, Evaluation)
        return [dataclasses.replace(result, outcome=self._drifted(result.outcome))]

    def _drifted(self, evaluation: Evaluation) -> Evaluation:
        return dataclasses.replace(evaluation, fitness=evaluation.fitness / (1 + self.done))


class Silent(LocalStrategy):
    """Calls every error bad luck."""

    def wait(self) -> list[Result]:
        (result,) = super().wait()
        if isinstance(result.outcome, Failure):
            result = dataclasses.replace(result, outcome=Failure("worker lost", "somehow"))
        return [result]


class Leaking(LocalStrategy):
    """Leaves a thread behind."""

    released = threading.Event()

    def submit(self, request: Request, worker: str) -> None:
        threading.Thread(target=self.released.wait).start()
        super().submit(request, worker)


@pytest.mark.slow
def test_a_strategy_that_results_depend_on_fails() -> None:
    case = case_of(StrategyTestCase, Drifting)
    with pytest.raises(AssertionError):
        case.test_results_are_those_of_local_in_any_order(Drifting())


def test_a_strategy_that_hides_errors_fails(tmp_path) -> None:
    case = case_of(StrategyTestCase, Silent)
    with pytest.raises(pytest.fail.Exception):
        case.test_an_error_of_the_model_or_the_data_is_reported(Silent(), tmp_path)


def test_a_strategy_that_leaves_threads_fails(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("glo_tf.testing.strategy._SECONDS_TO_CLOSE", 0.2)
    case = case_of(StrategyTestCase, Leaking)
    try:
        with pytest.raises(AssertionError):
            case.test_closing_leaves_neither_threads_nor_processes(Leaking(), tmp_path)
    finally:
        Leaking.released.set()
