"""Several runs in one page."""

import json
import re

import example_comparison
import pytest

from glo_tf.cli import main as command_line
from glo_tf.report import write_overview

pytestmark = pytest.mark.usefixtures("made_figures")


@pytest.fixture
def runs(tmp_path):
    """Two comparisons, of which one has a report, and the flags that it was made with."""
    folders = [tmp_path / "one", tmp_path / "two & <b>"]
    for folder in folders:
        folder.mkdir()
        example_comparison.write(folder)
    (folders[0] / "report.html").write_text("its own")
    (folders[0] / "compare.flags").write_text(
        "# Written by glo_tf\n# Command: glo-tf --mode=compare '--dataset=a b'\n"
        "--dataset=a b\n--dataset_options=noise=1\n--dataset_options=size=2\n--notensorboard\n"
    )
    return folders


def test_a_page_of_several_runs_leads_to_each(runs, tmp_path, capsys) -> None:
    arguments = ["glo-tf", "--mode=report", *map(str, runs)]
    assert command_line.main(arguments) == 0
    page = tmp_path / "report.html"
    assert capsys.readouterr().out == f"{page}\n"
    text = page.read_text(encoding="utf-8")
    assert '<a href="one/report.html">one</a>' in text
    assert "two &amp; &lt;b&gt;" in text
    assert "<b>" not in text
    assert text.count('<p class="answer">Yes: baikal beats cross-entropy (+0.0400') == 2
    assert "<dt>options of the data set</dt><dd>noise=1, size=2</dd>" in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert command_line.main([*arguments, f"--output_dir={tmp_path / 'new' / 'page'}"]) == 0
    assert '<a href="../../one/report.html">' in (tmp_path / "new/page/report.html").read_text()


def test_one_run_by_its_folder_is_its_own_report(runs, capsys) -> None:
    assert command_line.main(["glo-tf", "--mode=report", str(runs[1])]) == 0
    assert capsys.readouterr().out == f"{runs[1] / 'report.html'}\n"


def test_pages_of_several_runs_overwrite_no_run(runs, tmp_path) -> None:
    with pytest.raises(ValueError, match="Expected a folder for the page of several runs"):
        write_overview(runs, runs[0])
    with pytest.raises(ValueError, match="Expected the folders of several runs, each once"):
        write_overview([runs[0], runs[0]])
    with pytest.raises(ValueError, match=r"Expected the folder of a run\. Received: '.*absent'"):
        write_overview([runs[0], tmp_path / "absent"])
    (tmp_path / "report.html").write_text("a user's")
    with pytest.raises(ValueError, match="Expected no file of others"):
        write_overview(runs)


def test_a_comparisons_page_says_by_which_command_it_was_made(runs) -> None:
    (runs[0] / "report.html").unlink()
    command_line.main(["glo-tf", "--mode=report", str(runs[0])])
    text = (runs[0] / "report.html").read_text(encoding="utf-8")
    assert "<code>glo-tf --mode=compare &#39;--dataset=a b&#39;</code>" in text
    assert f"<code>glo-tf --flagfile={runs[0] / 'compare.flags'}</code>" in text


def test_wins_ties_and_losses_are_a_table(tmp_path) -> None:
    document = example_comparison.document()
    worse = {**document["tests"][0], "loss": "<b>$odd$</b> & loss", "difference": -0.02}
    example_comparison.write(tmp_path, tests=[*document["tests"], worse])
    command_line.main(["glo-tf", "--mode=report", str(tmp_path)])
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<span class="outcome win">win</span> <span class="number">+0.0400</span>' in text
    assert '<span class="outcome loss">loss</span> <span class="number">-0.0200</span>' in text
    assert "<td>2 won</td>" in text
    assert json.loads((tmp_path / "comparison.json").read_text())["verdict"] in text.replace(
        "&lt;", "<"
    ).replace("&gt;", ">")
