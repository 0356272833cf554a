"""What a worker's process is told before it imports anything."""

from __future__ import annotations

import os
import sys

from glo_tf.utils import onednn


def environment() -> dict[str, str]:
    """Variables with which it computes as this process: Keras's backend, TensorFlow's kernels."""
    told = {name: value for name, value in os.environ.items() if name == onednn.VARIABLE}
    keras = sys.modules.get("keras")
    if keras is not None:
        told["KERAS_BACKEND"] = keras.backend.backend()
    return told
