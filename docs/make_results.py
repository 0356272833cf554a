"""Writes the tables in `docs/results/paper.md`, and its figures, from each `comparison.json`.

    python docs/make_results.py

Between `<!-- table NAME -->` and `<!-- end -->` stands the table of the comparison in the folder
NAME, after `<!-- steps NAME -->` one of all steps that were measured, after `<!-- pairs NAME -->`
one of the losses against each other, as in the paper: at the given learning rate. A figure is left
alone where its data is older, since matplotlib's output differs from version to version.
"""

from __future__ import annotations

import itertools
import pathlib
import re
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

import glo_tf
from glo_tf import plots
from glo_tf.data.split import Split
from glo_tf.results.comparison import Comparison
from glo_tf.results.loss_trainings import LossTrainings, with_interval
from glo_tf.utils.statistics import compare_means, correct_by_holm, interval_of_mean
from glo_tf.utils.style import as_files

PLOTS: dict[str, Callable[[Comparison], Figure]] = {
    "accuracy": plots.plot_accuracy,
    "curves": plots.plot_training_curves,
    "sizes": plots.plot_train_sizes,
}
FOLDER = pathlib.Path(__file__).parent / "results"
_PLACE = re.compile(r"(<!-- (table|steps|pairs) (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """The page with all tables made anew."""
    makers = {"table": end_table, "steps": steps_table, "pairs": pairs_table}

    def table(match: re.Match[str]) -> str:
        comparison = Comparison.load(FOLDER / match[3] / "comparison.json")
        return f"{match[1]}\n{makers[match[2]](comparison)}\n{match[4]}"

    return _PLACE.sub(table, text)


def end_table(comparison: Comparison) -> str:
    """Every loss at the last step: test and validation data, tests, calibration."""
    several = len(comparison.train_fractions) > 1
    head = ["data"] if several else []
    head += ["loss", "rate", f"test {comparison.metric}", f"validation {comparison.metric}"]
    head += [f"against {comparison.baseline_label}", "p, corrected", "NLL", "ECE"]
    rows = []
    for entry in comparison.losses:
        test = comparison.test_of(entry)
        rows.append(
            [
                *([f"{100 * entry.train_fraction:g}%"] if several else []),
                entry.label,
                f"{entry.learning_rate:g}",
                *(
                    _at_end(entry, comparison.metric, split)
                    for split in (Split.TEST, Split.VALIDATION)
                ),
                "" if test is None else _difference(test.difference, test.interval),
                "" if test is None or test.p_value is None else f"{test.p_value_corrected:.2g}",
                *(_at_end(entry, name, Split.TEST).partition(" ±")[0] for name in ("nll", "ece")),
            ]
        )
    return _table(head, rows)


def steps_table(comparison: Comparison) -> str:
    """Every loss on test data at every step."""
    rows = []
    for entry in comparison.at(comparison.train_fractions[-1]):
        values = entry.array()
        cells = [
            "a training failed"
            if np.isnan(of_step).any()
            else with_interval(float(of_step.mean()), interval_of_mean(list(of_step)))
            for of_step in values.T
        ]
        rows.append([entry.label, f"{entry.learning_rate:g}", *cells])
    return _table(["loss", "rate", *(f"{step:,} steps" for step in comparison.steps)], rows)


def pairs_table(comparison: Comparison) -> str:
    """Welch's t-test of each loss against each other, at the given learning rate."""
    given = [
        entry
        for entry in comparison.at(comparison.train_fractions[-1])
        if not entry.tuned and not entry.failed
    ]
    found = [
        (one, other, compare_means(one.last(), other.last()))
        for other, one in itertools.combinations(given, 2)
    ]
    corrected = correct_by_holm([difference.p_value for _, _, difference in found])
    rows = [
        [
            f"{one.name} against {other.name}",
            _difference(difference.difference, difference.interval),
            *("" if p is None else f"{p:.2g}" for p in (difference.p_value, p_corrected)),
            "" if difference.effect_size is None else f"{difference.effect_size:.1f}",
        ]
        for (one, other, difference), p_corrected in zip(found, corrected, strict=True)
    ]
    return _table(["", f"test {comparison.metric}", "p", "p, corrected", "Hedges' g"], rows)


def _at_end(entry: LossTrainings, name: str, split: Split) -> str:
    found = entry.at_end(name, split)
    return f"{entry.failed} failed" if found is None else with_interval(*found)


def _difference(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return ""
    return f"{value:+.4f}" + (
        "" if interval is None else f" ({interval[0]:+.4f} to {interval[1]:+.4f})"
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def shown(text: str) -> dict[pathlib.Path, Callable[[], Figure]]:
    """The figures that the page shows, and what draws each."""
    found: dict[pathlib.Path, Callable[[], Figure]] = {}
    for folder, name in re.findall(r"\]\((\w+)/(\w+)\.png\)", text):
        data = FOLDER / folder / "comparison.json"
        found[data.with_name(f"{name}.png")] = lambda data=data, name=name: PLOTS[name](
            Comparison.load(data)
        )
    losses = {"Baikal": glo_tf.Baikal(), "BaikalCMA": glo_tf.BaikalCMA()}
    losses["found here"] = glo_tf.load_loss(FOLDER / "mnist_quick_screened" / "best_loss.json")
    found[FOLDER / "binary_losses.png"] = lambda: plots.plot_binary_losses(losses)
    found[FOLDER / "surface_baikal.png"] = lambda: plots.plot_surface(losses["Baikal"])
    return found


def is_current(picture: pathlib.Path) -> bool:
    """Whether a figure is there, and not older than its data."""
    data = picture.with_name("comparison.json")
    return picture.exists() and (
        not data.exists() or picture.stat().st_mtime >= data.stat().st_mtime
    )


def main() -> None:
    target = FOLDER / "paper.md"
    text = target.read_text(encoding="utf-8")
    for picture, draw in shown(text).items():
        if not is_current(picture):
            picture.write_bytes(as_files(draw())[0])
    target.write_text(page(text), encoding="utf-8")


if __name__ == "__main__":
    main()
