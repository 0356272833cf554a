"""Writes `docs/gallery.md` and its pictures from the losses themselves.

    python docs/make_gallery.py

Numbers are computed from the losses, or read from `docs/results/known_losses.json`, which
`benchmarks/known_losses.py` writes, and `docs/results/agreement.json`, which
`docs/make_agreement.py` writes. A picture is left alone where the text that it belongs to has
not changed, since matplotlib's output differs from version to version.
"""

from __future__ import annotations

import inspect
import json
import pathlib
import sys
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import glo_tf
from glo_tf.data.outputs import Activation
from glo_tf.expressions.leaves import Surroundings
from glo_tf.expressions.value import value_of
from glo_tf.utils.style import LIGHT, style

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER))

from gallery_losses import GROUPS, LOSSES, Entry  # noqa: E402 (beside this file)

FIGURES = FOLDER / "results" / "known_losses.json"
AGREEMENT = FOLDER / "results" / "agreement.json"
FREQUENCIES = tuple(np.round(100 * 20.0 ** (-np.arange(10) / 9), 1).tolist())
SETTINGS = {
    "clean": "clean labels",
    "few": "50 labels",
    "noise": "40 % wrong labels",
    "tail": "a long tail",
}


MODEL = """import keras
import glo_tf

inputs = keras.Input((64,))
model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(inputs))
labels = keras.Model(inputs, keras.layers.Dense(10, activation="sigmoid")(inputs))
numbers = keras.Model(inputs, keras.layers.Dense(1)(inputs))
frequencies = {frequencies}
"""


def made(entry: Entry, **settings: Any) -> Any:
    """The loss with its defaults."""
    frequencies = (FREQUENCIES,) if entry.frequencies else ()
    return entry.kind(*frequencies, **settings)


def is_of(entry: Entry, kind: Activation) -> bool:
    """Whether it is a loss of such outputs alone."""
    return [*entry.kind.FITS] == [kind]


