"""What jobs and definitions write does nothing to a terminal."""

from __future__ import annotations

import io
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from stepmill.cli.output import Output
from stepmill.cli.terminal import SafeConsole, harmless, plain

TITLE = "\x1b]0;owned\x07"
CLIPBOARD = "\x1b]52;c;ZXZpbA==\x07"
CLEAR = "\x1b[2J\x1b[H"


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("attack", [TITLE, CLIPBOARD, CLEAR, "\x9b2J", "\x08\x08\x08", "\x1b[31", "a\u202eb"])
def test_what_a_terminal_would_obey_is_spelt_out(attack: str) -> None:
    for shown in (harmless(attack), plain(attack)):
        assert not set(shown) & set("\x1b\x07\x08\x9b\u202e")
        assert "\\" in shown


def test_colours_stay_and_end_with_the_line() -> None:
    assert harmless("\x1b[1;31mred") == "\x1b[1;31mred\x1b[0m"
    assert plain("\x1b[31mred") == "\\x1b[31mred"


def test_what_a_progress_bar_draws_over_is_shown_line_by_line() -> None:
    assert harmless("10%\r20%\r") == "10%\n20%"
    assert harmless("hidden\rshown") == "hidden\nshown"


@given(st.text())
def test_ordinary_text_is_never_changed(text: str) -> None:
    if text.isprintable():
        assert harmless(text) == plain(text) == text


@given(st.text(alphabet="\x1b[]0;31mHJ\x07\x9b\r\n\tab"))
def test_only_colours_get_through(text: str) -> None:
    shown = harmless(text)
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;:]*m", "", shown)
    assert not set(shown) & set("\x07\x9b\r")


def test_a_log_on_a_terminal_and_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, file = _Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", terminal)
    Output().line(f"loss {TITLE}")
    monkeypatch.setattr(sys, "stdout", file)
    Output().line(f"loss {TITLE}")
    assert terminal.getvalue() == "loss \\x1b]0;owned\\x07\n"
    assert file.getvalue() == f"loss {TITLE}\n"


def test_tables_and_remarks_are_safe_and_keep_their_own_colours() -> None:
    terminal = _Terminal()
    console = SafeConsole(file=terminal, force_terminal=True, color_system="standard", width=80)
    table = Table("name")
    table.add_row(Text(f"step{CLEAR}", style="red"))
    console.print(table)
    console.print(Text(f"reason{TITLE}", style="bold red"))
    said = terminal.getvalue()
    assert "\x1b[2J" not in said
    assert "\x1b]" not in said
    assert "\x1b[31m" in said
    # rich drops the bell by itself.
    assert "reason\\x1b]0;owned" in said
