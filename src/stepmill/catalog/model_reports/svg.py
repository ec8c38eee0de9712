"""Pictures of reports as SVG. Pure. Every text in them comes from anyone, and is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import assert_never

from stepmill.catalog.model_reports.parts import (
    Bars,
    Curve,
    Matrix,
    Table,
    axis_range,
    axis_share,
    shown_number,
)

_BAR_HEIGHT, _LABEL_WIDTH, _BAR_WIDTH, _VALUE_WIDTH = 22, 220, 340, 90
_PLOT, _MARGIN = 280, 48
_CELL, _MATRIX_LABEL = 52, 110
_LONGEST_LABEL = 34
# Colours of several curves in one picture, told apart by people who see red and green alike.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def picture(part: Bars | Curve | Matrix | Table) -> str:
    """Return a part of a report as SVG; empty of a table, which is no picture."""
    match part:
        case Bars():
            return bars(part)
        case Curve():
            return curves([("", part)])
        case Matrix():
            return matrix(part)
        case Table():
            return ""
        case _:
            assert_never(part)


def bars(part: Bars) -> str:
    """Return bars: positive ones to the right of zero, negative ones to the left."""
    values = [value for _, value in part.bars]
    low, high = min(0.0, *values), max(0.0, *values)
    zero = axis_share(0.0, low, high)
    height = _BAR_HEIGHT * len(part.bars)
    shapes = []
    for index, (label, value) in enumerate(part.bars):
        top = index * _BAR_HEIGHT
        left, right = sorted((zero, axis_share(value, low, high)))
        colour = COLOURS[0] if value >= 0 else COLOURS[1]
        shapes += [
            _text(_LABEL_WIDTH - 8, top + 15, label, "end"),
            _box(
                _LABEL_WIDTH + left * _BAR_WIDTH,
                top + 3,
                (right - left) * _BAR_WIDTH,
                _BAR_HEIGHT - 6,
                f'fill="{colour}"',
                f"{label}: {value!r}",
            ),
            _text(_LABEL_WIDTH + _BAR_WIDTH + 8, top + 15, shown_number(value)),
        ]
    middle = _LABEL_WIDTH + zero * _BAR_WIDTH
    shapes.append(_line(middle, 0, middle, height, "#888"))
    return _svg(_LABEL_WIDTH + _BAR_WIDTH + _VALUE_WIDTH, height, part.title, shapes)


def curves(named: Sequence[tuple[str, Curve]]) -> str:
    """Return curves of one kind in one picture.

    Args:
        named: (whose it is, curve); the name of a single one may be empty. At least one.
    """
    first = named[0][1]
    points = [point for _, curve in named for point in curve.points]
    left, right = axis_range([x for x, _ in points])
    bottom, top = axis_range([y for _, y in points])

    def place(x: float, y: float) -> str:
        across = _MARGIN + axis_share(x, left, right) * _PLOT
        down = 10 + (1 - axis_share(y, bottom, top)) * _PLOT
        return f"{across:.1f},{down:.1f}"

    shapes = [
        f'<rect x="{_MARGIN}" y="10" width="{_PLOT}" height="{_PLOT}" fill="none" stroke="#888"/>',
        _text(_MARGIN, _PLOT + 26, shown_number(left)),
        _text(_MARGIN + _PLOT, _PLOT + 26, shown_number(right), "end"),
        _text(_MARGIN + _PLOT / 2, _PLOT + 26, first.x_label, "middle"),
        _text(_MARGIN - 6, 20, shown_number(top), "end"),
        _text(_MARGIN - 6, _PLOT + 10, shown_number(bottom), "end"),
    ]
    y_label = _text(0, 0, first.y_label, "middle")
    shapes.append(f'<g transform="translate(14 {10 + _PLOT / 2}) rotate(-90)">{y_label}</g>')
    if first.has_diagonal:
        shapes.append(
            f'<polyline points="{place(left, bottom)} {place(right, top)}" fill="none" stroke="#888" '
            f'stroke-dasharray="4"/>'
        )
    for index, (name, curve) in enumerate(named):
        colour = COLOURS[index % len(COLOURS)]
        line = " ".join(place(x, y) for x, y in curve.points)
        shapes.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if name:
            shapes.append(_text(_MARGIN + _PLOT + 12, 22 + 18 * index, name, colour=colour))
    width = _MARGIN + _PLOT + (180 if any(name for name, _ in named) else 12)
    return _svg(width, _PLOT + 36, first.title, shapes)


def matrix(part: Matrix) -> str:
    """Return a confusion matrix: what was down, what it was taken for across, darker where more often."""
    most = max((count for row in part.counts for count in row), default=0.0) or 1.0
    shapes = [_text(_MATRIX_LABEL + _CELL * len(part.labels) / 2, 14, "taken for", "middle")]
    for index, label in enumerate(part.labels):
        middle = index * _CELL + _CELL / 2
        shapes.append(_text(_MATRIX_LABEL + middle, 34, label, "middle", most=8))
        shapes.append(_text(_MATRIX_LABEL - 8, 44 + middle, label, "end", most=16))
    for down, row in enumerate(part.counts):
        for across, count in enumerate(row):
            share = max(0.0, min(1.0, count / most))
            x, y = _MATRIX_LABEL + across * _CELL, 40 + down * _CELL
            ink = "#fff" if share > 0.6 else "#000"
            shapes += [
                _box(
                    x,
                    y,
                    _CELL - 1,
                    _CELL - 1,
                    f'fill="{COLOURS[0]}" fill-opacity="{share:.3f}" stroke="#ccc"',
                ),
                _text(x + _CELL / 2, y + _CELL / 2 + 4, shown_number(count), "middle", colour=ink),
            ]
    side = _CELL * len(part.labels)
    return _svg(_MATRIX_LABEL + side + 4, 44 + side, part.title, shapes)


def _text(
    x: float, y: float, text: str, anchor: str = "start", *, colour: str = "", most: int = _LONGEST_LABEL
) -> str:
    short = text if len(text) <= most else f"{text[: most - 1]}…"
    fill = f' fill="{colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{fill}>{escape(short)}</text>'


def _box(x: float, y: float, width: float, height: float, how: str, title: str = "") -> str:
    shape = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {how}'
    return f"{shape}><title>{escape(title)}</title></rect>" if title else f"{shape}/>"


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _svg(width: float, height: float, title: str, shapes: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}"><title>{escape(title)}</title>{"".join(shapes)}</svg>'
    )
