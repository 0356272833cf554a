"""TensorFlow as trainings need it; see `glo_tf.training.backends.Backend`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from glo_tf._version import __version__
from glo_tf.data.arrays import Structure
from glo_tf.errors import InvalidArgumentError
from glo_tf.training.tensorflow import xla
from glo_tf.training.tensorflow.forward_pass import GraphForwardPass
from glo_tf.training.tensorflow.last_activation import ends as ends
from glo_tf.utils import onednn
from glo_tf.utils.cpus import available_cpus

if TYPE_CHECKING:
    from glo_tf.training.task import TrainingTask
    from glo_tf.training.tensorflow.trainer import CandidateTrainer

logger = logging.getLogger("glo_tf")

forward_pass = GraphForwardPass


def begin() -> None:
    """Lets TensorFlow take GPU memory as it needs it, so that others can use the GPU too.

    It has to happen before the first operation; after it, what TensorFlow took is left as it is.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError as error:
            logger.info("Memory growth of %s is left as it is: %s", gpu.name, error)
    onednn.warn_if_left_off()


def computing() -> dict[str, str]:
    """What a training runs on: versions, and TensorFlow's kernels."""
    return {
        "glo_tf": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        # Under the name by which a user changes it: messages show what differs.
        onednn.VARIABLE: "1" if onednn.is_on() else "0",
    }


def threads() -> int:
    """Threads of one TensorFlow operation in this process."""
    return int(tf.config.threading.get_intra_op_parallelism_threads()) or available_cpus()


def set_threads(threads: int) -> None:
    """It is refused once there was a tensor, as of the user's modules."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)


def device(name: str) -> AbstractContextManager[Any]:
    """Where this thread computes."""
    return tf.device(name)  # type: ignore[no-any-return]


def logical_devices() -> list[str]:
    """Names of all logical GPUs of this process, or else of its logical CPUs."""
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name.removeprefix("/device:") for device in found]


def several_gpus() -> bool:
    """Whether this process sees more than one GPU; asking leaves them as they are."""
    return len(tf.config.list_physical_devices("GPU")) > 1


def check_samples(name: str, samples: Structure) -> None:
    """Refuses none: what a model does not take shows when it is called."""


def find_lanes(*_: object) -> None:
    """None: candidates train one after the other."""


def check_lanes(lanes: int) -> None:
    """Refuses several: TensorFlow trains one candidate after the other."""
    if lanes > 1:
        raise InvalidArgumentError(
            "Expected lanes=1 with KERAS_BACKEND=tensorflow; KERAS_BACKEND=jax trains several "
            f"candidates side by side. Received: lanes={lanes}"
        )


def decide_jit_compile(
    jit_compile: bool | str,
    forward: GraphForwardPass,
    model: keras.Model,
    make_optimizer: Callable[[], keras.Optimizer],
    samples: Structure,
    *,
    key: str,
) -> bool:
    """Whether XLA compiles the trainings; see `xla.decide`."""
    return xla.decide(jit_compile, forward.graph, model, make_optimizer, samples, key=key)


def make_trainer(task: TrainingTask) -> CandidateTrainer:
    """A trainer on the current device."""
    from glo_tf.training.tensorflow.trainer import CandidateTrainer

    return CandidateTrainer(task)
