"""A report that may fail: the run that it is of goes on."""

from __future__ import annotations

import logging
import pathlib

logger = logging.getLogger("glo_tf")


def try_to_write_report(path: pathlib.Path) -> None:
    """Writes `report.html` from the other files of a run; see `glo_tf.report.write_report`.

    What goes wrong is logged: the report can be made again at any time, and the run is not to fail
    for it.
    """
    try:
        from glo_tf.report.writing import write_report

        write_report(path, figures=False)
    except Exception as error:
        logger.warning(
            "No report was written (%s: %s); glo-tf --mode=report --output_dir=%s tries again",
            type(error).__name__,
            error,
            path,
        )
