"""JAX as trainings need it; see `glo_tf.training.backends.Backend`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import jax
import keras
import numpy as np
from jaxlib import version as jaxlib_version

from glo_tf._version import __version__
from glo_tf.data import arrays
from glo_tf.data.arrays import Structure
from glo_tf.data.outputs import Outputs
from glo_tf.data.ragged import Ragged
from glo_tf.errors import InvalidArgumentError
from glo_tf.training.jax import lane_memory
from glo_tf.training.jax.forward_pass import JaxprForwardPass
from glo_tf.training.jax.last_activation import ends as ends
from glo_tf.utils.cpus import available_cpus

if TYPE_CHECKING:
    from glo_tf.training.jax.trainer import JaxTrainer
    from glo_tf.training.task import TrainingTask

_PRECISION = "jax_default_matmul_precision", "jax_enable_x64"
_INTEGERS = np.iinfo(np.int32)
_MOST_LANES = {"cpu": 32, "gpu": 1024}  # more were measured not to pay

logger = logging.getLogger("glo_tf")

forward_pass = JaxprForwardPass


def begin() -> None:
    """Lets JAX take GPU memory as it needs it, where the user has not said how.

    It has to happen before the first operation; after it, what JAX took is left as it is.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def computing() -> dict[str, str]:
    """What a training runs on: versions, the kind of device, and how exact JAX is set to be."""
    return {
        "backend": "jax",
        "glo_tf": __version__,
        "jax": jax.__version__,
        "jaxlib": jaxlib_version.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "device": jax.local_devices()[0].device_kind,
        **{name: str(getattr(jax.config, name)) for name in _PRECISION},
    }


def threads() -> int:
    """Threads of one operation of XLA on CPUs, which are all that the process may run on."""
    return available_cpus()


def set_threads(threads: int) -> None:
    """Refuses another number than XLA takes by itself.

    Raises:
        ValueError: If it is another.
    """
    if threads != available_cpus():
        raise InvalidArgumentError(
            f"Expected the {available_cpus()} CPUs of this process as its threads, which is what "
            "JAX takes; taskset gives a process others (taskset --cpu-list 0-3 python ...). "
            f"Received: intra_op_threads={threads}"
        )


def device(name: str) -> AbstractContextManager[Any]:
    """Where this thread computes, such as `"GPU:0"`."""
    kind, _, number = name.partition(":")
    return jax.default_device(jax.local_devices(backend=kind.lower())[int(number)])  # type: ignore[no-any-return]


def logical_devices() -> list[str]:
    """Names of all GPUs or TPUs of this process, or else of its CPUs."""
    return [f"{d.platform.upper()}:{place}" for place, d in enumerate(jax.local_devices())]


def several_gpus() -> bool:
    """Whether this process sees more than one GPU or TPU."""
    begin()
    return len([d for d in jax.local_devices() if d.platform != "cpu"]) > 1


def check_samples(name: str, samples: Structure) -> None:
    """Refuses text, rows of different lengths, and integers of more than 32 bits.

    Raises:
        ValueError: With what they are.
    """
    for leaf in arrays.flat(samples):
        if isinstance(leaf, Ragged) or leaf.dtype == object:
            what = "rows of different lengths" if isinstance(leaf, Ragged) else "text"
            raise InvalidArgumentError(
                f"Expected samples of {name} as arrays of numbers, which are all that JAX has; "
                "KERAS_BACKEND=tensorflow trains on others, too. Received: " + what
            )
        if leaf.dtype.kind in "iu" and leaf.dtype.itemsize >= 4 and leaf.size:
            least, largest = leaf.min(), leaf.max()
            if least < _INTEGERS.min or largest > _INTEGERS.max:
                raise InvalidArgumentError(
                    f"Expected samples of {name} in the range of int32, as JAX computes with no "
                    f"longer integers. Received: from {least} to {largest}"
                )


def check_lanes(lanes: int) -> None:
    """Refuses none."""


def find_lanes(
    model: keras.Model,
    optimizer: keras.Optimizer,
    outputs: Outputs,
    samples: Structure,
    batch_size: int,
) -> int:
    """As many as there is room for, up to what was measured to pay.

    On CPUs more pay for dense networks alone, as convolutions are slow there however they are done.
    """
    device = lane_memory.used_device()
    size = lane_memory.LaneSize.of(model, optimizer, outputs, samples, batch_size)
    if device.platform == "cpu" and size.convolves:
        return 1
    free = lane_memory.free_bytes()
    lanes = min(size.fit_in(free), _MOST_LANES.get(device.platform, _MOST_LANES["gpu"]))
    logger.info(
        "Candidates side by side on %s: %d, of at most %.1f MiB each; %.1f GiB are free",
        device.device_kind,
        lanes,
        (size.state + size.work) / 2**20,
        free / 2**30,
    )
    return lanes


def decide_jit_compile(
    jit_compile: bool | str,
    forward: JaxprForwardPass,
    model: keras.Model,
    make_optimizer: Callable[[], keras.Optimizer],
    samples: Structure,
    *,
    key: str,
) -> bool:
    """XLA compiles all that JAX trains.

    Raises:
        ValueError: If it should not, or cannot.
    """
    if isinstance(make_optimizer(), keras.optimizers.LossScaleOptimizer):
        raise InvalidArgumentError(
            "Expected an optimizer without a scale of the loss with KERAS_BACKEND=jax, where "
            "bfloat16 needs none. Received: optimizer=LossScaleOptimizer"
        )
    if jit_compile is False:
        raise InvalidArgumentError(
            "Expected jit_compile to be True or 'auto' with KERAS_BACKEND=jax, as XLA compiles "
            "all trainings of JAX. Received: jit_compile=False"
        )
    return True


def make_trainer(task: TrainingTask) -> JaxTrainer:
    """A trainer on the current device."""
    from glo_tf.training.jax.trainer import JaxTrainer

    return JaxTrainer(task, task.lanes)
