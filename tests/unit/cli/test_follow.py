"""What is said of an execution while it runs, line by line."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from stepmill.cli.follow import Shown, _JsonLines, _Plain
from stepmill.cli.output import Output
from stepmill.cli.progress import Progress, StepLine
from stepmill.core.json import JsonObject
from stepmill.storage.executions import HistoryRecord

T0 = datetime(2026, 1, 1, tzinfo=UTC)
STARTED: tuple[str, str, JsonObject] = ("StepStarted", "Train", {"attempt": 1})


def said(capsys: pytest.CaptureFixture[str], *events: tuple[str, str, JsonObject]) -> list[str]:
    """Return the lines that the events make, one second apart, without the time of day."""
    steps = [StepLine("Train", "Training"), StepLine("Ask", "Callback"), StepLine("Good", "Condition")]
    watching = _Plain(Output(), Progress.of(steps))
    for second, (what, step, body) in enumerate(events):
        watching.saw(HistoryRecord(second + 1, T0 + timedelta(seconds=second), what, step, body))
    lines = capsys.readouterr().out.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in lines)
    return [line[9:] for line in lines]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (("StepSucceeded", "Train", {}), "Train: succeeded in 1.0 s"),
        (("StepFailed", "Train", {"reason": "E: no\nmore"}), "Train: failed after 1.0 s: E: no"),
        (("StepStopped", "Train", {}), "Train: stopped after 1.0 s"),
        (("StepRetryScheduled", "Train", {"reason": "E: busy"}), "Train: will be tried again: E: busy"),
        (("StepStarted", "Train", {"attempt": 2}), "Train: started (attempt 2)"),
        (("StepRunning", "Train", {"notes": ["one", "two"]}), "Train: one; two"),
    ],
)
def test_each_event_of_a_step_is_a_line(
    capsys: pytest.CaptureFixture[str], event: tuple[str, str, JsonObject], line: str
) -> None:
    assert said(capsys, STARTED, event) == ["Train: started", line]


@pytest.mark.parametrize(
    "event", [("StepRunning", "Train", {}), ("StepStopping", "Train", {}), ("SomethingNew", "Train", {})]
)
def test_what_says_nothing_new_is_no_line(
    capsys: pytest.CaptureFixture[str], event: tuple[str, str, JsonObject]
) -> None:
    assert said(capsys, STARTED, event) == ["Train: started"]


def test_a_remark_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(
        capsys, ("StepRunning", "Train", {"notes": ["one"]}), ("StepRunning", "Train", {"notes": ["two"]})
    )
    assert lines == ["Train: one", "Train: two"]


def test_a_cached_step_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, STARTED, ("StepCacheHit", "Train", {}), ("StepSucceeded", "Train", {}))
    assert lines[-1] == "Train: succeeded in 2.0 s (cached)"


def test_a_step_taken_over_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, ("StepReused", "Train", {})) == ["Train: taken over from an earlier execution"]


def test_a_condition_says_how_it_came_out(capsys: pytest.CaptureFixture[str]) -> None:
    decided: JsonObject = {"metadata": {"Condition": {"Outcome": "False"}}}
    lines = said(capsys, ("StepStarted", "Good", {}), ("StepSucceeded", "Good", decided))
    assert lines[-1] == "Good: succeeded in 1.0 s  False"


def test_a_callback_says_how_to_answer_it(capsys: pytest.CaptureFixture[str]) -> None:
    sent: JsonObject = {"metadata": {"Callback": {"CallbackToken": "abc123"}}}
    lines = said(capsys, ("StepStarted", "Ask", {}), ("StepRunning", "Ask", sent))
    assert lines[-1] == "Ask: waits for an answer: stepmill callbacks succeed abc123"


def test_the_execution_itself_has_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(
        capsys,
        ("ExecutionStarted", "", {}),
        ("ExecutionStopping", "", {}),
        ("ExecutionFailed", "", {"reason": "Step failure: one of them."}),
    )
    assert lines == ["Executing", "Stopping", "Failed: Step failure: one of them."]


def test_for_programs_every_event_is_a_document_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    watching = _JsonLines(Output(as_json=True))
    watching.saw(HistoryRecord(7, T0, "StepStarted", "Train", {"attempt": 1}))
    watching.saw(HistoryRecord(8, T0, "SomethingNew", "", {"text": "a\nb"}))
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first) == {
        "position": 7,
        "at": "2026-01-01T00:00:00Z",
        "type": "StepStarted",
        "step": "Train",
        "body": {"attempt": 1},
    }
    assert json.loads(second)["body"] == {"text": "a\nb"}


def test_an_end_that_was_shown_before_does_not_count_again() -> None:
    shown = Shown(5)
    shown.position = 9
    assert shown.begun_at == 5
