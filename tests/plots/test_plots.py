"""Figures: what is drawn is what was given."""

import dataclasses
import itertools

import example_comparison
import matplotlib
import numpy as np
import pytest
from expression_strategies import expressions
from hypothesis import given
from hypothesis_examples import examples
from matplotlib.colors import to_hex

import glo_tf
from glo_tf import plots
from glo_tf.expressions.tree import Expression
from glo_tf.metrics.mode import Mode
from glo_tf.plots.tree import plot_tree
from glo_tf.results.comparison import Comparison
from glo_tf.results.rate_curve import RateCurve
from glo_tf.results.record import Record
from glo_tf.training.candidate import Candidate
from glo_tf.utils.style import DARK, LIGHT, SERIES

BAIKAL = Expression.parse("-(log(y) - x/y)")


def record(phase, generation, individual, loss, fitness, status="ok", source="trained") -> Record:
    tree = Expression.parse(loss) if isinstance(loss, str) else loss
    return Record(phase, generation, individual, Candidate(tree), fitness, status, source, steps=10)


RECORDS = [
    record("discovery", 1, 1, "x*y", 0.2),
    record("discovery", 1, 2, "log(y)*x", 0.5),
    record("discovery", 1, 3, "x", 0.0, "untrained", "untrained"),
    record("discovery", 2, 1, "x*y", 0.2, source="cached"),
    record("discovery", 2, 2, "x*y", 0.2, source="cached"),
    record("discovery", 2, 3, "log(y)*x*x", 0.4),
    record("coefficients", 1, 1, BAIKAL, 0.6),
    record("coefficients", 1, 2, BAIKAL.with_coefficients([3.0] * 6), 0.5),
    record("coefficients", 2, 1, BAIKAL.with_coefficients([2.0] * 6), 0.7),
    record("coefficients", 2, 2, BAIKAL.with_coefficients([2.0] * 6), 0.7),
]


def line(axes, label: str) -> list[float]:
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found.get_ydata().tolist()


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    return Comparison.load(example_comparison.write(tmp_path_factory.mktemp("comparison")))


def test_the_surface_is_that_of_two_classes() -> None:
    (axes,) = plots.plot_surface(BAIKAL).axes
    (surface,) = axes.collections
    corners = np.concatenate([face[:, :3] for face in surface._faces])
    x, y, height = corners.T
    assert (x.min(), x.max()) == (0.0, 1.0)
    assert height.min() == pytest.approx(0.0, abs=1e-9)
    assert height.max() == pytest.approx(8.0)  # its end
    # The picture is the same when the classes change places: Baikal's is not flat.
    at = {(round(a, 6), round(b, 6)): h for a, b, h in zip(x, y, height, strict=True)}
    mirrored = [(h, at[round(1 - a, 6), round(1 - b, 6)]) for (a, b), h in at.items()]
    np.testing.assert_allclose(*zip(*mirrored, strict=True), atol=1e-9)
    # The label's own prediction: least at 1/sqrt(2) of two classes.
    own = {b: h for (a, b), h in at.items() if a == 1.0}
    assert min(own, key=own.get) == pytest.approx(2**-0.5, abs=0.05)


@pytest.mark.parametrize("plot", [plots.plot_loss, plots.plot_surface, plots.plot_tree])
def test_losses_are_drawn_as_keras_losses_or_trees(plot) -> None:
    drawn, of_tree = plot(glo_tf.ExpressionLoss(BAIKAL)), plot(BAIKAL)
    for ours, theirs in zip(drawn.axes, of_tree.axes, strict=True):
        assert len(ours.lines) == len(theirs.lines)
        for line, other in zip(ours.lines, theirs.lines, strict=True):
            np.testing.assert_array_equal(line.get_data(), other.get_data())
    for wrong in ("-(x*log(y))", glo_tf.Vanern([1, 2])):
        with pytest.raises(
            TypeError, match=r"glo_tf\.ExpressionLoss, such as .* Received: .*(log|Vanern)"
        ):
            plot(wrong)


