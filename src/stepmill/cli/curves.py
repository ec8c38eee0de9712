"""Curves of characters: what a series did, in a line or in a picture. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
# Of a cell of two by four dots, by column and row from the top.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_EMPTY = 0x2800


def sparkline(values: Sequence[float], width: int = 32) -> str:
    """Return a series in one line; what is no finite number is a gap.

    Example:
        >>> sparkline([0.0, 1.0, 2.0, 1.0])
        '▁▅█▅'
    """
    thinned = _thinned(values, width)
    finite = [value for value in thinned if math.isfinite(value)]
    if not finite:
        return " " * len(thinned)
    low, high = min(finite), max(finite)
    return "".join(
        _BARS[_level(value, low, high, len(_BARS))] if math.isfinite(value) else " " for value in thinned
    )


def picture(values: Sequence[float], width: int = 60, height: int = 10) -> list[str]:
    """Return a series as lines of a picture, the greatest value at the top.

    Args:
        values: In order; what is no finite number is a gap.
        width: In characters.
        height: In lines.
    """
    thinned = _thinned(values, 2 * width)
    finite = [value for value in thinned if math.isfinite(value)]
    if not finite:
        return []
    low, high = min(finite), max(finite)
    cells = [[_EMPTY] * width for _ in range(height)]
    rows = 4 * height
    before: int | None = None
    for column, value in enumerate(thinned):
        if not math.isfinite(value):
            before = None
            continue
        row = rows - 1 - _level(value, low, high, rows)
        for dot in _between(before, row):
            cells[dot // 4][column // 2] |= _DOTS[column % 2][dot % 4]
        before = row
    lines = ["".join(map(chr, line)).rstrip(chr(_EMPTY)) for line in cells]
    labels = [f"{high:.4g}", *[""] * (height - 2), f"{low:.4g}"] if height > 1 else [f"{high:.4g}"]
    wide = max(map(len, labels))
    return [f"{label:>{wide}} ┤{line}" for label, line in zip(labels, lines, strict=True)]


def _between(before: int | None, row: int) -> range:
    """Return the rows that join a point with the one before it."""
    if before is None or before == row:
        return range(row, row + 1)
    return range(before + 1, row + 1) if before < row else range(row, before)


def _level(value: float, low: float, high: float, levels: int) -> int:
    """Return which of so many equal levels a value lies on."""
    # Halves: the span of two floats may be infinite.
    span = high / 2 - low / 2
    return 0 if span == 0 else min(levels - 1, int((value / 2 - low / 2) / span * levels))


def _thinned(values: Sequence[float], most: int) -> Sequence[float]:
    """Return at most so many of them, evenly, the first and the last among them."""
    if len(values) <= most:
        return values
    return [values[index * (len(values) - 1) // (most - 1)] for index in range(most)]