def value(loss: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The loss of samples, in NumPy, float64; no clipping."""
    x = x * (1.0 - loss.label_smoothing) + loss.label_smoothing / x.shape[-1]
    with np.errstate(all="ignore"):
        if isinstance(loss, glo_tf.AllClassesLoss):
            return np.asarray(loss.formula(np, x, y, np.log(y)))
        around = Surroundings(classes=y.shape[-1])
        terms = value_of(loss.tree, x, y, ops=np, surroundings=around)
        terms = np.broadcast_to(terms, y.shape)
        return np.asarray(terms.sum(-1) if loss.class_reduction == "sum" else terms.mean(-1))


def shared(y: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions of the last class, the others sharing the rest equally."""
    others = np.repeat((1.0 - y[:, None]) / (classes - 1), classes - 1, axis=1)
    x = np.zeros((len(y), classes))
    x[:, -1] = 1.0
    return x, np.concatenate([others, y[:, None]], axis=1)


def minimum(loss: Any, classes: int) -> float:
    """The true class's prediction at the least loss, the other classes sharing the rest equally."""
    low, high = 0.0, 1.0
    for _ in range(4):  # ever finer
        y = np.linspace(low, high, 201)[1:-1]
        place = int(value(loss, *shared(y, classes)).argmin())
        if place == len(y) - 1 and high == 1.0:
            low = y[place - 1]
        else:
            low, high = y[max(place - 1, 0)], y[min(place + 1, len(y) - 1)]
    return float(y[place])


def against_usual(name: str) -> str:
    """What it gave on digits: points against cross-entropy, each at its own rate."""
    found = [
        f"{row['points']:+.1f} with {SETTINGS[row['setting']]} (p = {row['p']:.2g})"
        for row in json.loads(FIGURES.read_text(encoding="utf-8"))["rows"]
        if row["loss"] == name
    ]
    return ", ".join(found)


def agreement(name: str) -> str:
    """How far a class is from the formula of its paper, and by how many numbers that is known."""
    row = json.loads(AGREEMENT.read_text(encoding="utf-8"))["losses"][name]
    settings = f" at {row['settings']} settings of its parameters" if row["settings"] > 1 else ""
    return (
        f"{row['values']:,} values and {row['slopes']:,} slopes{settings}; they differ by at most "
        f"{row['value']:.1g} and {row['slope']:.1g}"
    )


def compared() -> int:
    """How many values and slopes of all losses together are compared."""
    losses = json.loads(AGREEMENT.read_text(encoding="utf-8"))["losses"]
    return sum(row["values"] + row["slopes"] for row in losses.values())


def table() -> str:
    """All losses in all settings, and which are better than cross-entropy."""
    rows = json.loads(FIGURES.read_text(encoding="utf-8"))["rows"]
    cells = {(row["loss"], row["setting"]): row for row in rows}
    names = dict.fromkeys(row["loss"] for row in rows)

    def better(row: dict[str, Any]) -> bool:
        return row["points"] > 0 and row["p"] < 0.05 / (len(names) - 1)

    def cell(name: str, setting: str) -> str:
        row = cells.get((name, setting))
        if row is None:
            return ""
        if name == "cross_entropy":
            return f"{row['accuracy']:.3f}"
        return f"**{row['points']:+.1f}**" if better(row) else f"{row['points']:+.1f}"

    lines = ["| loss | " + " | ".join(SETTINGS.values()) + " |", "|---|---|---|---|---|"]
    for name in names:
        lines.append(f"| {name} | " + " | ".join(cell(name, s) for s in SETTINGS) + " |")
    lines.append("")
    for setting, words in SETTINGS.items():
        found = [row for row in rows if row["setting"] == setting and better(row)]
        found.sort(key=lambda row: -row["points"])
        leaders = ", ".join(f"{row['loss']} {row['points']:+.1f}" for row in found) or "nothing"
        lines.append(f"- With {words}, clearly better than cross-entropy: {leaders}.")
    return "\n".join(lines) + "\n"


def section(entry: Entry) -> str:
    """A loss as Markdown."""
    kind, loss = entry.kind, made(entry)
    summary = inspect.getdoc(kind).partition("\n")[0]
    parts = [f"### {kind.__name__}\n", f"{summary}\n", f"$${entry.formula}$$\n"]
    if isinstance(loss, glo_tf.ExpressionLoss):
        simplified = f"; simplified: `{loss.simplified()}`" if kind.EVOLVED else ""
        parts.append(f"As an expression: `{loss.expression}`{simplified}\n")
    else:
        parts.append("No expression of one class, as it looks at all of them.\n")
    parts.append(f"![{kind.__name__}: value and slope](gallery/{kind.NAME}.png)\n")
    if entry.source:
        parts.append(f"- **Source:** {entry.source}.")
    for each in kind.PARAMETERS:
        parts.append(
            f"- **Parameter** `{each.name}`, in {each.range}; {each.default:g} by default."
        )
    if entry.frequencies:
        parts.append("- **Parameter** `frequencies` of the classes, positive numbers.")
    if is_of(entry, Activation.LINEAR):
        scale = f"{scale_of(entry, loss, 1):.3g} of standard normal targets"
    elif is_of(entry, Activation.SIGMOID):
        scale = f"{scale_of(entry, loss):.3g}"
    elif entry.frequencies:
        scale = f"{scale_of(entry, loss):.3g} with 10 classes, the last a twentieth of the first"
    else:
        minima = {classes: minimum(loss, classes) for classes in (2, 10, 100)}
        if min(minima.values()) < 0.9999:
            shown = ", ".join(f"{y:.4f} with {classes} classes" for classes, y in minima.items())
            parts.append(
                f"- **Minimum** (the true class's prediction, others sharing the rest): {shown}."
            )
        scale = ", ".join(
            f"{scale_of(entry, loss, classes):.3g} with {classes} classes"
            for classes in (2, 10, 100)
        )
    usual = "squared error" if is_of(entry, Activation.LINEAR) else "cross-entropy"
    parts.append(f"- **Gradient scale** (divide the learning rate of {usual} by it): {scale}.")
    parts.append(f"- **Agreement** with an independent formula: {agreement(kind.__name__)}.")
    _, use, avoid = LOSSES[kind.NAME]
    parts.append(f"- **Use it for:** {use}")
    parts.append(f"- **Not when:** {avoid}")
    if kind is not glo_tf.CrossEntropy and (figures := against_usual(kind.NAME)):
        parts.append(f"- **On digits**, points against cross-entropy: {figures}.")
    model = "numbers" if is_of(entry, Activation.LINEAR) else "model"
    model = "labels" if is_of(entry, Activation.SIGMOID) else model
    arguments = "frequencies" if entry.frequencies else ""
    code = f'{model}.compile(optimizer="sgd", loss=glo_tf.{kind.__name__}({arguments}))'
    parts.append(f"\n```python\n{code}\n```\n")
    return "\n".join(parts)


def page() -> str:
    """The gallery as Markdown."""
    parts = [
        "# Gallery of losses\n",
        "Made by `python docs/make_gallery.py`; x is the true label and y the prediction of one "
        "class, of C; sums are over the classes. Each is a class of `glo_tf`, and its name, with "
        "its parameters in parentheses, is one for `--losses=focal(gamma=1),gce` where it is an "
        'expression. Of labels of their own (`activation="sigmoid"`), each label is two classes.\n',
        "Pictures show the loss, in colour, beside the usual one, in grey, over its own minimum, "
        "and its slope divided by its gradient scale: of classes against the prediction of the "
        "true one of 10, the rarest, others sharing the rest, and the slope by its logit; of "
        "numbers against the error.\n",
        "Values and slopes of each loss agree with its formula, written a second time in NumPy "
        f"(`{json.loads(AGREEMENT.read_text(encoding='utf-8'))['command']}`: {compared():,} "
        "numbers, float64; a difference is relative to magnitudes above 1, and slopes are compared "
        "with central differences, whose own error that is, for the most part; powers of 1 - y are "
        "kept from zero by 1e-7). Each reason to use a loss, or not to, rests on what stands in "
        "parentheses.\n",
        "## Which one\n",
        f"`{json.loads(FIGURES.read_text(encoding='utf-8'))['command']}`: digits, an MLP of 64 "
        "units, 1,000 steps of SGD, every loss with its default parameters at its own learning "
        "rate, 10 paired seeds, each with a draw of its own of data and noise. Mean "
        "accuracy of the classes of cross-entropy, "
        "and points against it; bold where it is better, p < 0.05 after Bonferroni's correction.\n",
        table(),
        "The examples compile these models:\n",
        f"```python\n{MODEL.format(frequencies=list(FREQUENCIES))}```\n",
    ]
    for title, entries in GROUPS.items():
        parts.append(f"## {title}\n")
        parts += map(section, entries)
    return "\n".join(parts)


def picture(entry: Entry) -> Figure:
    """Value and slope, beside those of the usual loss."""
    numbers, labels = is_of(entry, Activation.LINEAR), is_of(entry, Activation.SIGMOID)
    usual: Any = glo_tf.CrossEntropy()
    if numbers:
        usual = glo_tf.SquaredError()
    elif labels:
        usual = glo_tf.ExpressionLoss("-(x*log(y) + (1 - x)*log(1 - y))")
    looks = {"color": LIGHT["grey"], "lw": 3.0, "alpha": 0.6}, {"color": LIGHT["blue"], "lw": 1.5}
    with style():
        figure = Figure(figsize=(8.0, 2.7), layout="constrained")
        left, right = figure.subplots(1, 2)
        for loss, look in zip((usual, made(entry)), looks, strict=True):
            for label, line in ((1.0, "-"), (0.0, "--")) if labels else ((1.0, "-"),):
                at, place, values = curve(entry, loss, label)
                left.plot(place, values - values.min(), ls=line, **look)
                slopes = np.gradient(values, at) / scale_of(entry, loss)
                right.plot(place, slopes, ls=line, **look)
        for axes, title in ((left, "Value over its minimum"), (right, "Slope over its scale")):
            axes.set(title=title, xlabel="error y - x" if numbers else "prediction y")
        left.set(ylim=(-0.2, 8.0))
        if numbers:
            right.set(ylim=(1.3 * slopes.min(), 1.3 * slopes.max()))
    return figure


def curve(entry: Entry, loss: Any, label: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits (or numbers), where they are drawn, and values there."""
    if is_of(entry, Activation.LINEAR):
        at = np.linspace(-6.0, 6.0, 601)
        return at, at, value(loss, np.zeros((601, 1)), at[:, None])
    if is_of(entry, Activation.SIGMOID):
        at = np.linspace(-6.0, 6.0, 601)
        y = 1.0 / (1.0 + np.exp(-at))
        return at, y, value(loss, np.full((601, 1), label), y[:, None])
    at = np.linspace(-4.0, 10.0, 601)
    y = np.exp(at) / (np.exp(at) + 9.0)
    return at, y, value(loss, *shared(y, 10))


def scale_of(entry: Entry, loss: Any, units: int = 10) -> float:
    """Its gradient scale, of as many classes or labels."""
    kind = next(
        (kind for kind in (Activation.LINEAR, Activation.SIGMOID) if is_of(entry, kind)),
        Activation.SOFTMAX,
    )
    return glo_tf.gradient_scale(loss, units, activation=kind)


def main() -> None:
    target = FOLDER / "gallery.md"
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    (FOLDER / "gallery").mkdir(exist_ok=True)
    for entry in (entry for entries in GROUPS.values() for entry in entries):
        path = FOLDER / "gallery" / f"{entry.kind.NAME}.png"
        if section(entry) not in before or not path.exists():
            picture(entry).savefig(path, dpi=80)
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
