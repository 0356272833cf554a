"""What makes a process of tests quick, which trains little and often."""

import gc
import sys


def begin() -> None:
    """To be called once its modules are imported."""
    gc.freeze()  # they stay, and need not be looked through for garbage each time
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        # To improve a graph takes longer than to run it a few times as it is.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
