"""How far an execution is, event by event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.cli.progress import NOT_TAKEN, WAITING, Progress, StepLine, brief, facts_of
from stepmill.core.json import JsonObject
from stepmill.engine.interpreters.pipelines.outcome import HistoryType

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def after(*events: tuple[str, str, float, JsonObject]) -> Progress:
    progress = Progress.of(
        [StepLine("Prepare", "Processing"), StepLine("Train", "Training", after=("Prepare",))]
    )
    for what, step, seconds, body in events:
        progress.apply(what, step, T0 + timedelta(seconds=seconds), body)
    return progress


def test_before_anything_is_heard_all_steps_wait() -> None:
    assert after().count() == {WAITING: 2}


def test_a_step_that_started_runs_since_then() -> None:
    line = after(("StepStarted", "Prepare", 1, {"type": "Processing", "attempt": 1})).lines["Prepare"]
    assert (line.status, line.attempt, line.is_running) == ("Executing", 1, True)
    assert line.took(T0 + timedelta(seconds=4)) == timedelta(seconds=3)


def test_a_step_that_ended_took_its_time() -> None:
    line = after(("StepStarted", "Prepare", 1, {"attempt": 1}), ("StepSucceeded", "Prepare", 3, {})).lines[
        "Prepare"
    ]
    assert (line.status, line.is_running) == ("Succeeded", False)
    assert line.took(T0 + timedelta(days=1)) == timedelta(seconds=2)


def test_another_attempt_keeps_the_first_start() -> None:
    line = after(
        ("StepStarted", "Prepare", 1, {"attempt": 1}),
        ("StepRetryScheduled", "Prepare", 2, {"reason": "no room"}),
        ("StepStarted", "Prepare", 3, {"attempt": 2}),
    ).lines["Prepare"]
    assert (line.attempt, line.reason) == (2, "")
    assert line.started_at == T0 + timedelta(seconds=1)


def test_after_a_retry_of_the_execution_the_step_starts_anew() -> None:
    progress = after(
        ("StepStarted", "Prepare", 1, {"attempt": 1}),
        ("StepFailed", "Prepare", 2, {"reason": "it broke"}),
        ("ExecutionFailed", "", 2, {"reason": "Step failure"}),
        ("ExecutionRetried", "", 10, {}),
        ("StepStarted", "Prepare", 11, {"attempt": 2}),
    )
    line = progress.lines["Prepare"]
    assert (line.status, line.reason, line.ended_at) == ("Executing", "", None)
    assert line.started_at == T0 + timedelta(seconds=11)
    assert (progress.status, progress.reason) == ("Executing", "")


def test_a_cache_hit_is_a_success_that_says_so() -> None:
    line = after(
        ("StepStarted", "Prepare", 1, {}),
        ("StepCacheHit", "Prepare", 1, {"source": "arn"}),
        ("StepSucceeded", "Prepare", 1, {}),
    ).lines["Prepare"]
    assert (line.status, line.reused) == ("Succeeded", "cached")


def test_remarks_add_up_and_facts_are_the_last() -> None:
    line = after(
        ("StepRunning", "Train", 1, {"notes": ["no earlier run"]}),
        ("StepRunning", "Train", 2, {"notes": ["isolation: none"]}),
        ("StepSucceeded", "Train", 3, {"metadata": {"Condition": {"Outcome": "False"}}}),
    ).lines["Train"]
    assert line.remarks == ("no earlier run", "isolation: none")
    assert line.facts == ("False",)


def test_a_step_of_a_branch_not_taken_is_not_waited_for() -> None:
    assert after(("StepSkipped", "Train", 1, {})).lines["Train"].status == NOT_TAKEN


def test_children_of_a_foreach_come_as_they_start() -> None:
    progress = after(("StepStarted", "Body-0", 1, {"type": "Processing"}))
    assert progress.lines["Body-0"].type == "Processing"


def loop_of(*events: tuple[str, str, float, JsonObject]) -> Progress:
    progress = Progress.of(
        [
            StepLine("Sweep", "ForEach"),
            StepLine("Train", "Training", after=("Sweep",)),
            StepLine("Test", "Processing", after=("Train",)),
        ]
    )
    for what, step, seconds, body in events:
        progress.apply(what, step, T0 + timedelta(seconds=seconds), body)
    return progress


def test_the_body_of_a_foreach_is_shown_until_its_children_are() -> None:
    assert list(loop_of().shown()) == ["Sweep", "Train", "Test"]
    begun = loop_of(("StepStarted", "Train-0", 1, {}), ("StepStarted", "Train-1", 1, {}))
    assert list(begun.shown()) == ["Sweep", "Test", "Train-0", "Train-1"]
    assert begun.count() == {WAITING: 2, "Executing": 2}


def test_the_children_of_a_foreach_hang_where_its_body_hung() -> None:
    lines = loop_of(("StepStarted", "Train-7", 1, {}), ("StepStarted", "Test-7", 2, {})).lines
    assert lines["Train-7"].after == ("Sweep",)
    assert (lines["Test-7"].after, lines["Test-7"].repeats) == (("Train-7",), "Test")


def test_the_end_of_the_execution_is_taken_in() -> None:
    progress = after(("ExecutionStarted", "", 0, {}), ("ExecutionFailed", "", 1, {"reason": "why"}))
    assert (progress.status, progress.reason) == ("Failed", "why")


def test_facts_of_strange_metadata_are_none() -> None:
    assert facts_of(None) == facts_of({"Condition": None}) == facts_of(["x"]) == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*map(str, HistoryType), "SomethingNew"]),
            st.sampled_from(["", "Prepare", "Train", "Other"]),
            st.floats(0, 100),
            st.dictionaries(
                st.sampled_from(["reason", "notes", "metadata", "attempt", "type"]),
                st.none() | st.integers() | st.text() | st.lists(st.text()),
            ),
        )
    )
)
def test_no_history_makes_it_fail(events: list[tuple[str, str, float, JsonObject]]) -> None:
    progress = after(*events)
    assert sum(progress.count().values()) == len(progress.lines) >= 2  # none of them repeats another


TRACEBACK = "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", ""),
        ("The error is 5.", "The error is 5."),
        ("ClientError: missing\nmore", "ClientError: missing"),
        ("ClientError: missing. (at x) Write one of:\n  a\n  b", "ClientError: missing. (at x)"),
        ("ClientError: these:\n  a\n  b", "ClientError: these:"),
        ("AlgorithmError: fetching\nERROR: no such package\nhint", "AlgorithmError: ERROR: no such package"),
        ("AlgorithmError: +++ echo\nError: a\nValueError: b\n+++", "AlgorithmError: ValueError: b"),
        ("ClientError: missing. Write:", "ClientError: missing. Write:"),
        (f"AlgorithmError: {TRACEBACK}\n  File\nE: b, exit code: 1", "AlgorithmError: E: b, exit code: 1"),
        (f"AlgorithmError: reading\n{TRACEBACK}\n  File\nE: b", "AlgorithmError: E: b"),
        (f"AlgorithmError: {TRACEBACK}\n  a\nE: b\nLast lines of the log:\n  c", "AlgorithmError: E: b"),
        (
            f'AlgorithmError: UserError:\nExitCode 1\nErrorMessage "E: b\n{TRACEBACK}\nE: b"\nCommand',
            "AlgorithmError: E: b",
        ),
        (f"AlgorithmError: {TRACEBACK}", f"AlgorithmError: {TRACEBACK}"),
        ("x" * 500, "x" * 200),
    ],
)
def test_a_reason_in_brief_names_the_error(reason: str, said: str) -> None:
    assert brief(reason) == said
