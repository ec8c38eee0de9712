"""A bar that shows how far an ingest is: on a terminal only."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_SAYS = {"read": "Taking in", "online": "To the online store"}


class RowProgress:
    """Draws what an ingest tells of its progress; call it with ``("read", 1000)``. Use in ``with``.

    Args:
        console: Where to. If it is no terminal nothing is drawn.
        total: How many rows there are; ``None``: unknown.
    """

    def __init__(self, console: Console, total: int | None) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} rows"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._totals = {"read": total}
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        self._task("read")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, what: str, rows: int) -> None:
        """Show that so many rows have been ``"read"``, or are ``"online"``, by now."""
        self._bar.update(self._task(what), completed=rows)

    def _task(self, what: str) -> TaskID:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(_SAYS.get(what, what), total=self._totals.get(what))
        return self._tasks[what]
