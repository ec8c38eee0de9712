"""Draw an execution: its steps as a tree, with status, time and what is worth knowing of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from stepmill.cli.graph import Row, arrange
from stepmill.cli.output import duration
from stepmill.cli.progress import NOT_TAKEN, Progress, StepLine, brief

# A mark and a colour: whoever cannot see one sees the other.
_MARKS = {
    "Waiting": ("·", "dim"),
    NOT_TAKEN: ("○", "dim"),
    "NotReached": ("○", "dim"),
    "NotSelected": ("○", "dim"),
    "Starting": ("▸", "cyan"),
    "Executing": ("▸", "cyan"),
    "Stopping": ("▸", "yellow"),
    "Stopped": ("■", "yellow"),
    "Failed": ("✗", "red"),
    "Succeeded": ("✓", "green"),
    "CompletedWithFailures": ("!", "yellow"),
}

_AS_STEP = {"InProgress": "Executing", "Completed": "Succeeded"}
_SAID = {NOT_TAKEN: "not taken", "NotReached": "not reached", "NotSelected": "not selected"}


def marked(status: str) -> Text:
    """Return a status with its mark, in its colour."""
    mark, style = _MARKS.get(status, ("?", ""))
    said = _SAID.get(status, status)
    return Text(f"{mark} {said}", style=style)


def marked_job(status: str) -> Text:
    """Return the status of a job with its mark, in the words of steps: they are the same things."""
    return marked(_AS_STEP.get(status, status))


def step_table(
    progress: Progress, now: datetime, *, most_rows: int | None = None, with_remarks: bool = False
) -> Table:
    """Return the steps as a tree with their status.

    Args:
        progress: What to draw.
        now: For the time of those that run.
        most_rows: Draw no more than these; the least interesting ones are left out and counted.
        with_remarks: Whether to show what those said who did the work.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for title in ("STEP", "TYPE", "STATUS"):
        table.add_column(title, no_wrap=True)
    table.add_column("TIME", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    rows = arrange({name: line.after for name, line in progress.shown().items()})
    shown = _most_interesting(rows, progress, most_rows)
    for row in shown:
        line = progress.lines[row.name]
        table.add_row(
            Text.assemble((row.branch, "dim"), (row.name, "bold" if line.is_running else "")),
            Text(line.type, style="dim"),
            marked(line.status),
            Text(duration(line.took(now))),
            _beside(row, line, with_remarks=with_remarks),
        )
    if len(shown) < len(rows):
        table.add_row(Text(f"... and {len(rows) - len(shown)} more", style="dim"))
    return table


def headline(pipeline: str, execution: str, progress: Progress, took: str) -> Text:
    """Return one line about the whole: which execution, how it stands, how far it is."""
    counts = progress.count()
    done = counts.get("Succeeded", 0)
    total = sum(counts.values()) - sum(counts.get(status, 0) for status in _SAID)
    text = Text.assemble((pipeline, "bold"), " ", (execution, "cyan"), "  ")
    text.append_text(marked(progress.status))
    return text.append(f"  {done}/{total} steps  {took}", style="dim")


def _beside(row: Row, line: StepLine, *, with_remarks: bool) -> Text:
    parts: list[Text] = []
    if line.reused:
        parts.append(Text(line.reused, style="magenta"))
    if line.attempt > 1:
        parts.append(Text(f"attempt {line.attempt}", style="yellow"))
    parts += [Text(fact) for fact in line.facts]
    if line.status == "Failed" and line.reason:
        parts.append(Text(brief(line.reason), style="red"))
    if row.also_after and line.status == "Waiting":
        parts.append(Text(f"also after {', '.join(row.also_after)}", style="dim"))
    if with_remarks:
        parts += [Text(remark, style="dim") for remark in line.remarks]
    return Text("\n" if with_remarks and line.remarks else "  ").join(parts)


def _most_interesting(rows: Sequence[Row], progress: Progress, most: int | None) -> list[Row]:
    """Return at most so many rows in their order: running, then failed, waiting, and ended ones."""
    if most is None or len(rows) <= most:
        return list(rows)

    def dullness(position: int) -> tuple[int, int]:
        line = progress.lines[rows[position].name]
        if line.is_running:
            return 0, position
        order = {"Failed": 1, "Stopped": 1, "Waiting": 3}.get(line.status, 2)
        return order, -position if order == 2 else position

    kept = sorted(sorted(range(len(rows)), key=dullness)[:most])
    return [rows[position] for position in kept]
