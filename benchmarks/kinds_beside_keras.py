"""One step of a training beside one step of `Model.fit`, for every kind of output and of weight.

    python benchmarks/kinds_beside_keras.py --output=docs/results/kinds_beside_keras.json

Each row is a model of softmaxes, sigmoids, logits or numbers, over one position or several, with
weights of samples, of classes, masks, ignored labels, several outputs, or all of it. Both take one
step of SGD from the same weights on the same samples; the largest difference of a weight stands
beside the largest change of one.
"""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
from absl import app, flags
from reporting import report

from glo_tf.expressions.tree import Expression
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.training.candidate import Candidate
from glo_tf.training.in_units import in_units
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request

FLAGS = flags.FLAGS
flags.DEFINE_string("output", None, "JSON file for the figures.")

SAMPLES, STEPS, RATE = 64, 6, 0.2
OUTPUTS = {
    "softmax": (3, "softmax", "-(x*log(y))"),
    "sigmoid": (1, "sigmoid", "-(x*log(y))"),
    "logits": (3, None, "-(x*log(y))"),
    "numbers": (2, None, "square(x - y)"),
}
KINDS = {
    "plain": (),
    "weights": ("weights",),
    "class weights": ("classes",),
    "masks": ("dense", "masks"),
    "ignored labels": ("ignored",),
    "dense": ("dense",),
    "several outputs": ("several",),
    "all together": ("dense", "weights", "classes", "masks", "ignored", "several"),
}


def main(_: list[str]) -> None:
    """Compares all kinds, and writes a table."""
    rows = []
    for (kind, parts), output in itertools.product(KINDS.items(), OUTPUTS):
        of_classes = output != "numbers" or kind not in ("class weights", "ignored labels")
        of_indices = output in ("softmax", "logits") or kind != "ignored labels"
        if of_classes and of_indices:
            change, difference = compared(output, set(parts))
            rows.append(
                {"kind": kind, "output": output, "change": change, "difference": difference}
            )
    worst = max(row["difference"] for row in rows)
    print(f"{len(rows)} kinds, largest difference {worst:.2e}")
    report(
        "One step beside one step of Keras",
        rows,
        FLAGS.output,
        {"count": len(rows), "largest_difference": worst},
    )


def compared(output: str, parts: set[str]) -> tuple[float, float]:
    """The largest change of a weight in one step, and the largest difference of both trainings."""
    units, activation, text = OUTPUTS[output]
    rng = np.random.default_rng(0)
    shape = (SAMPLES, STEPS) if "dense" in parts else (SAMPLES,)
    x = rng.normal(size=(*shape, 4)).astype(np.float32)
    if "masks" in parts:
        x[rng.uniform(size=shape) < 0.3] = 0.0
    names = ("a", "b") if "several" in parts else ("a",)
    indices = output in ("softmax", "logits")
    y, w, factors = {}, {}, {}
    for name in names:
        classes = rng.integers(0, 3 if indices else 2, shape)
        factors[name] = np.ones(shape)
        if "classes" in parts and output != "numbers":
            factors[name] = np.where(classes == 1, 3.0, 0.5)
        y[name] = classes if indices else classes[..., None].astype(np.float32)
        if output == "numbers":
            y[name] = 40.0 + 7.0 * rng.normal(size=(*shape, units))
        if "ignored" in parts and indices:
            y[name] = np.where(rng.uniform(size=shape) < 0.3, 255, classes)
        w[name] = rng.uniform(0.0, 2.0, shape) if "weights" in parts else np.ones(shape)

    def model() -> keras.Model:
        inputs = keras.Input(x.shape[1:])
        hidden = keras.layers.Masking()(inputs) if "masks" in parts else inputs
        found = {n: keras.layers.Dense(units, activation, name=n)(hidden) for n in names}
        return keras.Model(inputs, found if len(names) > 1 else found["a"])

    def given(of_names: dict[str, Any]) -> Any:
        return dict(of_names) if len(names) > 1 else of_names["a"]

    of_classes = {0: 0.5, 1: 3.0, **({2: 0.5} if indices else {})}
    weighted = {"classes", "weights"} & parts and not (
        "classes" in parts and output == "numbers" and "weights" not in parts
    )
    data = (x, given(y), given(w)) if "weights" in parts else (x, given(y))
    task = TrainingTask.define(
        model,
        keras.optimizers.SGD(RATE),
        data,
        data[:2],
        from_logits=output == "logits",
        class_weight=(
            given(dict.fromkeys(names, of_classes))
            if "classes" in parts and output != "numbers"
            else None
        ),
        ignore_class=255 if "ignored" in parts and indices else None,
        train_steps=1,
        batch_size=SAMPLES,
        jit_compile=False,
    )
    trainer: Any = task.make_trainer()
    before = [np.array(value) for value in trainer._initial(0)]
    trainer.evaluate(Request(Candidate(Expression.parse(text)), seed=0))
    ours = trainer._model.get_weights()
    theirs = model()
    theirs.set_weights(before[: len(ours)])
    outside = in_units(theirs, task.outputs)
    losses = [ExpressionLoss(text, **of_output) for of_output in task.outputs.loss_options]
    outside.compile(
        keras.optimizers.SGD(RATE),
        task.outputs.restore(_of_keras(output, parts, losses)),
        run_eagerly=True,
    )
    both = {name: w[name] * factors[name] for name in names}
    outside.fit(
        x,
        given(y),
        SAMPLES,
        shuffle=False,
        verbose=0,
        sample_weight=given(both) if weighted else None,
    )
    pairs = list(zip(ours, theirs.get_weights(), before, strict=False))
    change = max(np.abs(left - start).max() for left, _, start in pairs)
    difference = max(np.abs(left - right).max() for left, right, _ in pairs)
    return float(f"{change:.3g}"), float(f"{difference:.3g}")


def _of_keras(output: str, parts: set[str], ours: list[ExpressionLoss]) -> list[Any]:
    """Keras's own losses, but for standardised numbers, which it has no loss of."""
    if output == "numbers":
        return ours
    ignored = {"ignore_class": 255} if "ignored" in parts else {}
    if output == "sigmoid":
        return [keras.losses.BinaryCrossentropy() for _ in ours]
    return [
        keras.losses.SparseCategoricalCrossentropy(from_logits=output == "logits", **ignored)
        for _ in ours
    ]


if __name__ == "__main__":
    app.run(main)
