"""Residual networks of the documented depths.

Source: K. He and others, "Deep Residual Learning for Image Recognition" and "Identity Mappings in Deep
Residual Networks": networks of 20 to 110 layers for small images, of 18 to 200 for large ones.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

# Depth -> blocks of each stage, and whether they are bottlenecks.
_LARGE = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
    200: ((3, 24, 36, 3), True),
}
_WIDTHS_LARGE, _WIDTHS_SMALL = (64, 128, 256, 512), (16, 32, 64)
_EXPANSION = 4


def _convolution(come: int, go: int, size: int, stride: int = 1) -> Any:
    return nn.Conv2d(come, go, size, stride, size // 2, bias=False)


class _Block(nn.Module):
    """A residual block: two convolutions, or three with a bottleneck."""

    def __init__(self, come: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        self.go = width * _EXPANSION if bottleneck else width
        if bottleneck:
            layers = [
                _convolution(come, width, 1),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
                _convolution(width, width, 3, stride),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
                _convolution(width, self.go, 1),
                nn.BatchNorm2d(self.go),
            ]
        else:
            layers = [
                _convolution(come, width, 3, stride),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
                _convolution(width, self.go, 3),
                nn.BatchNorm2d(self.go),
            ]
        self.body = nn.Sequential(*layers)
        same = stride == 1 and come == self.go
        self.past = (
            nn.Identity()
            if same
            else nn.Sequential(_convolution(come, self.go, 1, stride), nn.BatchNorm2d(self.go))
        )

    def forward(self, rows: Any) -> Any:
        """Return the sum of what the block computes and what it was given."""
        return torch.relu(self.body(rows) + self.past(rows))


def residual_network(layers: int, channels: int, classes: int) -> Any:
    """Return a network of so many layers that tells a score per class."""
    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    if layers in _LARGE:
        blocks, bottleneck = _LARGE[layers]
        widths = _WIDTHS_LARGE
        head: list[Any] = [
            nn.Conv2d(channels, widths[0], 7, 2, 3, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        ]
    else:
        blocks, bottleneck = ((layers - 2) // 6,) * 3, False
        widths = _WIDTHS_SMALL
        head = [
            _convolution(channels, widths[0], 3),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        ]
    come, body = widths[0], []
    for stage, (count, width) in enumerate(zip(blocks, widths, strict=True)):
        for place in range(count):
            block = _Block(come, width, 2 if stage and not place else 1, bottleneck=bottleneck)
            body.append(block)
            come = block.go
    return nn.Sequential(*head, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(come, classes))
