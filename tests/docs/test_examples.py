"""The scripts in examples/, with fewer generations."""

import pathlib
import runpy
import sys
from types import SimpleNamespace

import pytest

import glo_tf
from glo_tf.losses.lookup import by_name

EXAMPLES = {
    path.stem: path for path in (pathlib.Path(__file__).parents[2] / "examples").glob("*.py")
}
SHORT = ("imbalanced_classes", "quantile_regression", "segmentation", "sequence_tagging")
"""Of under 60 lines, which differ in model, data and metric."""


def run(name, monkeypatch, capsys) -> list[str]:
    monkeypatch.setattr(sys, "argv", [name, "--generations=1", "--train_steps=40"])
    runpy.run_path(str(EXAMPLES[name]), run_name="__main__")
    return capsys.readouterr().out.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - set(SHORT)))
def test_an_example_runs_to_its_end(name, monkeypatch, capsys) -> None:
    lines = run(name, monkeypatch, capsys)
    assert [line.split(",")[0][-12:] for line in lines[-2:]] == ["on test data"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_a_short_example_searches_and_compares_on_test_data(name, monkeypatch, capsys) -> None:
    """One training in place of many; what the comparison is asked for is checked."""

    def searched(search, verbose="auto"):
        known = by_name(search.settings.reference_losses, search.task.outputs)
        (evaluation,) = search.evaluate([next(iter(known.values()))])
        assert evaluation.status == "ok"

        def compare(losses, test_data, seeds):
            comparison = glo_tf.LossComparison(
                search.task.model,
                search._arguments.train_data,
                search._arguments.validation_data,
                test_data,
                losses,
                train_steps=1,
                batch_size=8,
                metric=search._arguments.metric,
            )
            assert comparison.summary == search.task.summary
            return [SimpleNamespace(label=name, shown=str(evaluation.fitness)) for name in known]

        return SimpleNamespace(compare=compare)

    monkeypatch.setattr(glo_tf.LossSearch, "run", searched)
    assert len(EXAMPLES[name].read_text().splitlines()) < 60
    lines = run(name, monkeypatch, capsys)
    assert all(" on test data, " in line for line in lines)
    assert len(lines) >= 3
