"""The known losses of classes on digits, each at its own learning rate.

    python benchmarks/known_losses.py --output=docs/results/known_losses.json

Digits, an MLP, SGD, on Keras's JAX backend, all learning rates and seeds of a loss side by side.
Every seed draws split, noise and weights anew. The rate of a loss is the best of a ladder on
validation data with true labels, for seeds that are not used again; then it is compared with
cross-entropy at its own rate on test data, pair by pair of the other seeds. Four settings: all
labels as they are; 50 labels; 40 % of the labels replaced by random ones; a long tail, where the
rarest class has a twentieth of the labels of the most frequent one. Accuracies are means over the
classes.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import numpy as np
from absl import app, flags
from reporting import report

FLAGS = flags.FLAGS
flags.DEFINE_integer("tuning_seeds", 3, "Seeds by which learning rates are chosen.")
flags.DEFINE_integer("seeds", 10, "Other seeds, of the comparison.")
flags.DEFINE_integer("train_steps", 1000, "Of each training, of batches of 100.")
flags.DEFINE_integer("units", 64, "Of the hidden layer.")
flags.DEFINE_string("output", None, "JSON file for the figures.")

SETTINGS = ("clean", "few", "noise", "tail")
RATES = tuple(0.01 * 10 ** (place / 3) for place in range(11))
"""Learning rates of cross-entropy, 0.01 to 21.5; a loss has them divided by its scale."""

CLASSES, BATCH, FEW, NOISE, RATIO = 10, 100, 50, 0.4, 20
VALIDATION, TEST = 300, 600
ADJUSTED = "cross_entropy adjusted after training"
COUNTS = np.round(70 * RATIO ** (-np.arange(CLASSES) / (CLASSES - 1))).astype(int)
"""Labels of each class in the long tail."""


def losses(setting: str) -> dict[str, Any]:
    """By name: all of the library that fit classes, with default parameters."""
    import glo_tf
    from glo_tf.losses.named import NAMED_LOSSES

    found: dict[str, Any] = {}
    first = ["cross_entropy"]  # the others are compared with it
    for name in (*first, *(name for name in NAMED_LOSSES if name not in first)):
        kind: Any = NAMED_LOSSES[name]
        if "softmax" in kind.FITS:
            arguments: dict[str, Any] = {"from_logits": True}
            if "frequencies" in inspect.signature(kind).parameters:
                if setting != "tail":
                    continue
                arguments["frequencies"] = COUNTS
            if kind is glo_tf.LDAM:
                arguments["scale"] = 1.0  # logits of a plain layer
            found[name] = kind(**arguments)
    return found


def draw(setting: str, seed: int) -> dict[str, np.ndarray]:
    """Data, batches and weights of one seed."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng([SETTINGS.index(setting), seed])
    order = rng.permutation(len(images))
    x, y = (images[order] / 16.0).astype(np.float32), labels[order]
    validation, test, train = np.split(np.arange(len(x)), [VALIDATION, VALIDATION + TEST])
    given = y.copy()
    if setting == "few":
        train = train[:FEW]
    elif setting == "noise":
        wrong = rng.random(len(y)) < NOISE
        given[wrong] = rng.integers(0, CLASSES, wrong.sum())
    elif setting == "tail":
        y = given = rng.permutation(CLASSES)[y]  # which class is rare
        train = np.concatenate(
            [train[y[train] == label][:count] for label, count in enumerate(COUNTS)]
        )
    batches = rng.choice(train, (FLAGS.train_steps, BATCH))
    one_hot = np.eye(CLASSES, dtype=np.float32)
    units = FLAGS.units
    return {
        "images": x[batches],
        "labels": one_hot[given[batches]],
        "x_validation": x[validation],
        "y_validation": one_hot[y[validation]],
        "x_test": x[test],
        "y_test": one_hot[y[test]],
        "hidden": (rng.normal(size=(64, units)) * np.sqrt(2 / 64)).astype(np.float32),
        "out": (rng.normal(size=(units, CLASSES)) / np.sqrt(units)).astype(np.float32),
    }


