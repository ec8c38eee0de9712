"""A small convolutional network, and the images that it is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn


def network() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * 4 * 4, 64), nn.ReLU(), nn.Linear(64, 10)),
    )


def read(folder: Path) -> tuple[Tensor, Tensor]:
    with np.load(folder / "digits.npz") as file:
        return torch.from_numpy(file["images"]), torch.from_numpy(file["digits"])


def load(file: Path) -> nn.Module:
    model = network()
    model.load_state_dict(torch.load(file, weights_only=True))
    return model.eval()
