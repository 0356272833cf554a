"""The report: made from a run's folder alone, and one page that is safe to open anywhere."""

import html.parser
import json
import logging
import re
import shutil
import sqlite3
import xml.etree.ElementTree as ElementTree

import example_comparison
import keras
import pytest
from digits_search import make_search
from processes import wait_for

import glo_tf
from glo_tf.cli import main as command_line
from glo_tf.execution import study_tables
from glo_tf.execution.study_file import transaction
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.report import write_report
from glo_tf.report.inline import formula

pytestmark = pytest.mark.usefixtures("made_figures")

HOSTILE = "</code><script>alert(1)</script><img src=x onerror=alert(2)>"


class Page(html.parser.HTMLParser):
    """The elements of a page, and its text by section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = text
        self.feed(text)

    def handle_starttag(self, tag, attributes) -> None:
        self.elements.append((tag, dict(attributes)))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def page_of(folder, **options) -> Page:
    return Page(write_report(folder, **options).read_text(encoding="utf-8"))


class Reader(glo_tf.Callback):
    """Keeps the page of a search that runs, as it is after its generations."""

    def __init__(self, path) -> None:
        self.path, self.text = path, ""

    def on_retraining(self, stage, evaluation) -> None:
        if stage == "confirmation" and not self.text:
            wait_for(lambda: "coefficients 2/2" in self.path.read_text(encoding="utf-8"))
            self.text = self.path.read_text(encoding="utf-8")


reader = Reader(None)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits & more"
    reader.path = folder / "report.html"
    return folder, make_search(folder, callbacks=[reader]).run()


@pytest.fixture
def folder(searched, tmp_path):
    """A copy of the search's folder, to be changed."""
    return shutil.copytree(searched[0], tmp_path / "run")


def rewrite_study(folder, table: str, where: str = "1", **columns: str) -> None:
    """Gives columns of rows other values, with the checksums that belong to them."""
    connection = sqlite3.connect(folder / "study.db", isolation_level=None)
    found = connection.execute(f"SELECT * FROM {table} WHERE {where}")
    names = [name for name, *_ in found.description][:-1]
    rows = [dict(zip(names, study_tables.checked(table, row), strict=True)) for row in found]
    with transaction(connection):
        study_tables.delete(connection, table, where, ())
        for row in rows:
            study_tables.insert(connection, table, tuple({**row, **columns}.values()))
    connection.close()


@pytest.mark.slow
def test_a_search_writes_its_report_at_its_end(searched) -> None:
    folder, result = searched
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    sections = [section["id"] for section in page.all("section")]
    assert sections == ["better", "found", "why", "use", "asked", "search", "environment"]
    assert str(result.best.loss) in html.unescape(page.text)
    assert len(result.comparison) == 3
    for row in result.comparison:
        assert f'<td class="number">{row.mean:.4f}</td>' in page.text
    assert html.escape(result.comparison.verdict, quote=False) in page.text
    for test in result.comparison.tests:
        assert f'<td class="number">{test.difference:+.4f}</td>' in page.text
    for source, count in result.counts.items():
        assert f'<th scope="row">{source}</th><td class="number">{count}</td>' in page.text
    assert {
        "figure-tree",
        "figure-surface",
        "figure-curves",
        "figure-fitness",
        "figure-pareto",
    } <= {figure["id"] for figure in page.all("figure")}
    assert "figure-coefficients" in page.values("id")
    assert "planned end" not in page.text
    assert result.hall_of_fame_table
    for fame in result.hall_of_fame_table:
        assert (
            f'<tr><td class="number">{fame["fitness"]:.4f}</td>'
            f'<td class="number">{fame["size"]}</td>'
            f'<td class="number">{fame["learning_rate"]:.4g}</td>'
            f"<td><code>{html.escape(fame['loss'])}</code></td></tr>"
        ) in page.text
    assert "A loss for digits &amp; more" in page.text
    assert keras.__version__ in page.text


