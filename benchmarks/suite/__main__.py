"""See `benchmarks.suite`."""

from __future__ import annotations

import logging
import os
import pathlib
import sys

# Before the libraries that read them. Many small trainings gain nothing by threads.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_list("tasks", ["noise", "tail", "metric", "few", "clean"], "How their names begin.")
flags.DEFINE_list(
    "variants",
    ["found"],
    "Searches, in their order, or all; more than the first are ablations, and one that has as many "
    "steps as another comes after that one.",
)
flags.DEFINE_string("output", "docs/results/suite", "Folder of the JSON files; the page is beside.")
flags.DEFINE_string("work", "/tmp/suite_work", "Folder with which searches go on.")
flags.DEFINE_bool("page_only", False, "Whether only the page is made.")
flags.DEFINE_bool("list", False, "Whether only the tasks are listed.")


def main(_: list[str]) -> None:
    from benchmarks.suite import page

    folder = pathlib.Path(FLAGS.output)
    if FLAGS.page_only:
        page.write(folder)
        return
    from benchmarks.suite.tasks import chosen
    from benchmarks.suite.unit import Settings, Unit
    from benchmarks.suite.variants import chosen_variants

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("benchmarks.suite").setLevel(logging.INFO)
    logging.getLogger("glo_tf").setLevel(logging.ERROR)
    try:
        tasks = chosen(FLAGS.tasks)
        variants = chosen_variants(FLAGS.variants)
        units = [Unit(task, Settings(), folder, pathlib.Path(FLAGS.work)) for task in tasks]
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if FLAGS.list:
        print("\n".join(task.name for task in tasks))
        return
    for unit in units:
        unit.run(variants)
        page.write(folder)


if __name__ == "__main__":
    app.run(main)
