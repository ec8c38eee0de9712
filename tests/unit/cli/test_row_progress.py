from __future__ import annotations

import io

from rich.console import Console

from stepmill.cli.row_progress import RowProgress


def drawn(total: int | None, *, is_terminal: bool) -> str:
    """Return what is drawn of an ingest of 2,000 rows."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=100, color_system=None)
    with RowProgress(console, total) as progress:
        progress("read", 1_000)
        progress._bar.refresh()
        progress("read", 2_000)
        progress("online", 500)
        progress._bar.refresh()
    return file.getvalue()


def test_a_bar_is_drawn_on_a_terminal_and_goes_at_the_end() -> None:
    shown = drawn(2_000, is_terminal=True)
    assert "Taking in" in shown
    assert "1,000 rows" in shown
    assert "To the online store" in shown
    assert "500 rows" in shown
    # The lines of the bar are erased: the answer stands where they were.
    assert shown.rstrip().endswith("\x1b[2K")


def test_how_many_there_are_need_not_be_known() -> None:
    assert "1,000 rows" in drawn(None, is_terminal=True)


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    assert drawn(2_000, is_terminal=False) == ""
