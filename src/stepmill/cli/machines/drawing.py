"""Draw an execution of a state machine: its states, and the path that it took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from stepmill.cli.machines.graph import StateRow
from stepmill.cli.machines.progress import MachineProgress, Standing, StateLine, brief
from stepmill.cli.output import duration

# A mark and a colour: whoever cannot see one sees the other.
_MARKS = {
    Standing.AHEAD: ("·", "dim"),
    Standing.NOT_TAKEN: ("○", "dim"),
    Standing.RUNNING: ("▸", "cyan"),
    Standing.DONE: ("✓", "green"),
    Standing.FAILED: ("✗", "red"),
    Standing.ABORTED: ("■", "yellow"),
}
_STATUS = {
    "RUNNING": ("▸", "cyan"),
    "SUCCEEDED": ("✓", "green"),
    "FAILED": ("✗", "red"),
    "TIMED_OUT": ("✗", "red"),
    "ABORTED": ("■", "yellow"),
    "PENDING_REDRIVE": ("▸", "yellow"),
}
_NOBODY = StateLine()


def marked_status(status: str) -> Text:
    """Return the status of an execution with its mark, in its colour."""
    mark, style = _STATUS.get(status, ("?", ""))
    return Text(f"{mark} {status}", style=style)


def machine_headline(machine: str, execution: str, status: str, took: str) -> Text:
    """Return one line about the whole: which execution, and how it stands."""
    text = Text.assemble((machine, "bold"), " ", (execution, "cyan"), "  ")
    return text.append_text(marked_status(status)).append(f"  {took}", style="dim")


def state_table(
    rows: Sequence[StateRow], progress: MachineProgress, now: datetime, *, most_rows: int | None = None
) -> Table:
    """Return the states with how they stand.

    Args:
        rows: Of the machine.
        progress: Of the execution.
        now: For the time of those that run.
        most_rows: Draw no more than these; those that were not met are left out first.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for title in ("STATE", "TYPE", "STATUS"):
        table.add_column(title, no_wrap=True)
    table.add_column("TIME", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    shown = _most_interesting(rows, progress, most_rows)
    for row in shown:
        standing = progress.standing(row.name)
        line = progress.lines.get(row.name, _NOBODY)
        mark, style = _MARKS[standing]
        is_running = standing is Standing.RUNNING
        took = line.took(now if is_running else None)
        table.add_row(
            Text.assemble((row.margin, "dim"), (row.name, "bold" if is_running else "")),
            Text(row.type, style="dim"),
            Text(f"{mark} {standing}", style=style),
            Text(duration(took) if took is not None else ""),
            _beside(row, line, progress),
        )
    if len(shown) < len(rows):
        table.add_row(Text(f"... and {len(rows) - len(shown)} more", style="dim"))
    return table


def _beside(row: StateRow, line: StateLine, progress: MachineProgress) -> Text:
    parts: list[Text] = []
    if line.entered > 1:
        parts.append(Text(f"{line.exited} of {line.entered}", style="dim"))
    if line.error:
        parts.append(Text(brief(line.error), style="red" if line.running else "yellow"))
    taken = [name for name in row.leads_to if name in progress.lines]
    if len(row.leads_to) > 1 and line.exited and taken:
        parts.append(Text(f"→ {', '.join(taken)}", style="dim"))
    return Text("  ").join(parts)


def _most_interesting(
    rows: Sequence[StateRow], progress: MachineProgress, most: int | None
) -> list[StateRow]:
    if most is None or len(rows) <= most:
        return list(rows)
    order = {Standing.RUNNING: 0, Standing.FAILED: 1, Standing.ABORTED: 1, Standing.DONE: 2}

    def dullness(position: int) -> tuple[int, int]:
        rank = order.get(progress.standing(rows[position].name), 3)
        return rank, -position if rank == order[Standing.DONE] else position

    kept = sorted(sorted(range(len(rows)), key=dullness)[:most])
    return [rows[position] for position in kept]
