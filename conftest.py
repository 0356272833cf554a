"""The examples of modules that need a library which is not installed are left out."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("jax") else ["glo_tf/training/jax"]
