"""Executions of state machines, driven durably."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.core.tasks import TaskHeartbeat, TaskSucceeded
from stepmill.engine.interpreters.states.events import StopRequested
from stepmill.engine.machines.starting import NAME_HELD
from stepmill.engine.waiting import wait_until
from stepmill.language.states.definition import Given
from stepmill.testing.clock import FakeClock
from stepmill.testing.handlers import Hold, ScriptedHandler
from support.engines import LIMIT
from support.machine_homes import ARNS, MachineHome, open_machine_home, start_of
from support.stating import SEND, machine, state

WAITS = SEND + ".waitForTaskToken"
MACHINES = {
    "Greet": machine(state("Pass", "Hello", next="Bye"), state("Pass", "Bye")),
    "Ask": machine(state("Task", "Ask", resource=SEND)),
    "Token": machine(state("Task", "Token", resource=WAITS)),
    "Sleep": machine(state("Wait", "Sleep", seconds=Given(365 * 86_400))),
    "Break": machine(state("Fail", "Break", error=Given("Broken"), cause=Given("It fell."))),
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[MachineHome]:
    with open_machine_home(tmp_path, MACHINES) as home:
        yield home


def test_an_execution_keeps_its_texts_as_they_were_written(home: MachineHome) -> None:
    _, control = home.drive()
    begun = control.start(start_of("Greet", name="monday", input='{ "a": 1.0 }'))
    assert begun.arn == ARNS.execution("Greet", "monday")
    ended = control.wait(begun.arn, LIMIT)
    reader = home.reader()
    assert (ended.status, ended.details.name) == (Status.SUCCEEDED, "monday")
    assert (reader.input(begun.arn), reader.output(begun.arn)) == ('{ "a": 1.0 }', '{"a":1.0}')
    assert ended.details.stopped_at is not None
    assert ended.details.stopped_at >= ended.started_at


def test_the_history_is_read_from_both_ends_page_by_page(home: MachineHome) -> None:
    _, control = home.drive()
    execution = control.start(start_of("Greet")).id
    control.wait(execution, LIMIT)
    reader = home.reader()
    types = [record.type for record in reader.history(execution)]
    assert types == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert [record.position for record in reader.history(execution, after_position=2, limit=2)] == [3, 4]
    first = reader.history_backwards(execution, limit=4)
    assert [record.position for record in first] == [6, 5, 4, 3]
    rest = reader.history_backwards(execution, before_position=3, limit=4)
    assert [record.position for record in rest] == [2, 1]
    assert reader.history_backwards(execution, before_position=1, limit=4) == []


def test_a_failure_leaves_its_error_and_cause(home: MachineHome) -> None:
    _, control = home.drive()
    ended = control.wait(control.start(start_of("Break")).id, LIMIT)
    assert (ended.status, ended.details.error, ended.details.cause) == (Status.FAILED, "Broken", "It fell.")
    assert home.reader().output(ended.id) is None


def test_the_same_start_twice_is_one_execution_while_it_runs(home: MachineHome) -> None:
    _, control = home.drive()
    wish = start_of("Sleep", name="once", input="[1]")
    first = control.start(wish)
    assert control.start(wish).started_at == first.started_at
    with pytest.raises(ConflictError, match="Execution Already Exists"):
        control.start(start_of("Sleep", name="once", input="[ 1]"))
    control.stop(first.arn, StopRequested())
    with pytest.raises(ConflictError):
        control.start(wish)


def test_a_name_is_free_again_ninety_days_after_the_end(tmp_path: Path) -> None:
    clock = FakeClock()
    with open_machine_home(tmp_path, MACHINES, clock) as home:
        _, control = home.drive()
        wish = start_of("Greet", name="once")
        old = control.wait(control.start(wish).id, LIMIT)
        clock.advance(NAME_HELD)
        with pytest.raises(ConflictError):
            control.start(wish)
        clock.advance(timedelta(seconds=1))
        new = control.wait(control.start(wish).id, LIMIT)
        assert (new.arn, new.started_at > old.started_at) == (old.arn, True)
        assert new.position == len(home.reader().history(new.id))


def test_express_executions_may_share_a_name(home: MachineHome) -> None:
    _, control = home.drive()
    wish = start_of("Greet", name="often", is_express=True)
    first, second = control.start(wish), control.start(wish)
    assert first.arn != second.arn
    assert first.arn.startswith("arn:aws:states:us-west-2:123456789012:express:Greet:often:")
    assert {control.wait(each.id, LIMIT).status for each in (first, second)} == {Status.SUCCEEDED}


@pytest.mark.parametrize(
    "options", [{"name": "a/b"}, {"name": "x" * 81}, {"input": "not json"}, {"input": ""}]
)
def test_what_cannot_be_started_is_refused_and_not_kept(home: MachineHome, options: dict[str, str]) -> None:
    _, control = home.drive()
    with pytest.raises(InvalidInputError):
        control.start(start_of("Greet", **options))
    assert home.reader().find().executions == ()


def test_a_stop_ends_at_once_and_stops_the_task(home: MachineHome) -> None:
    handler = ScriptedHandler().on("Ask", Hold())
    _, control = home.drive({SEND: handler})
    execution = control.start(start_of("Ask")).id
    handler.wait_for_task("Ask")
    stopped = control.stop(execution, StopRequested(error="Enough", cause="We have seen it."))
    assert (stopped.status, stopped.details.error, stopped.details.cause) == (
        Status.ABORTED,
        "Enough",
        "We have seen it.",
    )
    again = control.stop(execution, StopRequested(error="Later"))
    assert again.details.error == "Enough"


def test_a_task_is_seen_to_its_end_after_the_execution_has_ended(home: MachineHome) -> None:
    stubborn = ScriptedHandler().on("Ask", Hold(stops=False))
    engine, control = home.drive({SEND: stubborn})
    execution = control.start(start_of("Ask")).id
    stubborn.wait_for_task("Ask")
    control.stop(execution, StopRequested())
    engine.close()
    # Nobody knows whether the task heard of it: the next engine tells it again.
    heard = ScriptedHandler().on("Ask", Hold())
    next_engine, next_control = home.drive({SEND: heard})
    assert next_engine.resume() == [execution]
    wait_until(lambda: home.store().tasks(execution) == [], lambda: None)
    assert len(heard.asked_to_stop) == 1
    assert next_control.wait(execution, LIMIT).status is Status.ABORTED


def _token(home: MachineHome, execution: str) -> str:
    (kept,) = home.store().tasks(execution)
    return str(kept.task.extra["token"])


def test_a_token_ends_its_task_and_is_good_for_nothing_then(home: MachineHome) -> None:
    handler = ScriptedHandler().on("Token", Hold())
    _, control = home.drive({WAITS: handler})
    execution = control.start(start_of("Token")).id
    handler.wait_for_task("Token")
    token = _token(home, execution)
    control.report(token, TaskHeartbeat)
    control.report(token, lambda task: TaskSucceeded(task, {"answer": 42}))
    assert control.wait(execution, LIMIT).status is Status.SUCCEEDED
    assert home.reader().output(execution) == '{"answer":42}'
    with pytest.raises(WrongStateError, match="Task Timed Out"):
        control.report(token, TaskHeartbeat)


def test_a_forged_token_is_none(home: MachineHome) -> None:
    handler = ScriptedHandler().on("Token", Hold())
    _, control = home.drive({WAITS: handler})
    execution = control.start(start_of("Token")).id
    handler.wait_for_task("Token")
    token = _token(home, execution)
    for forged in ("", "x", token[:-6] + "AAAAAA", "AAAA" + token[4:]):
        with pytest.raises(NotFoundError, match="Invalid Token"):
            control.report(forged, TaskSucceeded)
    assert control.wait(execution, timedelta(0)).status is Status.RUNNING


def test_machines_and_pipelines_of_one_name_are_listed_apart(home: MachineHome) -> None:
    engine, control = home.drive()
    mine = control.start(start_of("Greet")).id
    control.start(start_of("Sleep"))
    assert engine.executions.find(pipeline="Greet").executions == ()
    reader = home.reader()
    assert [each.id for each in reader.find(machine="Greet").executions] == [mine]
    assert [each.machine for each in reader.find(statuses=[Status.RUNNING]).executions][:1] == ["Sleep"]
    with pytest.raises(NotFoundError):
        engine.describe(mine)
    with pytest.raises(NotFoundError):
        engine.stop(mine)


def test_pages_of_a_listing_go_on_where_the_last_one_ended(home: MachineHome) -> None:
    _, control = home.drive()
    started = [control.start(start_of("Sleep")).id for _ in range(5)]
    reader = home.reader()
    page = reader.find(machine="Sleep", limit=3)
    rest = reader.find(machine="Sleep", limit=3, after=page.next_token)
    assert [each.id for each in (*page.executions, *rest.executions)] == started[::-1]
    assert rest.next_token is None


def test_what_waits_goes_on_with_the_next_engine(home: MachineHome) -> None:
    engine, control = home.drive()
    executions = [control.start(start_of("Sleep")).id for _ in range(3)]
    engine.close()
    assert all(home.reader().describe(each).is_interrupted for each in executions)
    next_engine, next_control = home.drive()
    assert next_engine.resume() == executions
    assert next_control.stop(executions[0], StopRequested()).status is Status.ABORTED
    assert not home.reader().describe(executions[1]).is_interrupted
