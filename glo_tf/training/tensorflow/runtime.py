"""TensorFlow in this process: its versions and kernels, its threads, its memory."""

from __future__ import annotations

import logging
import os

import keras
import numpy as np
import tensorflow as tf

from glo_tf._version import __version__
from glo_tf.utils import onednn

logger = logging.getLogger("glo_tf")


def set_memory_growth() -> None:
    """Lets TensorFlow take GPU memory as it needs it, so that others can use the GPU too.

    It has to happen before the first operation; after it, what TensorFlow took is left as it is.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError as error:
            logger.info("Memory growth of %s is left as it is: %s", gpu.name, error)


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


def intra_op_threads() -> int:
    """Threads of one TensorFlow operation in this process."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(tf.config.threading.get_intra_op_parallelism_threads()) or available or 1
