"""The report of a run: one HTML page that needs no network, made from the run's folder alone."""

from glo_tf.report.writing import write_report

__all__ = ["write_report"]