def test_a_page_needs_no_network_and_holds_together(searched, tmp_path, drawn_figures) -> None:
    folder = shutil.copytree(searched[0], tmp_path / "both")
    example_comparison.write(folder)
    page = page_of(folder, figures=False)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = [*page.values("href"), *page.values("xlink:href"), *page.values("src")]
    assert all(link.startswith(("#", "data:,")) for link in links)
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page.text)) <= set(ids)
    assert set(re.findall(r"https?://[^\"< ]+", page.text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    labels = {label for names in page.values("aria-labelledby") for label in names.split()}
    assert labels <= set(ids)
    pictures = page.all("svg")
    assert len(pictures) == len(page.all("figure")) >= 11
    assert all(picture["role"] == "img" for picture in pictures)
    # Colours of text and lines follow the theme; #000000 would not be seen on a dark page.
    assert not re.search(r"(stroke|fill): #(000000|ffffff)", page.text)


def test_rate_curves_are_a_figure_where_rates_were_tuned(tmp_path) -> None:
    curve = {
        "name": "baikal",
        "train_fraction": 1.0,
        "learning_rates": [0.01, 0.5],
        "fitnesses": [0.8, 0.9],
        "learning_rate": 0.5,
    }
    example_comparison.write(tmp_path)
    assert "figure-comparison_rates" not in page_of(tmp_path, figures=False).values("id")
    example_comparison.write(tmp_path, rate_curves=[curve])
    page = page_of(tmp_path, figures=False)
    assert "figure-comparison_rates" in page.values("id")
    assert "Chosen: baikal 0.5." in page.text


def test_tests_stand_under_what_they_are_against(tmp_path) -> None:
    tests = example_comparison.document()["tests"]
    others = [{**test, "baseline": "base", "baseline_tuned": True} for test in tests[:1]]
    example_comparison.write(tmp_path, tests=[*others, *tests], verdict="One.\nTwo.")
    text = page_of(tmp_path, figures=False).text
    first, second = re.findall(r'aria-label="Tests against .*?</table>', text, re.DOTALL)
    assert first.startswith('aria-label="Tests against base, tuned learning rate"')
    assert (first.count('scope="row"'), second.count('scope="row"')) == (1, len(tests))
    assert '<td class="number">+0.0400</td>' in first  # as many digits as its neighbours
    assert '<p class="verdict">One.\nTwo.</p>' in text


def test_a_formula_is_mathml_with_rounded_numbers(searched) -> None:
    assert page_of(searched[0], figures=False).all("math")
    for text in ("-2.72791*(log(1.53522*y) - x/y)", "max(x, y)/0", "plog(x) + aq(x, psqrt(y))"):
        # The entities' names are HTML's.
        tree = ElementTree.fromstring(html.unescape(str(formula(ExpressionLoss(text)))))
        numbers = [element.text for element in tree.iter("mn")]
        assert all(len(number) <= 6 for number in numbers)
    assert "2.728" in formula(ExpressionLoss("-2.72791*x/y"))


def test_what_files_hold_is_shown_as_text(folder) -> None:
    loss = folder / "best_loss.json"
    document = json.loads(loss.read_text())
    for place, row in enumerate(document["metadata"]["comparison"]["losses"]):
        row["name"] = f"{HOSTILE} $x$ {place}"
    loss.write_text(json.dumps(document))
    rewrite_study(folder, "evaluations", worker=HOSTILE, reason=HOSTILE)
    example_comparison.write(folder, verdict=HOSTILE, baseline=HOSTILE)
    page = page_of(folder, figures=False)
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert page.text.count("&lt;script&gt;alert(1)") > 8


def test_a_killed_search_has_a_report_that_says_so(folder) -> None:
    (folder / "best_loss.json").unlink()
    rows = (folder / "history.csv").read_text().splitlines(keepends=True)
    (folder / "history.csv").write_text("".join(row for row in rows if "discovery,2" not in row))
    page = page_of(folder, figures=False)
    assert "it ended before the comparison" in page.text
    assert "The fittest candidate so far" in page.text
    assert "use" not in page.values("id")
    (folder / "history.csv").unlink()
    assert "no generation was finished" in page_of(folder, figures=False).text


def test_a_search_that_runs_has_a_page_which_its_report_replaces(searched) -> None:
    assert "This search runs." in reader.text
    assert "data-written=" in reader.text
    assert "<dt>trainings finished</dt>" in reader.text
    report = (searched[0] / "report.html").read_text(encoding="utf-8")
    assert "data-written=" not in report
    assert "This search" not in report


@pytest.mark.slow
def test_figures_are_also_files(folder, drawn_figures) -> None:
    page = page_of(folder)
    names = {figure["id"].removeprefix("figure-") for figure in page.all("figure")}
    assert {path.name for path in (folder / "figures").iterdir()} == {
        f"{name}.{kind}" for name in names for kind in ("png", "svg")
    }


def test_code_for_the_loss_runs(searched) -> None:
    folder, result = searched
    text = (folder / "report.html").read_text(encoding="utf-8")
    code = html.unescape(re.search(r'<pre id="code"[^>]*><code>(.*?)</code>', text, re.DOTALL)[1])
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    names = {"model": model, "optimizer": "sgd", "metrics": ["accuracy"]}
    exec(code, names)
    assert names["loss"].tree == result.best_loss.tree
    assert model.loss is names["loss"]


def test_an_error_is_small_and_the_page_says_so(folder) -> None:
    for name, value in (("name", "mean_absolute_error"), ("mode", "min")):
        rewrite_study(folder, "settings", f"name='task.metric.{name}'", value=json.dumps(value))
    saved = glo_tf.load_loss(folder / "best_loss.json")
    metadata = json.loads((folder / "best_loss.json").read_text())["metadata"]
    comparison = metadata["comparison"]
    comparison |= {"metric": "mean_absolute_error", "mode": "min", "verdict": "Better by 0.75."}
    for row, error in zip(comparison["losses"], (0.25, 1.0, 1.5), strict=True):
        row |= {"metric": comparison["metric"], "mean": error, "interval": [error, error]}
        row["values"] = {"validation": {comparison["metric"]: [[error], [error]]}}
    metadata["values"] = {"mean_absolute_error": 0.31416, "other": None}
    regression = ExpressionLoss(saved.tree, epsilon=None)
    glo_tf.save_loss(regression, folder / "best_loss.json", metadata=metadata)
    page = page_of(folder, figures=False)
    assert "0.2500 ± 0.0000" in page.text
    assert "validation mean_absolute_error, in the search</dt><dd>0.3142<" in page.text
    assert '<p class="verdict">Better by 0.75.</p>' in page.text
    assert "Validation mean_absolute_error after" in page.text
    assert "epsilon=None" in page.text


@pytest.mark.parametrize("values", [[0.5], 1, "text", {"accuracy": "0.5"}, {"accuracy": True}])
def test_values_that_no_search_writes_are_refused_in_one_line(folder, capsys, values) -> None:
    saved = glo_tf.load_loss(folder / "best_loss.json")
    glo_tf.save_loss(saved, folder / "best_loss.json", metadata={"values": values})
    assert command_line.main(["glo-tf", "--mode=report", f"--output_dir={folder}"]) == 2
    error = capsys.readouterr().err
    assert "Expected 'values' as numbers by their names" in error
    assert f"in '{folder / 'best_loss.json'}'" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "changes",
    [{"size": -1}, {"fitness": "0.5"}, {"learning_rate": True}, {"loss": None}, {"further": 1}],
    ids=str,
)
def test_a_hall_of_fame_that_no_search_writes_is_refused(folder, changes) -> None:
    path = folder / "best_loss.json"
    row = json.loads(path.read_text())["metadata"]["hall_of_fame"][0] | changes
    glo_tf.save_loss(glo_tf.load_loss(path), path, metadata={"hall_of_fame": [row]})
    with pytest.raises(ValueError, match="Expected 'hall_of_fame' as rows of size, fit") as error:
        write_report(folder)
    assert f"in '{path}'" in str(error.value)


def test_what_an_earlier_version_wrote_of_a_search_is_refused_in_one_line(folder, capsys) -> None:
    saved = glo_tf.load_loss(folder / "best_loss.json")
    row = {"name": "best loss", "loss": "-(x*log(y))", "learning_rate": None, "seeds": [1]}
    row |= {"fitnesses": [0.5], "mean": 0.5}
    for metadata in ({"comparison": [row]}, {"confirmation": [row], "comparison": []}):
        glo_tf.save_loss(saved, folder / "best_loss.json", metadata=metadata)
        assert command_line.main(["glo-tf", "--mode=report", f"--output_dir={folder}"]) == 2
        error = capsys.readouterr().err
        assert "Expected confirmation and comparison as a search of this version" in error
        assert f"Received: '{folder / 'best_loss.json'}'" in error
        assert error.count("\n") == 1


def test_a_comparison_has_a_report_of_its_own(tmp_path, capsys, drawn_figures) -> None:
    example_comparison.write(tmp_path)
    assert command_line.main(["glo-tf", "--mode=report", f"--output_dir={tmp_path}"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'report.html'}\n"
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert [section["id"] for section in page.all("section")] == ["comparison", "environment"]
    assert "Baikal is better than &lt;cross-entropy&gt;." in page.text
    assert "calibration error" in page.text
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == {
        "comparison_accuracy",
        "comparison_curves",
        "comparison_sizes",
    }


@pytest.mark.parametrize("name", [None, "study.db", "comparison.json"])
def test_a_folder_without_a_run_is_one_line(tmp_path, capsys, name) -> None:
    if name:
        (tmp_path / name).write_text("something else")
    assert command_line.main(["glo-tf", "--mode=report", f"--output_dir={tmp_path}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("glo-tf: error: Expected ")
    assert str(tmp_path) in error
    assert error.count("\n") == 1
    assert not (tmp_path / "report.html").exists()


def test_a_report_that_fails_does_not_fail_the_search(tmp_path, caplog) -> None:
    small = {"generations": 1, "coefficient_expressions": 0, "finalists": 0, "comparison_seeds": 0}
    search = make_search(tmp_path, **small)
    (tmp_path / "report.html").mkdir()  # before, it would be refused
    with caplog.at_level(logging.WARNING, logger="glo_tf"):
        result = search.run()
    assert result.best is not None
    assert glo_tf.load_loss(tmp_path / "best_loss.json").tree == result.best.loss
    (message,) = [r.getMessage() for r in caplog.records if "No report" in r.getMessage()]
    assert "report.html', which is a folder" in message
    assert "\n" not in message
