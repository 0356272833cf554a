"""Writes `docs/gallery.md` and its pictures from the losses themselves.

    python docs/make_gallery.py

A picture is left alone where the text that it belongs to has not changed, since matplotlib's output
differs from version to version.
"""

from __future__ import annotations

import inspect
import pathlib

import numpy as np

import glo_tf
from glo_tf.losses.expression_loss import ExpressionLoss

FOLDER = pathlib.Path(__file__).parent
LOSSES: dict[str, tuple[type[glo_tf.NamedLoss], str, str]] = {
    "baikal": (
        glo_tf.Baikal,
        "A quick training, few samples, or a network that overfits by becoming too sure: the loss "
        "rises again near the true label, which regularises.",
        "You need probabilities to act on. Its outputs are under-confident on purpose and not "
        "calibrated; only their order counts. Its slope grows as 1/y² for a true class of small "
        "probability: at a high learning rate it diverges before cross-entropy does.",
    ),
    "baikal_cma": (
        glo_tf.BaikalCMA,
        "As Baikal, with larger steps at the same learning rate: the paper's best on MNIST at a "
        "learning rate of 0.01.",
        "As Baikal. Its scale is about five times Baikal's: tune the learning rate down (on MNIST "
        "it diverges at 0.05, where cross-entropy and Baikal train).",
    ),
    "ngl": (
        glo_tf.NGL,
        "Labels of which some are wrong: its slopes are bounded, so one sample cannot dominate a "
        "batch.",
        "You need probabilities to act on, or have many classes at a small learning rate: its "
        "terms are averaged over the classes, so its slopes shrink as their number grows.",
    ),
}

MODEL = """import keras
import glo_tf

inputs = keras.Input((64,))
model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(inputs))
"""


def minimum(loss: ExpressionLoss, classes: int) -> float:
    """The true class's prediction at the least loss, the other classes sharing the rest equally."""
    y = np.linspace(0.0, 1.0, 20_001)[1:-1]
    others = np.repeat((1.0 - y[:, None]) / (classes - 1), classes - 1, axis=1)
    predictions = np.concatenate([y[:, None], others], axis=1)
    labels = np.zeros_like(predictions)
    labels[:, 0] = 1.0
    return float(y[np.asarray(loss.call(labels, predictions)).argmin()])


def page() -> str:
    """The gallery as Markdown."""
    parts = [
        "# Gallery of losses\n",
        "Made by `python docs/make_gallery.py`; x is the true label and y the prediction of one "
        "class. Pictures show each loss beside cross-entropy, over its own minimum: on the left "
        "two classes (Figure 2 of [arXiv 1905.11528](https://arxiv.org/abs/1905.11528)), on the "
        "right the term of a positive and of a negative class.\n",
        "The examples compile this model:\n",
        f"```python\n{MODEL}```\n",
    ]
    for name, (kind, use, avoid) in LOSSES.items():
        loss = kind(reduction=None, dtype="float64")
        minima = ", ".join(
            f"{minimum(loss, classes):.4f} with {classes} classes" for classes in (2, 10, 100)
        )
        scales = ", ".join(
            f"{glo_tf.gradient_scale(kind(), classes):.3g} with {classes} classes"
            for classes in (2, 10, 100)
        )
        summary = inspect.getdoc(kind).partition("\n")[0]
        parts += [
            f"## {kind.__name__}\n",
            f"{summary}\n",
            f"$$\\text{{{loss.class_reduction} over classes of }} {loss.latex()}$$\n",
            f"Simplified: `{loss.simplified()}`\n",
            f"![{kind.__name__} beside cross-entropy](gallery/{name}.png)\n",
            f"- **Minimum** (the true class's prediction, others sharing the rest): {minima}.",
            f"- **Gradient scale** (divide cross-entropy's learning rate by it): {scales}.",
            f"- **Use it for:** {use}",
            f"- **Not when:** {avoid}\n",
            f'```python\nmodel.compile(optimizer="sgd", loss=glo_tf.{kind.__name__}())\n```\n',
        ]
    return "\n".join(parts)


def main() -> None:
    text, target = page(), FOLDER / "gallery.md"
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        (FOLDER / "gallery").mkdir(exist_ok=True)
        for name, (kind, _, _) in LOSSES.items():
            kind().plot().savefig(FOLDER / "gallery" / f"{name}.png", dpi=110)
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
