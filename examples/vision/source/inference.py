"""Serves the network: images as JSON, numbers by row; the digits that they show as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from network import load
from torch import Tensor, nn


def model_fn(model_dir: str) -> nn.Module:
    return load(Path(model_dir) / "model.pt")


def input_fn(body: str, content_type: str) -> Tensor:
    if content_type != "application/json":
        raise ValueError(f"{content_type} is not understood; send application/json")
    return torch.tensor(json.loads(body), dtype=torch.float32).reshape(-1, 1, 8, 8)


def predict_fn(images: Tensor, model: nn.Module) -> list[int]:
    with torch.inference_mode():
        return model(images).argmax(1).tolist()


def output_fn(digits: list[int], accept: str) -> str:
    return json.dumps(digits)