def test_the_surface_of_a_regression_is_its_term() -> None:
    (axes,) = plots.plot_surface(glo_tf.ExpressionLoss("square(x - y)", epsilon=None)).axes
    corners = np.concatenate([face[:, :3] for face in axes.collections[0]._faces])
    x, y, height = corners.T
    assert x.min() == y.min() == -2.0
    np.testing.assert_allclose(height, np.minimum((x - y) ** 2, 8.0), atol=1e-9)
    assert axes.get_xlabel() == "target x"


@pytest.mark.parametrize(("text", "share"), [("x*y", 1.0), ("sqrt(square(y - 0.5) - 0.04)", 0.5)])
def test_faces_of_a_surface_have_four_corners_or_are_holes(text, share) -> None:
    (axes,) = plots.plot_surface(Expression.parse(text)).axes
    (surface,) = axes.collections
    assert surface._faces.shape[1:] == (4, 3)
    assert np.isfinite(surface._faces).all()
    assert len(surface._faces) == pytest.approx(share * 32**2, rel=0.4 * (share < 1.0))


@pytest.mark.parametrize("text", ["1", "log(x)/y", "sqrt(-1 - x)/y", "1/0"])
def test_surfaces_and_trees_of_odd_losses_are_drawn(tmp_path, text) -> None:
    for figure in (plots.plot_surface(Expression.parse(text)), plot_tree(Expression.parse(text))):
        png, svg = plots.save(figure, tmp_path / "odd")
        assert png.read_bytes().startswith(b"\x89PNG")
        assert "<svg" in svg.read_text()


def test_binary_losses_stand_beside_cross_entropy() -> None:
    (axes,) = plots.plot_binary_losses({"B": glo_tf.Baikal(), "$a$": glo_tf.NGL()}).axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["cross-entropy", "B", r"\$a\$"]
    usual, baikal, _ = axes.lines
    assert (np.diff(usual.get_ydata()) < 0).all()
    least = baikal.get_xdata()[np.argmin(baikal.get_ydata())]
    assert least == pytest.approx(2**-0.5, abs=1e-3)
    with pytest.raises(ValueError, match=r"Expected losses of classes.*Received: mse"):
        plots.plot_binary_losses({"mse": glo_tf.ExpressionLoss("x - y", epsilon=None)})


def test_fitness_is_the_best_so_far_and_the_mean() -> None:
    (axes,) = plots.plot_fitness(RECORDS, "validation accuracy").axes
    assert line(axes, "best so far") == [0.5, 0.5, 0.6, 0.7]
    assert line(axes, "mean of the generation") == pytest.approx([0.7 / 3, 0.8 / 3, 0.55, 0.7])
    assert axes.get_ylabel() == "validation accuracy"
    assert " CMA-ES" in [text.get_text() for text in axes.texts]


def test_size_and_diversity_are_counted() -> None:
    (axes,) = plots.plot_size(RECORDS).axes
    assert line(axes, "mean") == pytest.approx([8 / 3, 4.0, 6.0, 6.0])
    assert line(axes, "fittest") == [4, 6, 6, 6]
    (axes,) = plots.plot_diversity(RECORDS).axes
    assert line(axes, "all") == [3, 3, 2, 2]
    assert line(axes, "different losses") == [3, 2, 2, 1]
    assert line(axes, "trained to the end") == [2, 1, 2, 2]


def test_the_pareto_front_is_that_of_the_hall_of_fame() -> None:
    (axes,) = plots.plot_pareto(RECORDS).axes
    (front,) = axes.lines
    assert front.get_xydata().tolist() == [[3, 0.2], [4, 0.5], [6, 0.7]]
    dots = axes.collections[0].get_offsets().tolist()  # of those that were trained, once each
    assert dots == [[3, 0.2], [4, 0.5], [6, 0.4], [6, 0.5], [6, 0.6], [6, 0.7]]


def test_cma_es_converges_as_its_coefficients_do() -> None:
    upper, lower = plots.plot_coefficients(RECORDS * 2).axes
    assert line(upper, "best so far 1") == [0.6, 0.7] == line(upper, "best so far 2")
    ones = np.std([BAIKAL.coefficients, [3.0] * 6], axis=0).mean()
    assert lower.lines[0].get_ydata().tolist() == pytest.approx([ones, 0.0])
    with pytest.raises(ValueError, match="Expected candidates of the coefficient phase"):
        plots.plot_coefficients(RECORDS[:6])


