"""What the events of a history say of the states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.console import Console

from stepmill.cli.machines.drawing import machine_headline, state_table
from stepmill.cli.machines.graph import StateRow
from stepmill.cli.machines.progress import MachineProgress, Standing, brief, reason_in

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Told = tuple[str, str] | tuple[str, str, dict[str, object]]


def progress_of(*events: Told) -> MachineProgress:
    progress = MachineProgress()
    for second, (type_, state, *body) in enumerate(events):
        progress.apply(type_, state, NOON + timedelta(seconds=second), body[0] if body else {})
    return progress


def failure(error: str, cause: str) -> dict[str, object]:
    return {"previousEventId": 1, "taskFailedEventDetails": {"error": error, "cause": cause}}


def test_a_state_is_ahead_runs_and_is_done() -> None:
    progress = progress_of(("ExecutionStarted", ""), ("PassStateEntered", "A"))
    assert (progress.standing("A"), progress.standing("B")) == (Standing.RUNNING, Standing.AHEAD)
    progress.apply("PassStateExited", "A", NOON, {})
    assert progress.standing("A") is Standing.DONE
    progress.apply("ExecutionSucceeded", "", NOON, {})
    assert (progress.status, progress.standing("B")) == ("SUCCEEDED", Standing.NOT_TAKEN)


def test_where_it_failed_and_why() -> None:
    progress = progress_of(
        ("TaskStateEntered", "A"),
        ("TaskFailed", "A", failure("Boom", "it broke")),
        ("ExecutionFailed", "", failure("Boom", "it broke")),
    )
    assert (progress.standing("A"), progress.reason) == (Standing.FAILED, "Boom: it broke")
    assert progress.lines["A"].error == "Boom: it broke"


def test_what_was_caught_is_done() -> None:
    progress = progress_of(
        ("TaskStateEntered", "A"), ("TaskFailed", "A", failure("Boom", "")), ("TaskStateExited", "A")
    )
    assert (progress.standing("A"), progress.lines["A"].failed) == (Standing.DONE, 1)


def test_what_was_cut_off() -> None:
    progress = progress_of(("TaskStateEntered", "A"), ("TaskStateAborted", "A"))
    assert progress.standing("A") is Standing.ABORTED
    stopped = progress_of(("WaitStateEntered", "A"), ("ExecutionAborted", "", failure("Enough", "")))
    assert (stopped.standing("A"), stopped.status) == (Standing.ABORTED, "ABORTED")


def test_a_redrive_begins_again() -> None:
    progress = progress_of(
        ("TaskStateEntered", "A"),
        ("ExecutionFailed", "", failure("Boom", "")),
        ("ExecutionRedriven", ""),
    )
    assert (progress.status, progress.reason) == ("RUNNING", "")


def test_iterations_are_counted() -> None:
    progress = progress_of(*[("PassStateEntered", "A")] * 3, *[("PassStateExited", "A")] * 2)
    assert (progress.lines["A"].running, progress.standing("A")) == (1, Standing.RUNNING)


def test_time_goes_on_while_a_state_runs() -> None:
    progress = progress_of(("PassStateEntered", "A"))
    later = NOON + timedelta(seconds=9)
    assert progress.lines["A"].took(later) == timedelta(seconds=9)
    progress.apply("PassStateExited", "A", NOON + timedelta(seconds=2), {})
    assert progress.lines["A"].took(later) == timedelta(seconds=2)


def test_a_reason_is_short() -> None:
    assert reason_in({"previousEventId": 3, "details": {"cause": "alone"}}) == "alone"
    assert reason_in({"previousEventId": 3}) == ""
    assert len(brief("x " * 500)) == 160


def test_the_drawing_shows_the_path() -> None:
    rows = [
        StateRow("Which", "Choice", "", ("Left", "Right")),
        StateRow("Left", "Pass"),
        StateRow("Right", "Fail"),
    ]
    progress = progress_of(
        ("ChoiceStateEntered", "Which"),
        ("ChoiceStateExited", "Which"),
        ("PassStateEntered", "Left"),
        ("PassStateExited", "Left"),
        ("ExecutionSucceeded", ""),
    )
    console = Console(width=100, record=True)
    console.print(machine_headline("m", "e", progress.status, "1 s"), state_table(rows, progress, NOON))
    text = console.export_text()
    assert "m e  ✓ SUCCEEDED" in text
    assert "→ Left" in text
    assert [line.split()[:4] for line in text.splitlines() if "Right" in line] == [
        ["Right", "Fail", "○", "not"]
    ]


def test_a_small_screen_shows_what_runs() -> None:
    rows = [StateRow(f"S{number}", "Pass") for number in range(50)]
    progress = progress_of(("PassStateEntered", "S40"))
    console = Console(width=100, record=True)
    console.print(state_table(rows, progress, NOON, most_rows=5))
    text = console.export_text()
    assert "S40" in text
    assert "... and 45 more" in text
