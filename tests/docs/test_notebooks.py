"""The notebooks in docs: they run, show what they say, and have been executed."""

import json
import pathlib

import pytest
from processes import python

NOTEBOOKS = pathlib.Path(__file__).parents[2] / "docs" / "notebooks"

# Runs the cells of notebooks as a kernel does, and prints which types of data each one shows.
KERNEL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance()
shell.kernel = None  # what tells a notebook from a terminal
shell.reset()
for path in sys.argv[1:]:
    shown = []
    for cell in json.load(open(path))["cells"]:
        if cell["cell_type"] == "code":
            with capture_output() as captured:
                result = shell.run_cell("".join(cell["source"]), store_history=True)
            result.raise_error()
            last = {} if result.result is None else shell.display_formatter.format(result.result)[0]
            shown.append({"data": sorted(last), "stdout": captured.stdout})
    print(json.dumps(shown))
"""


def cells(path: pathlib.Path) -> list[dict]:
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]


def data_of(cell: dict) -> list[str]:
    """The types of data that the last line of an executed cell shows."""
    (result,) = [o for o in cell["outputs"] if o["output_type"] == "execute_result"] or [{}]
    return sorted(result.get("data", {}))


@pytest.mark.docs
def test_they_run_and_show_their_pictures_formulas_and_tables() -> None:
    pytest.importorskip("IPython")
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert [path.stem for path in paths] == ["compare_losses", "evolve_a_loss"]
    done = python("-c", KERNEL, *map(str, paths))
    assert done.returncode == 0, done.stderr
    of_paths = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    for path, shown in zip(paths, of_paths, strict=True):
        kept = cells(path)
        assert len(shown) == len(kept)
        for now, cell in zip(shown, kept, strict=True):
            last = "".join(cell["source"]).splitlines()[-1]
            assert now["data"] == data_of(cell), last
            if "plot" in last:
                assert "image/png" in now["data"]
            if last in ("loss", "glo_tf.Baikal()"):
                assert "text/latex" in now["data"]
            if last in ("result", "comparison"):
                assert "text/html" in now["data"]
        progress = "".join(one["stdout"] for one in shown)
        assert "10 classes, softmax; fitness: accuracy" in progress
        assert "\x1b" not in progress


def test_what_they_show_is_kept_without_errors_or_warnings() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        outputs = [output for cell in cells(path) for output in cell["outputs"]]
        assert outputs
        assert {output["output_type"] for output in outputs} <= {"stream", "execute_result"}
        assert all(output.get("name", "stdout") == "stdout" for output in outputs)
        assert "/work" not in path.read_text()
