"""What the convolutional benchmarks share: networks, contenders, and how these are timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from lenet5 import lenet5

LOSS = "-(x*log(y))"
Training = Callable[[int], Any]  # trains for as many steps as it is told


@dataclass(frozen=True)
class Network:
    """A Keras model, and the PyTorch network of `torch_peer` that is the same."""

    title: str
    build: Callable[[], Any]
    torch_name: str
    batch_size: int


def glo_mnist_cnn() -> Any:
    from glo_tf import architectures

    return architectures.glo_mnist_cnn((28, 28, 1), 10)


NETWORKS = {
    "cnn": Network("paper CNN, batch 100", glo_mnist_cnn, "glo_mnist_cnn", 100),
    "lenet5": Network("LeNet-5, batch 128", lenet5, "lenet5", 128),
}


def tensorflow_trainings(network: Network) -> dict[str, Training]:
    """Ours, and `Model.fit` on a resident pipeline, both on MNIST."""
    import keras
    import tensorflow as tf

    from glo_tf import ExpressionLoss, datasets
    from glo_tf.expressions.tree import Expression
    from glo_tf.training.task import TrainingTask
    from glo_tf.training.trial import nothing_to_check

    data = datasets.mnist()
    train, validation = (data.x_train, data.y_train), (data.x_validation, data.y_validation)
    labels = keras.utils.to_categorical(data.y_train, 10).astype("float32")
    resident = tf.constant(data.x_train), tf.constant(labels)
    # Indices are shuffled, not images: each `fit` fills the buffer anew.
    pipeline = tf.data.Dataset.range(len(labels)).shuffle(len(labels), seed=0).repeat()
    pipeline = pipeline.batch(network.batch_size)
    pipeline = pipeline.map(lambda batch: tuple(tf.gather(part, batch) for part in resident))
    pipeline = pipeline.prefetch(2)
    model = network.build()
    model.compile(keras.optimizers.SGD(0.01), ExpressionLoss(LOSS))

    trainer = TrainingTask.define(
        network.build, "sgd", train, validation, train_steps=3000, batch_size=network.batch_size
    ).make_trainer()
    # The training alone: the peers measure no validation accuracy either.
    steps, arguments = trainer._compiled(Expression.parse(LOSS))
    indices = trainer._batches(0)

    def ours(count: int) -> None:
        trainer._loop.restore(trainer._initial(0))
        trainer._advance(steps, (indices, *arguments), 0, count, check=nothing_to_check)

    return {
        "glo_tf": ours,
        "Model.fit on tf.data": lambda count: model.fit(pipeline, steps_per_epoch=count, verbose=0),
    }


def torch_trainings(network: Network) -> dict[str, Training]:
    """A plain loop in both memory formats, on MNIST. Raises ImportError without PyTorch."""
    import keras
    import torch
    import torch_peer

    from glo_tf import datasets

    data = datasets.mnist()
    labels = keras.utils.to_categorical(data.y_train, 10).astype("float32")
    build = getattr(torch_peer, network.torch_name)
    return {
        f"PyTorch, {str(layout).removeprefix('torch.')}": torch_peer.training(
            build(), data.x_train, labels, network.batch_size, layout
        )
        for layout in (torch.contiguous_format, torch.channels_last)
    }


def timed(training: Training, seconds: float) -> Callable[[], float]:
    """Measures steps per second; from the second time on, over about so many seconds."""
    count = 10

    def measure() -> float:
        nonlocal count
        began = time.perf_counter()
        training(count)
        speed = count / (time.perf_counter() - began)
        count = max(10, min(2000, int(seconds * speed)))
        return speed

    return measure


def interleave(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Speeds of all contenders in every round but the first, in which they compile."""
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            speed = contender()
            if number:
                speeds[name].append(speed)
    return speeds


def matmul_peak() -> float:
    """Operations per second in the product of two large float32 matrices."""
    import tensorflow as tf

    size = 2048
    left = tf.random.uniform((size, size))
    product = tf.matmul(left, left)
    began = time.perf_counter()
    for _ in range(8):
        product = tf.matmul(left, left)
    product.numpy()
    return 8 * 2 * size**3 / (time.perf_counter() - began)


def flops(model: Any, batch_size: int) -> float:
    """Operations of one training step in its convolutions and dense layers.

    Forward, gradient of the weights and gradient of the inputs take the same number each; the
    first layer needs no gradient of its inputs.
    """
    import keras

    layers = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    ]
    total = 0.0
    for number, layer in enumerate(layers):
        places = np.prod(layer.output.shape[1:-1]) if layer.kernel.ndim == 4 else 1
        total += (2 if number == 0 else 3) * 2 * float(np.prod(layer.kernel.shape) * places)
    return total * batch_size
