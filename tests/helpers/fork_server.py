"""The server that processes of tests are forked from: it has imported TensorFlow."""

import multiprocessing
import multiprocessing.forkserver
import os

from glo_tf.strategies.ray import ONE_MACHINE

# Before the server starts: what is forked from it has the environment of its start.
os.environ.setdefault(*ONE_MACHINE)
# Ray's workers give way to all other processes, which here are other tests that nobody waits for.
os.environ.setdefault("RAY_worker_niceness", "0")

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "pytest",
        "sklearn.datasets",
        "glo_tf.architectures",
        "glo_tf.cli.search",
        "glo_tf.display.search",
        "glo_tf.report.writing",
        "glo_tf.search.loss_search",
        "glo_tf.search_spaces",
        "glo_tf.strategies.local",
        "glo_tf.training.tensorflow.trainer",
    ]
)


def share() -> None:
    """Has this process, a fork, start others from the server it comes from, not from its own."""
    # A fork has its server's address, and does not know that the server runs.
    multiprocessing.forkserver._forkserver.ensure_running = lambda: None