@examples(25)
@given(expressions())
def test_a_tree_has_each_node_and_no_two_in_one_place(expression) -> None:
    (axes,) = plot_tree(expression).axes
    factors = [value for value in expression.coefficients if value != 1.0]
    assert len(axes.lines) == expression.size - 1
    assert len(axes.texts) == expression.size + len(factors)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    nodes = [text.get_position() for text in axes.texts if text.get_va() == "center"]
    assert len(set(nodes)) == expression.size
    assert all(left < x < right and bottom < y < top for x, y in nodes)
    for level in {y for _, y in nodes}:
        row = sorted(x for x, y in nodes if y == level)
        assert all(b - a > 0.49 for a, b in itertools.pairwise(row))


def test_means_have_their_intervals(comparison) -> None:
    (axes,) = plots.plot_accuracy(comparison).axes
    end = comparison.at(1.0)
    shown = [found.get_xdata() for found in axes.lines]
    assert [list(x) for x in shown[0::2]] == [list(entry.interval) for entry in end]
    assert [x[0] for x in shown[1::2]] == [entry.mean for entry in end]
    dots = [found.get_offsets()[:, 0].tolist() for found in axes.collections]
    assert dots == [entry.array("accuracy")[:, -1].tolist() for entry in end]
    assert axes.get_xlabel() == "test accuracy after 400 steps (95% interval)"


def test_training_curves_have_the_seeds_as_a_band(comparison) -> None:
    (axes,) = plots.plot_training_curves(comparison).axes
    for entry, curve, band in zip(comparison.at(1.0), axes.lines, axes.collections, strict=True):
        values = entry.array("accuracy")
        np.testing.assert_allclose(curve.get_ydata(), values.mean(axis=0))
        assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(values.max())


def test_a_tuned_learning_rate_is_another_line_of_the_same_colour(comparison) -> None:
    cross_entropy, baikal, _ = comparison.at(1.0)
    tuned = [
        dataclasses.replace(entry, tuned=True, learning_rate=rate)
        for entry, rate in ((cross_entropy, 0.1), (baikal, baikal.learning_rate))
    ]
    several = dataclasses.replace(comparison, losses=(*comparison.at(1.0), *tuned))
    figure = plots.plot_training_curves(several)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    # Baikal's own rate is the given one: the same trainings are drawn once.
    assert len(lines) == 4
    assert figure.legends == []
    given, own = (lines["cross-entropy" + ending] for ending in ("", ", tuned learning rate"))
    assert given.get_color() == own.get_color() != lines["baikal"].get_color()
    assert given.get_linestyle() != own.get_linestyle()
    losses = [
        dataclasses.replace(baikal, name=f"{scale}", expression=f"{scale}*x*y") for scale in "23456"
    ]
    figure = plots.plot_training_curves(dataclasses.replace(comparison, losses=tuple(losses)))
    assert len(figure.legends) == 1  # beside the curves


def test_train_sizes_have_a_line_for_each_loss(comparison) -> None:
    (axes,) = plots.plot_train_sizes(comparison).axes
    assert len(axes.containers) == 3
    means = [entry.mean for fraction in (0.1, 1.0) for entry in comparison.at(fraction)]
    shown = [container.lines[0].get_ydata().tolist() for container in axes.containers]
    assert shown == [means[place::3] for place in range(3)]


@pytest.mark.parametrize(
    ("mode", "measured"),
    [
        ("max", "validation accuracy"),
        ("min", "fitness, the larger the smaller validation accuracy"),
    ],
)
def test_rate_curves_have_a_log_axis_and_a_mark_at_what_was_chosen(
    comparison, mode, measured
) -> None:
    curves = [
        RateCurve(f"$loss$ {place}", fraction, (0.01, 0.1, 5.0), (0.5, 0.9, 0.0), 0.1)
        for fraction in (0.1, 1.0)
        for place in range(13)
    ]
    several = dataclasses.replace(comparison, mode=Mode(mode), rate_curves=tuple(curves))
    figure = plots.plot_rate_curves(several)
    (axes,), (legend,) = figure.axes, figure.legends
    assert (axes.get_xscale(), axes.get_ylabel()) == ("log", measured)
    lines, marks = axes.lines[::2], axes.lines[1::2]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 13
    for line, mark in zip(lines, marks, strict=True):
        assert line.get_xydata().tolist() == [[0.01, 0.5], [0.1, 0.9], [5.0, 0.0]]
        assert mark.get_xydata().tolist() == [[0.1, 0.9]]
        assert mark.get_color() == line.get_color()
    assert next(text.get_text() for text in legend.texts) == r"\$loss\$ 0: 0.9000 at 0.1"
    assert len(legend.texts) == 13


