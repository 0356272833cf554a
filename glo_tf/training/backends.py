"""The packages beside this module that train, one for each of Keras's backends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import keras

from glo_tf.data.arrays import Structure
from glo_tf.data.outputs import End, Outputs
from glo_tf.errors import InvalidArgumentError
from glo_tf.training.fresh_models import ForwardPass
from glo_tf.training.trial import Trainer

if TYPE_CHECKING:
    from glo_tf.training.task import TrainingTask


class Backend(Protocol):
    """The module `backend` of such a package."""

    def computing(self) -> dict[str, str]:
        """What a training runs on, by name: versions, and what else decides its last bits."""
        ...

    def threads(self) -> int:
        """CPU threads of one operation in this process."""
        ...

    def set_threads(self, threads: int) -> None:
        """Sets them, before the first operation.

        Raises:
            ValueError: If that is nothing that the backend can do.
        """
        ...

    def begin(self) -> None:
        """What a process does before its first operation: GPU memory is taken as it is needed."""
        ...

    def device(self, name: str) -> AbstractContextManager[Any]:
        """Where this thread computes, such as `"GPU:0"`."""
        ...

    def logical_devices(self) -> list[str]:
        """Names of all GPUs of this process, or else of its CPUs."""
        ...

    def several_gpus(self) -> bool:
        """Whether this process sees more than one GPU; asking leaves them as they are."""
        ...

    def check_samples(self, name: str, samples: Structure) -> None:
        """Refuses samples that no model of the backend takes.

        Raises:
            ValueError: With what they are.
        """
        ...

    def check_lanes(self, lanes: int) -> None:
        """Refuses more candidates side by side than trainers of the backend have lanes for.

        Raises:
            ValueError: With what to do.
        """
        ...

    def find_lanes(
        self,
        model: keras.Model,
        optimizer: keras.Optimizer,
        outputs: Outputs,
        samples: Structure,
        batch_size: int,
    ) -> int | None:
        """How many candidates side by side pay on this device, and find room in its memory.

        Args:
            model: Built.
            optimizer: Not built.
            outputs: Of the model.
            samples: Arrays such as it takes.
            batch_size: Of a step.

        Returns:
            At least 1; None if trainers of the backend have no lanes.
        """
        ...

    def forward_pass(self, model: keras.Model, samples: Structure) -> ForwardPass:
        """The forward pass of a built model in training."""
        ...

    def ends(self, model: keras.Model, samples: Structure) -> list[End]:
        """How each output of a built model ends, in the order in which Keras flattens them.

        Args:
            model: Built model.
            samples: Arrays such as it takes.
        """
        ...

    def decide_jit_compile(
        self,
        jit_compile: bool | str,
        forward: Any,
        model: keras.Model,
        make_optimizer: Callable[[], keras.Optimizer],
        samples: Structure,
        *,
        key: str,
    ) -> bool:
        """Whether XLA compiles the trainings.

        Args:
            jit_compile: What the user wants, or `"auto"`.
            forward: The model's `forward_pass`.
            model: Built; its weights may change.
            make_optimizer: Makes an optimizer.
            samples: Of one batch.
            key: What of model and optimizer decides.

        Raises:
            ValueError: If the user wants what cannot be done.
        """
        ...

    def make_trainer(self, task: TrainingTask) -> Trainer:
        """A trainer on the current device."""
        ...


def backend() -> Backend:
    """That of Keras's own backend, which is imported with it.

    Raises:
        ValueError: If none trains with that.
    """
    match keras.backend.backend():
        case "tensorflow":
            from glo_tf.training.tensorflow import backend as of_tensorflow

            return of_tensorflow
        case "jax":
            from glo_tf.training.jax import backend as of_jax

            return of_jax
        case other:
            raise InvalidArgumentError(
                "Expected Keras on TensorFlow or JAX, which trainings can run on: set "
                "KERAS_BACKEND=tensorflow or KERAS_BACKEND=jax before Keras is imported. "
                f"Received: KERAS_BACKEND={other}"
            )
