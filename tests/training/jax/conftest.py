"""Tests that run with Keras on JAX; `tests/training/test_on_jax.py` starts them so."""

import os

collect_ignore_glob = [] if os.environ.get("KERAS_BACKEND") == "jax" else ["test_*"]
