"""The peer of the convolutional benchmarks: plain PyTorch training loops on resident tensors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn


def glo_mnist_cnn() -> nn.Module:
    """As `glo_tf.architectures.glo_mnist_cnn`, logits."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 1024),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(1024, 10),
    )


def lenet5() -> nn.Module:
    """As `lenet5.lenet5`, logits."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def training(
    network: nn.Module,
    samples: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    memory_format: torch.memory_format,
) -> Callable[[int], None]:
    """A function that trains the network for as many steps as it is told.

    Args:
        network: Returns logits.
        samples: Images `(N, height, width, 1)`.
        labels: One-hot `(N, C)`.
        batch_size: Samples per step.
        memory_format: `torch.contiguous_format` or `torch.channels_last`.
    """
    network = network.to(memory_format=memory_format)
    images = torch.tensor(samples).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
    targets = torch.tensor(labels)
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    rng = np.random.default_rng(0)

    def train(steps: int) -> None:
        batches = torch.tensor(rng.integers(0, len(samples), (steps, batch_size)))
        network.train()
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            predictions = torch.softmax(network(images[batch]), dim=-1).clamp(1e-7, 1.0)
            loss = -(targets[batch] * torch.log(predictions)).sum(dim=-1).mean()
            loss.backward()
            optimizer.step()

    return train
