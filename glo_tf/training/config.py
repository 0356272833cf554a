"""The settings of a training, checked."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypedDict

from glo_tf.data.class_weight import ClassWeight, check_class_weight
from glo_tf.data.outputs import DEFAULT_EPSILON
from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.utils.checks import (
    check_at_least,
    check_between_0_and_1,
    check_one_of,
    check_types,
)
from glo_tf.utils.choice import choice

if TYPE_CHECKING:
    import keras

    from glo_tf.data.found_outputs import OutputKinds
    from glo_tf.training.optimizers import Given as GivenOptimizer


AUTO = "auto"
"""Of lanes: as many as pay and have room."""


class Decay(enum.StrEnum):
    """How learning rates fall from the first step of a training to its last."""

    NONE = "none"
    LINEAR = "linear"
    COSINE = "cosine"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a network is trained, and how it is measured.

    Attributes:
        outputs: What the model's outputs are, where labels and last activation leave it open or
            should not decide it: `"softmax"`, `"sigmoid"` or `"linear"`; for several outputs also a
            list or dict of them, with None for what is to be found.
        from_logits: Whether outputs without softmax and sigmoid, beside labels of classes, are
            logits. Metrics are given their probabilities.
        standardize: Whether targets that are numbers are standardised for the trainings, by mean
            and standard deviation of the training targets of each unit. A loss then sees
            standardised targets and predictions, while metrics have the units of the data, and so
            has the loss that is found. `"auto"` does so where an output ends in a layer of weights,
            without an activation that bounds it and without units of the model's own.
        optimizer: Keras optimizer, its name or its configuration; or a function without arguments
            that makes a new one each time, for one that its configuration does not describe in
            full.
        metric: What fitness measures: name of a Keras metric, a `keras.metrics.Metric`, or a
            function of `y_true` and `y_pred`; for several outputs also a list or dict of them, of
            which the mean counts, with None for outputs that do not. By default accuracy, or the
            mean absolute error where the model has numbers as outputs. A metric v that is to be
            small gives the fitness 1 / (1 + v); where targets are standardised, v is divided there
            by that of predicting their mean.
        metric_mode: `"max"` or `"min"`; `"auto"` for Keras's own direction of the metric.
        class_weight: What the training samples of each class count, `{class: weight}`, as in
            `keras.Model.fit`; classes that are left out count 1. For several outputs a list or dict
            of such, with None for outputs without. It multiplies weights of the samples. Neither
            validation nor test data are weighted by it.
        ignore_class: A label, such as 255 or -1, that is no class: where it stands among class
            indices, a position counts neither in the loss nor in metrics, as with the
            `ignore_class` of Keras's losses and metrics.
        train_steps: Training steps per candidate.
        batch_size: Samples per step.
        learning_rate_decay: How the learning rate, or the optimizer's schedule, falls in the course
            of every training, from itself to 0 after `train_steps`: `"linear"`, `"cosine"`, or
            `"none"`.
        epsilon: Predictions that are probabilities are clipped to `[epsilon, 1]`.
        jit_compile: Whether XLA compiles the trainings; `"auto"` does so for dense models on a CPU,
            where it was measured to pay.
        lanes: How many candidates train side by side on each device, as lanes of one compiled
            program; with Keras on JAX, and where candidates train in this process or on Ray. On
            GPUs many are faster. `"auto"` takes as many as pay and find room in memory, and as a
            resumed run had; where there are no lanes it is 1. A result depends on their number, in
            its last bits.

    Raises:
        ValueError: If a value is out of range or of another type.
    """

    outputs: OutputKinds | None = None
    from_logits: bool = False
    standardize: bool | str = "auto"
    optimizer: GivenOptimizer = "sgd"
    metric: Any = None
    metric_mode: str = "auto"
    class_weight: ClassWeight | None = None
    ignore_class: int | None = None
    train_steps: int = 2000
    batch_size: int = 100
    learning_rate_decay: str = Decay.NONE
    epsilon: float = DEFAULT_EPSILON
    jit_compile: bool | str = "auto"
    lanes: int | str = 1

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(1, train_steps=self.train_steps, batch_size=self.batch_size)
        if isinstance(self.lanes, int):
            check_at_least(1, lanes=self.lanes)
        elif self.lanes != AUTO:
            raise InvalidArgumentError(
                f"Expected lanes as a whole number or {AUTO}. Received: lanes={shown(self.lanes)}"
            )
        check_between_0_and_1(epsilon=self.epsilon)
        check_class_weight(self.class_weight)
        choice(Decay, "learning_rate_decay", self.learning_rate_decay)
        check_one_of((True, False, "auto"), jit_compile=self.jit_compile)
        check_one_of((True, False, "auto"), standardize=self.standardize)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TaskArguments(TrainingConfig):
    """What is trained, on what, and how.

    Attributes:
        model: Function without arguments that returns a new `keras.Model` each time, functional or
            subclassed, compiled or not, with the same weights from the same seed
            (`keras.utils.set_random_seed`); its outputs, one or a list or dict of several, have
            shape `(N, units)`, or, dense, `(N, ..., units)`.
        train_data: Samples and targets, arrays or what a model of several inputs and outputs takes
            (lists, tuples, dicts of arrays): int labels `(N, ...)` or rows `(N, ..., units)`;
            also of text, `pandas` and other libraries. Or batches of such pairs that end, as a
            `tf.data.Dataset`, which are read into memory; those that shuffle give another order
            each time, and cannot be resumed. NaN and infinity are refused. As third, weights of the
            samples, `(N,)`, or of positions, `(N, ...)`, for all outputs or in the structure of the
            targets, multiply the loss as in `keras.Model.fit`: the sum is divided by the number of
            samples.
        validation_data: The same; decides the fitness. Its weights are those of the metric, as of
            Keras's `weighted_metrics`.
    """

    model: Callable[[], keras.Model]
    train_data: Any
    validation_data: Any

    def loaded(self) -> Self:
        """The same with data in memory, test data as well where there are any.

        Raises:
            ValueError: If data is of no form that is known, or not finite.
        """
        from glo_tf.data import arrays  # TensorFlow, which no setting needs

        names = ["train_data", "validation_data"]
        if getattr(self, "test_data", None) is not None:
            names.append("test_data")
        loaded: dict[str, Any] = {name: arrays.load(name, getattr(self, name)) for name in names}
        return dataclasses.replace(self, **loaded)


def check_tasks(given: object) -> None:
    """Raises `ValueError` unless it is at least two `TaskArguments`, in order or by name."""
    each = list(given.values()) if isinstance(given, Mapping) else given
    if (
        not isinstance(each, list | tuple)
        or len(each) < 2
        or not all(isinstance(one, TaskArguments) for one in each)
    ):
        raise InvalidArgumentError(
            "Expected tasks as at least two glo_tf.TaskArguments, in a list or in a dict by name. "
            f"Received: tasks={shown(given)}"
        )


class TrainingKeywords(TypedDict, total=False):
    """Fields of `TrainingConfig` as keyword arguments, without the optimizer."""

    outputs: OutputKinds | None
    from_logits: bool
    standardize: bool | str
    metric: Any
    metric_mode: str
    class_weight: ClassWeight | None
    ignore_class: int | None
    train_steps: int
    batch_size: int
    learning_rate_decay: str
    epsilon: float
    jit_compile: bool | str
    lanes: int | str


class TaskKeywords(TrainingKeywords, total=False):
    """Fields of `TaskArguments` as keyword arguments."""

    optimizer: GivenOptimizer
    model: Callable[[], keras.Model]
    train_data: Any
    validation_data: Any
