"""Reports in the terminal: tables, bars, curves and confusion matrices made of characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import assert_never

from rich.console import RenderableType
from rich.text import Text

from stepmill.catalog.model_reports.comparison import Comparison, Row, shown_metric
from stepmill.catalog.model_reports.directions import Change
from stepmill.catalog.model_reports.parts import (
    Bars,
    Curve,
    Matrix,
    Part,
    Report,
    Table,
    axis_range,
    axis_share,
    shown_number,
)
from stepmill.cli.output import table

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR_CELLS = 30
_PLOT_CELLS, _PLOT_LINES = 48, 12
# A character of braille has 2 by 4 dots; the bit of each, column by column.
_BRAILLE, _DOTS = 0x2800, ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_SHADES = ("", "on grey19", "on grey30", "bold on blue")
# An arrow and a colour: whoever cannot see one sees the other.
_CHANGES = {
    Change.BETTER: ("▲", "green"),
    Change.WORSE: ("▼", "red"),
    Change.SAME: ("=", "dim"),
    Change.DIFFERENT: ("≠", "yellow"),
}


def report_lines(report: Report) -> Iterator[RenderableType]:
    """Yield a report: its title, its numbers, its tables and pictures, or why it cannot be read."""
    yield Text(f"\n{report.title}", "bold").append(f"  {report.uri}", "dim")
    if report.problem:
        yield Text(f"  ! {report.problem}", "yellow")
    if report.metrics and not report.shows_its_metrics:
        yield table(["METRIC", "VALUE"], [[metric.name, shown_metric(metric)] for metric in report.metrics])
    for part in report.parts:
        yield from part_lines(part)


def part_lines(part: Part) -> Iterator[RenderableType]:
    """Yield a table or a picture, under its title."""
    yield Text(f"\n{part.title}", "italic")
    match part:
        case Table():
            yield table(part.columns, part.rows)
        case Bars():
            yield table(["", "", ""], _bar_rows(part))
        case Curve():
            yield Text(curve_text(part))
        case Matrix():
            yield _matrix(part)
        case _:
            assert_never(part)
    if isinstance(part, (Table, Bars)) and part.left_out:
        yield Text(f"and {part.left_out} more", "dim")


def comparison_lines(comparison: Comparison, *, with_common: bool) -> Iterator[RenderableType]:
    """Yield a comparison: what differs, and what is the same or how much that is.

    Args:
        comparison: It.
        with_common: Whether to show what is the same.
    """
    for version, title, why in comparison.problems:
        yield Text(f"! {version}: {title}: {why}", "yellow")
    differences, common = comparison.differences, comparison.common
    yield from _compared(comparison.versions, differences)
    if not differences:
        yield "The versions do not differ."
    if with_common:
        yield Text("\nThe same in all", "bold")
        yield from _compared(comparison.versions, common)
    elif common:
        yield Text(f"\n{len(common)} more are the same in all; --all shows them.", "dim")


def bar(value: float, most: float, cells: int = _BAR_CELLS) -> str:
    """Return a bar as long as a value beside the longest one.

    Example:
        >>> bar(1, 2, 4), bar(0.25, 2, 4), bar(0, 2, 4)
        ('██', '▌', '')
    """
    eighths = round(abs(value) / most * cells * 8) if most else 0
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def curve_text(curve: Curve, cells: int = _PLOT_CELLS, lines: int = _PLOT_LINES) -> str:
    """Return a curve as characters, with the ends of its axes."""
    (left, right), (bottom, top) = (axis_range([point[axis] for point in curve.points]) for axis in (0, 1))
    wide, high = cells * 2 - 1, lines * 4 - 1
    grid = [[0] * cells for _ in range(lines)]
    places = [
        (axis_share(x, left, right) * wide, (1 - axis_share(y, bottom, top)) * high) for x, y in curve.points
    ]
    for x, y in _joined(places):
        across, down = round(x), round(y)
        grid[down // 4][across // 2] |= _DOTS[across % 2][down % 4]
    labels = [shown_number(top), *[""] * (lines - 2), shown_number(bottom)]
    margin = max(len(label) for label in labels)
    drawn = [
        f"{label:>{margin}} │{''.join(chr(_BRAILLE + dots) for dots in row)}"
        for label, row in zip(labels, grid, strict=True)
    ]
    start = f"{shown_number(left)} "
    ends = start + shown_number(right).rjust(cells - len(start))
    return "\n".join(
        [
            f"{' ' * margin}  {curve.y_label}",
            *drawn,
            f"{' ' * margin} └{'─' * cells}",
            f"{' ' * margin}  {ends}",
            f"{' ' * margin}  {curve.x_label:^{cells}}".rstrip(),
        ]
    )


def _bar_rows(part: Bars) -> list[list[str | Text]]:
    most = max((abs(value) for _, value in part.bars), default=0.0)
    return [
        [label, Text(bar(value, most), "blue" if value >= 0 else "dark_orange"), shown_number(value)]
        for label, value in part.bars
    ]


def _joined(places: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield the dots of the lines between places."""
    for (x1, y1), (x2, y2) in pairwise(places):
        steps = max(1, round(max(abs(x2 - x1), abs(y2 - y1))))
        for step in range(steps + 1):
            yield x1 + (x2 - x1) * step / steps, y1 + (y2 - y1) * step / steps


def _matrix(part: Matrix) -> RenderableType:
    most = max((count for row in part.counts for count in row), default=0.0) or 1.0
    rows: list[list[str | Text]] = []
    for label, row in zip(part.labels, part.counts, strict=True):
        cells = [
            Text(
                shown_number(count), _SHADES[max(0, min(len(_SHADES) - 1, int(count / most * len(_SHADES))))]
            )
            for count in row
        ]
        rows.append([Text(f"was {label}", "bold"), *cells])
    return table(["", *(f"taken for {label}" for label in part.labels)], rows)


def _compared(versions: Sequence[str], rows: Sequence[Row]) -> Iterator[RenderableType]:
    for section in dict.fromkeys(row.section for row in rows):
        yield Text(f"\n{section}", "bold")
        lines = [[row.name, *_cells(row)] for row in rows if row.section == section]
        yield table(["", *versions], lines)


def _cells(row: Row) -> list[str | Text]:
    cells: list[str | Text] = []
    for index, shown in enumerate(row.shown):
        change = row.changes[index] if row.changes else None
        if change is None:
            cells.append(shown or "–")
        else:
            arrow, style = _CHANGES[change]
            cells.append(Text(f"{shown} {arrow}", style))
    return cells
