"""The page of the suite is what its files say."""

import pathlib
import re

from benchmarks.suite import page

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "results" / "suite"


def test_the_page_is_up_to_date() -> None:
    pictures = [path.stem for path in FOLDER.glob("*.png")]
    made = page.page(page.read(FOLDER), FOLDER.name, pictures)
    held = FOLDER.with_suffix(".md").read_text(encoding="utf-8")
    assert held == made, "run python -m benchmarks.suite --page_only"
    assert not re.search(rf"\b0 of {len(page.TASKS)} tasks", held)
