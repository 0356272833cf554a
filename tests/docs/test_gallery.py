"""The gallery in the repository is what its script makes of the code."""

import importlib.util
import json
import pathlib
import re

from glo_tf.losses.named import NAMED_LOSSES

DOCS = pathlib.Path(__file__).parents[2] / "docs"


def test_the_gallery_is_up_to_date_and_complete() -> None:
    spec = importlib.util.spec_from_file_location("make_gallery", DOCS / "make_gallery.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    assert text == script.page(), "run python docs/make_gallery.py"
    assert {kind for kind, _, _ in script.LOSSES.values()} == set(NAMED_LOSSES.values())
    pictures = re.findall(r"!\[[^]]+\]\((.*?)\)", text)
    assert len(pictures) == len(script.LOSSES)
    for picture in pictures:
        assert (DOCS / picture).read_bytes().startswith(b"\x89PNG")
    reasons = re.findall(r"\*\*(?:Use it for|Not when):\*\* (.*)", text)
    assert len(reasons) == 2 * len(script.LOSSES)
    for reason in reasons:
        assert re.search(
            r"\((?:its (?:paper|source|formula)|picture|below|table above|\[.+\]\()|\(\[.+?\]\(|"
            r"\[results\]",
            reason,
        ), f"{reason} rests on nothing"
    for name, row in json.loads(script.AGREEMENT.read_text())["losses"].items():
        assert min(row["values"], row["slopes"]) >= 64, name
        assert max(row["value"], row["slope"]) < 1e-4, name
