"""The live drawing, on a pseudo-terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stepmill.cli.exit_codes import ExitCode
from support.cli import Cli, definition, open_door, processing, statuses, waiting_step
from support.features import BUCKET, group_request
from support.terminal import Terminal

DIABETES = Path(__file__).parents[3] / "examples" / "diabetes" / "pipeline.py"


def on_terminal(cli: Cli, *arguments: str, columns: int, rows: int = 24, **environment: str) -> Terminal:
    command = [sys.executable, "-m", "stepmill", *arguments]
    return Terminal(command, cli.folder, cli.environment(**environment), columns=columns, rows=rows)


def test_the_demo_is_drawn(cli: Cli) -> None:
    with on_terminal(cli, "run", str(DIABETES), columns=80) as terminal:
        terminal.until("▸ Executing")
        terminal.until("Prepare")
        assert terminal.end() == 0
        assert "\x1b[" in terminal.drawn, "colours, and lines that are drawn again"
        # The end stays on the screen as a whole.
        last = terminal.text[terminal.text.rindex("Diabetes ") :]
    for text in ("✓ Succeeded", "5/5 steps", "└─ Train", "└─ Evaluate", "○ not taken", "diabetes/1"):
        assert text in last
    assert all(len(line.rstrip()) <= 80 for line in last.splitlines())
    assert "Traceback" not in last


def test_an_ingest_shows_how_far_it_is(cli: Cli) -> None:
    with cli.platform() as platform:
        platform.objects.create_bucket(BUCKET)
        platform.features.groups.create(group_request())
    cli.write("rows.csv", "id,at,age\n1,2026-01-01T00:00:00Z,30\n")
    with on_terminal(cli, "features", "ingest", "Customers", "rows.csv", columns=100) as terminal:
        assert terminal.end() == 0
        assert "Taking in" in terminal.text
    assert "1 row in 1 file, 1 identifier online." in terminal.text


@pytest.mark.parametrize(("columns", "rows"), [(20, 24), (1, 1), (300, 5)])
def test_a_terminal_of_an_odd_size(cli: Cli, columns: int, rows: int) -> None:
    cli.write("hello.py", "print('hello')")
    step = processing("A-step-with-a-name-that-is-rather-long", "hello.py")
    cli.write("hello.json", definition(step, processing("B", "hello.py", DependsOn=[step["Name"]])))
    with on_terminal(cli, "run", "hello.json", columns=columns, rows=rows) as terminal:
        assert terminal.end() == 0
        assert "Traceback" not in terminal.text
    if columns == 20:
        assert "Succeeded" in terminal.text.replace("\n", "")
    with on_terminal(cli, "show", columns=columns, rows=rows) as terminal:
        assert terminal.end() == 0


def test_ctrl_c_is_pressed(cli: Cli) -> None:
    cli.write("wait.json", definition(waiting_step(cli)))
    with on_terminal(cli, "run", "wait.json", columns=80) as terminal:
        terminal.until("▸ Executing")
        terminal.until("Wait")
        terminal.type(b"\x03")
        assert terminal.end() == ExitCode.INTERRUPTED
        assert "Stopping: running jobs are asked to end." in terminal.text
        assert "Go on from here with: stepmill retry" in terminal.text
        assert "■ Stopped" in terminal.text
    open_door(cli)
    assert cli("retry").ok()
    assert statuses(cli.show()) == {"Wait": "Succeeded"}


def test_a_failure_on_a_terminal(cli: Cli) -> None:
    cli.write("bad.py", "raise ValueError('the data is [red]too old[/red]')")
    cli.write("bad.json", definition(processing("Bad", "bad.py")))
    with on_terminal(cli, "run", "bad.json", columns=80) as terminal:
        assert terminal.end() == ExitCode.FAILED
        assert "ValueError: the data is [red]too old[/red]" in terminal.text
        assert "✗ Failed" in terminal.text


def test_no_color(cli: Cli) -> None:
    cli.write("hello.py", "print('hello')")
    cli.write("hello.json", definition(processing("A", "hello.py")))
    with on_terminal(cli, "run", "hello.json", columns=80, NO_COLOR="1") as terminal:
        assert terminal.end() == 0
        assert "\x1b[3" not in terminal.drawn
        assert "✓ Succeeded" in terminal.text


def test_a_terminal_that_knows_no_unicode(cli: Cli) -> None:
    cli.write("hello.py", "print('hello')")
    cli.write("hello.json", definition(processing("A", "hello.py")))
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    with on_terminal(cli, "run", "hello.json", columns=80, **ascii_only) as terminal:
        assert terminal.end() == 0
        assert "Succeeded" in terminal.text
    assert "Succeeded" in cli("show", **ascii_only).ok().out
