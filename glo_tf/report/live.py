"""The report of a search that runs: a page that is written again and again, and reloads itself."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import pathlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from glo_tf.results import run_files
from glo_tf.results.owned_files import write_owned
from glo_tf.results.record import Record, Source

if TYPE_CHECKING:
    from glo_tf.results.bar import Bar

logger = logging.getLogger("glo_tf")

HEARTBEAT = 30.0
"""Seconds after which a page is written anew, if nothing else has happened."""

RELOAD, STALE = 5, 150
"""Seconds after which a page reloads itself, and after which it takes its search for dead."""


@dataclasses.dataclass(frozen=True)
class LiveStatus:
    """How far a search is.

    Attributes:
        doing: In a few words: "discovery 3/10".
        seconds: That it has taken.
        left: Seconds that it will take; None if unknown.
        best: The best candidate so far.
        lead: How far it is ahead of what is to beat, for readers.
        ended: Whether it goes on no more.
    """

    doing: str
    seconds: float
    left: float | None = None
    best: Record | None = None
    lead: str = ""
    ended: bool = False


class LiveWriter:
    """Writes the page in a thread of its own, the newest status each time.

    What goes wrong is logged once, and then nothing more is written: no search ends for its page.

    Args:
        folder: Of the search.
        trainings: How many run, are finished and failed; it is asked in the thread.
        fitness: What fitness is, for readers.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        trainings: Callable[[], Mapping[str, int]],
        fitness: str = "fitness",
    ):
        self._folder, self._trainings, self._fitness = folder, trainings, fitness
        self._changed = threading.Event()
        self._closed = False
        self._broken = False
        self._status: LiveStatus | None = None
        self._records: Sequence[Record] = ()
        self._bar: Bar | None = None
        self._drawn = 0  # records that are in the drawings
        self._drawings: list[Any] = []
        self._thread: threading.Thread | None = None

    def show(
        self, status: LiveStatus, records: Sequence[Record] | None = None, bar: Bar | None = None
    ) -> None:
        """Has the page show this, soon.

        Args:
            status: How far the search is.
            records: All candidates of the generations that are complete; None for those of before.
            bar: What is to beat; None for that of before.
        """
        self._records = self._records if records is None else tuple(records)
        self._bar = bar or self._bar
        self._status = status
        self._changed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="live report", daemon=True)
            self._thread.start()

    def close(self, status: LiveStatus) -> None:
        """Writes the page a last time, with which it reloads no more; returns when that is done."""
        self._closed = True
        self._changed.set()
        if self._thread is not None:
            self._thread.join()
        self._status = status
        self._write()

    def _run(self) -> None:
        while not self._closed:
            self._changed.wait(HEARTBEAT)
            self._changed.clear()
            if not self._closed:
                self._write()

    def _write(self) -> None:
        status, records = self._status, self._records
        if self._broken or status is None:
            return
        try:
            write_owned(self._folder / run_files.REPORT, self._page(status, records))
        except Exception as error:
            self._broken = True
            with contextlib.suppress(Exception):
                logger.warning(
                    "The report is not written while the search runs (%s: %s)",
                    type(error).__name__,
                    error,
                )

    def _page(self, status: LiveStatus, records: Sequence[Record]) -> bytes:
        # Later, and not in the way of the search: what draws takes long to import.
        from glo_tf.report.asked import read_asked
        from glo_tf.report.page import render
        from glo_tf.report.search_pictures import drawings_of_records

        if len(records) != self._drawn:
            self._drawings = drawings_of_records(records, self._fitness)
            self._drawn = len(records)
        counts = dict.fromkeys(Source, 0)
        for record in records:
            counts[record.source] += 1
        return render(
            "live.html.jinja",
            name=self._folder.resolve().name,
            folder=self._folder,
            status=status,
            trainings=dict(self._trainings()),
            bar_of=self._bar,
            fitness=self._fitness,
            drawings=self._drawings,
            counts={source: count for source, count in counts.items() if count},
            flags=read_asked(self._folder / run_files.FLAGS),
            written=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            reload=RELOAD,
            stale=STALE,
        )