@pytest.mark.parametrize(
    ("rates", "labels"),
    [((0.04, 0.2, 0.8), ["0.05", "0.1", "0.2", "0.5"]), ((0.01, 20.0), ["0.01", "0.1", "1", "10"])],
)
def test_rates_of_a_narrow_range_have_ticks_between_powers_of_ten(
    comparison, rates, labels
) -> None:
    curve = RateCurve("baikal", 1.0, rates, (0.5,) * len(rates), rates[0])
    figure = plots.plot_rate_curves(dataclasses.replace(comparison, rate_curves=(curve,)))
    axis, (lowest, highest) = figure.axes[0].xaxis, figure.axes[0].get_xlim()
    figure.draw_without_rendering()
    ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    assert [t.get_text() for at, t in ticks if lowest <= at <= highest] == labels
    assert not any(label.get_text() for label in axis.get_minorticklabels())


def test_a_training_that_failed_is_a_gap(tmp_path) -> None:
    document = example_comparison.document()
    for entry in document["losses"][3:5]:
        entry["values"]["test"]["accuracy"] = [[None] * 4] * 3
        entry |= {"mean": None, "interval": None}
    comparison = Comparison.load(example_comparison.write(tmp_path, losses=document["losses"]))
    figures = [
        draw(comparison)
        for draw in (plots.plot_accuracy, plots.plot_training_curves, plots.plot_train_sizes)
    ]
    (means,), (curves,), (sizes,) = (figure.axes for figure in figures)
    assert len([line for line in means.lines if line.get_marker() == "D"]) == 1
    *failed, fine = [np.array(line.get_ydata(), float) for line in curves.lines]
    assert len(failed) == 2
    assert np.isnan(failed).all()
    assert np.isfinite(fine).all()
    assert [len(bars[0].get_xdata()) for bars in sizes.containers] == [1, 1, 2]
    for figure in figures:
        plots.save(figure, tmp_path / "gap")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "Expected a file with format 'glo_tf.comparison'"),
        ({"version": 3}, "Expected version 1 or 2. Received: version=3"),
        ({"steps": "many"}, "Expected a list 'steps' of integers"),
        ({"losses": []}, "Expected steps and losses"),
        ({"metric": "recall"}, "Expected each loss to be compared by recall, test. Received: "),
        ({"steps": [1, 2]}, "Expected 'accuracy' of 3 seeds and 2 steps"),
        ({"confidence": True}, "Expected a finite number 'confidence'"),
        ({"tests": [1]}, "Expected a list 'tests' of objects"),
        ({"verdict": None}, "Expected a text 'verdict'"),
    ],
)
def test_another_comparison_file_is_refused(tmp_path, change, message) -> None:
    with pytest.raises(ValueError, match=message):
        Comparison.load(example_comparison.write(tmp_path, **change))


def test_a_figure_is_the_same_file_each_time_and_changes_nothing_global(tmp_path) -> None:
    before = dict(matplotlib.rcParams)
    first, second = (
        [path.read_bytes() for path in plots.save(plots.plot_pareto(RECORDS), tmp_path / name)]
        for name in ("one", "two")
    )
    assert first == second
    assert dict(matplotlib.rcParams) == before


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_have_the_contrast_of_wcag_aa(palette) -> None:
    assert palette.keys() == LIGHT.keys()
    assert len({to_hex(color) for color in palette.values()}) == len(palette)
    for text in ("ink", "muted", "blue"):
        assert contrast(palette[text], palette["page"]) >= 4.5
    for series in (*SERIES, "grey"):
        assert contrast(palette[series], palette["page"]) >= 3.0
