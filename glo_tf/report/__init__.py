"""Reports: a page that tells of a search or a comparison, from the files that it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glo_tf.report.overview import write_overview
    from glo_tf.report.writing import write_report

__all__ = ["write_overview", "write_report"]


def __getattr__(name: str) -> Any:
    # Later: figures and templates are for those who write one.
    if name == "write_report":
        from glo_tf.report.writing import write_report

        return write_report
    if name == "write_overview":
        from glo_tf.report.overview import write_overview

        return write_overview
    raise AttributeError(f"module 'glo_tf.report' has no attribute '{name}'")