def accuracies(
    loss: Any, rates: np.ndarray, draws: list[dict[str, Any]], shift: np.ndarray
) -> np.ndarray:
    """Of validation and of test data, `(2, seeds, rates)`; `shift` is added to the logits."""
    import jax
    from jax import numpy as jnp

    def logits(weights: tuple[Any, ...], x: Any) -> Any:
        hidden, bias, out, other = weights
        return jax.nn.relu(x @ hidden + bias) @ out + other

    def accuracy(weights: tuple[Any, ...], x: Any, y: Any) -> Any:
        right = jnp.argmax(logits(weights, x) + shift, -1) == jnp.argmax(y, -1)
        return jnp.mean((right @ y) / jnp.maximum(y.sum(0), 1.0))

    def train(data: dict[str, Any], rate: Any) -> Any:
        def step(weights: tuple[Any, ...], batch: tuple[Any, Any]) -> Any:
            slopes = jax.grad(lambda weights: loss(batch[1], logits(weights, batch[0])))(weights)
            return tuple(w - rate * s for w, s in zip(weights, slopes, strict=True)), None

        first = (data["hidden"], jnp.zeros(FLAGS.units), data["out"], jnp.zeros(CLASSES))
        weights, _ = jax.lax.scan(step, first, (data["images"], data["labels"]))
        parts = ("validation", "test")
        return jnp.stack([accuracy(weights, data[f"x_{p}"], data[f"y_{p}"]) for p in parts], -1)

    of_rates = jax.jit(jax.vmap(train, in_axes=(None, 0)))
    found = [np.asarray(of_rates(drawn, jnp.asarray(rates, jnp.float32))) for drawn in draws]
    return np.array(found).transpose(2, 0, 1)


def main(_: list[str]) -> None:
    from scipy.stats import ttest_rel

    import glo_tf

    rows: list[dict[str, Any]] = []
    every: dict[str, dict[str, list[float]]] = {}
    for setting in SETTINGS:
        draws = [draw(setting, seed) for seed in range(FLAGS.tuning_seeds + FLAGS.seeds)]
        candidates = [(name, loss, np.zeros(CLASSES)) for name, loss in losses(setting).items()]
        if setting == "tail":
            shift = -np.log(COUNTS / COUNTS.sum())
            candidates.append((ADJUSTED, glo_tf.CrossEntropy(from_logits=True), shift))
        reached: dict[str, np.ndarray] = {}
        chosen: dict[str, int] = {}
        for name, loss, shift in candidates:
            rates = np.array(RATES) / glo_tf.gradient_scale(loss, CLASSES)
            validation, test = accuracies(loss, rates, draws, shift)
            chosen[name] = int(validation[: FLAGS.tuning_seeds].mean(0).argmax())
            reached[name] = test[FLAGS.tuning_seeds :, chosen[name]]
            usual = reached.setdefault("cross_entropy", reached[name])
            differs = (reached[name] != usual).any()
            rows.append(
                {
                    "setting": setting,
                    "loss": name,
                    "rate": float(f"{rates[chosen[name]]:.3g}"),
                    "inside": 0 < chosen[name] < len(RATES) - 1,
                    "accuracy": round(float(reached[name].mean()), 4),
                    "points": round(float(100 * (reached[name] - usual).mean()), 2),
                    "p": float(f"{ttest_rel(reached[name], usual).pvalue:.2g}") if differs else 1.0,
                }
            )
            print(rows[-1], file=sys.stderr, flush=True)
        every[setting] = {name: np.round(of, 4).tolist() for name, of in reached.items()}
    title = "Known losses at their own rates; points and p against cross-entropy"
    report(title, rows, FLAGS.output, {"accuracies": every})


if __name__ == "__main__":
    app.run(main)
