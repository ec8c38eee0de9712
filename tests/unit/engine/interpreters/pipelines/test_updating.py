"""UpdatePipelineExecution, and the wish that somebody drives an execution."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.engine.interpreters.pipelines.events import (
    Event,
    RetryRequested,
    StopRequested,
    UpdateRequested,
    decode_event,
    encode_event,
)
from support.interpreting import Execution, step


def test_more_steps_at_once_start_more() -> None:
    run = Execution.of(step("A"), step("B"), step("C")).start(parallelism=1)
    assert run.under_way == ["A"]
    run.post(UpdateRequested(parallelism=2))
    assert run.under_way == ["A", "B"]
    assert run.said[-2:] == ["ExecutionUpdated", "StepStarted B"]


def test_fewer_at_once_stop_none() -> None:
    run = Execution.of(step("A"), step("B"), step("C")).start(parallelism=2)
    run.post(UpdateRequested(parallelism=1))
    assert run.under_way == ["A", "B"]
    run.succeed("A")
    assert run.under_way == ["B"]
    run.succeed("B")
    assert run.under_way == ["C"]


def test_texts_change_nothing_of_the_state() -> None:
    run = Execution.of(step("A")).start()
    before = dict(run.frames)
    outcome = run.post(UpdateRequested("New", "Said."))
    assert run.frames == before
    assert [fact.type for fact in outcome.history] == ["ExecutionUpdated"]
    assert outcome.status is None


@pytest.mark.parametrize("end", [Status.SUCCEEDED, Status.FAILED])
def test_after_the_end_it_stays_the_end(end: Status) -> None:
    run = Execution.of(step("A"), step("B", after=["A"])).start()
    if end is Status.FAILED:
        run.fail("A")
    else:
        run.succeed("A")
        run.succeed("B")
    outcome = run.post(UpdateRequested(parallelism=7))
    assert run.status is end
    assert [fact.type for fact in outcome.history] == ["ExecutionUpdated"]
    assert outcome.commands == ()


def test_while_it_is_stopping_nothing_more_starts() -> None:
    run = Execution.of(step("A"), step("B")).start(parallelism=1)
    run.stop()
    run.post(UpdateRequested(parallelism=5))
    assert run.under_way == ["A"]
    run.end_stopped("A")
    assert run.status is Status.STOPPED


@given(
    st.one_of(
        st.builds(
            UpdateRequested,
            st.none() | st.text(),
            st.none() | st.text(),
            st.none() | st.integers(1),
            st.text(),
        ),
        st.builds(StopRequested, st.text(), st.text()),
        st.builds(RetryRequested, st.none() | st.integers(1), st.text(), st.text()),
    )
)
def test_wishes_survive_the_inbox(event: Event) -> None:
    try:
        text = encode_event(event)
    except UnicodeEncodeError:
        return
    assert decode_event(text) == event


def test_what_an_earlier_version_wrote_is_read() -> None:
    assert decode_event('{"type":"StopRequested"}') == StopRequested()
    assert decode_event('{"type":"RetryRequested","parallelism":3}') == RetryRequested(3)
