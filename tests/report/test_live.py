"""The page of a search that runs: written aside, whole, and never in the way."""

import logging
import re
import threading

import pytest
from example_records import RECORDS
from processes import wait_for

from glo_tf.display.callbacks import Generation
from glo_tf.display.live import LivePage
from glo_tf.report.live import STALE, LiveStatus, LiveWriter
from glo_tf.results.record import Phase, Source

pytestmark = pytest.mark.usefixtures("made_figures")

TRAININGS = {"running": 2, "finished": 5, "failed": 1}
"""What a dispatcher says."""


def text_of(folder) -> str:
    path = folder / "report.html"
    return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture
def page(tmp_path):
    folder = tmp_path / "a & b"
    folder.mkdir()
    page = LivePage(folder, lambda: TRAININGS, "validation accuracy")
    yield folder, page
    page.close()


def generation(number: int) -> Generation:
    return Generation(
        phase=Phase.DISCOVERY,
        number=number,
        total=10,
        mean_fitness=0.5,
        best_so_far=RECORDS[0],
        counts={Source.TRAINED: 3},
    )


def test_a_page_shows_each_generation_and_reloads_itself(page) -> None:
    folder, live = page
    live.on_search_begin(10)
    wait_for(lambda: "starting" in text_of(folder))
    for record in RECORDS:
        live.on_evaluation(record)
    live.on_generation(generation(3))
    wait_for(lambda: "discovery 3/10" in text_of(folder))
    text = text_of(folder)
    assert re.search(rf'<body data-written="[^"]+" data-reload="\d+" data-stale="{STALE}">', text)
    for name, count in TRAININGS.items():
        assert f"<dt>trainings {name}</dt><dd>{count}</dd>" in text
    assert "<dt>best validation accuracy</dt><dd>0.9000</dd>" in text
    assert f"<code>{RECORDS[0].loss}</code>" in text
    assert "A loss for a &amp; b" in text
    assert 'id="stale" hidden' in text
    live.close()
    assert "This search has ended" in text_of(folder)
    assert "data-written=" not in text_of(folder)


def test_nothing_is_written_after_the_end(page) -> None:
    folder, live = page
    live.on_generation(generation(1))
    live.close()
    assert not any(thread.name == "live report" for thread in threading.enumerate())
    (folder / "report.html").unlink()
    live.close()
    assert "ended in discovery 1/10" in text_of(folder)


def test_a_page_that_cannot_be_written_is_told_once(tmp_path, caplog) -> None:
    (tmp_path / "report.html").mkdir()
    writer = LiveWriter(tmp_path, lambda: TRAININGS)
    status = LiveStatus("starting", 0.0)
    with caplog.at_level(logging.WARNING, logger="glo_tf"):
        writer.show(status)
        wait_for(lambda: caplog.records)
        writer.show(status)
        writer.close(status)
    (record,) = caplog.records
    assert "is not written while the search runs (ForeignFileError: " in record.getMessage()
