"""Iterations of distributed maps, as executions of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.json import read_json, write_json
from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.core.tasks import Task
from stepmill.engine.interpreters.states.events import RedriveRequested, StopRequested
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.engine.waiting import wait_until
from stepmill.language.states.definition import (
    Branch,
    ExecutionType,
    Given,
    PassState,
    ProcessorMode,
    QueryLanguage,
    StateMachine,
    TaskState,
)
from stepmill.testing.handlers import Answer, Fail, Hold, ScriptedHandler, Succeed
from support.engines import LIMIT
from support.machine_homes import MachineHome, open_machine_home, start_of
from support.stating import SEND, machine, state

PATH = "/States/Each/ItemProcessor/States/One"


def _each(one: PassState | TaskState, **fields: object) -> StateMachine:
    processor = Branch(start_at="One", states={"One": one})
    return machine(
        state("Map", "Each", processor=processor, mode=ProcessorMode.DISTRIBUTED, label="Each", **fields)
    )


_PASS = PassState(name="One", path=PATH, query_language=QueryLanguage.JSON_PATH)
_ASK = TaskState(name="One", path=PATH, query_language=QueryLanguage.JSON_PATH, resource=SEND)
MACHINES = {
    "Copy": _each(_PASS),
    "Express": _each(_PASS, execution_type=ExecutionType.EXPRESS),
    "Ask": _each(_ASK, max_concurrency=Given(2)),
    "Tolerant": _each(_ASK, tolerated_failures=Given(1)),
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[MachineHome]:
    with open_machine_home(tmp_path, MACHINES) as home:
        yield home


def _children(home: MachineHome, parent: str) -> list[MachineExecution]:
    (run,) = [r for r in home.reader().history(parent) if r.type == "MapRunStarted"]
    details = run.body["mapRunStartedEventDetails"]
    assert isinstance(details, dict)
    return list(home.reader().find(map_run=str(details["mapRunArn"])).executions)


@pytest.mark.parametrize("name", ["Copy", "Express"])
def test_each_item_is_an_execution_and_the_outputs_come_in_order(home: MachineHome, name: str) -> None:
    _, control = home.drive()
    items = list(range(25))
    parent = control.start(start_of(name, input=write_json(items))).id
    assert control.wait(parent, LIMIT).status is Status.SUCCEEDED
    assert read_json(home.reader().output(parent) or "") == items
    children = _children(home, parent)
    assert {child.status for child in children} == {Status.SUCCEEDED}
    assert sorted(int(home.reader().input(child.id)) for child in children) == items
    kind = "express" if name == "Express" else "execution"
    assert all(f":{kind}:{name}/Each:" in child.arn for child in children)
    # They are listed for their Map Run alone.
    assert [each.id for each in home.reader().find(machine=name).executions] == [parent]


def test_no_more_run_at_once_than_the_map_allows(home: MachineHome) -> None:
    handler = ScriptedHandler(lambda _task: Hold())
    _, control = home.drive({SEND: handler})
    parent = control.start(start_of("Ask", input="[1,2,3]")).id
    wait_until(lambda: len(handler.steps) == 2, lambda: None)
    assert len(_children(home, parent)) == 2
    for count in (3, 3, 3):
        handler.finish("One", Succeed(0))
        wait_until(lambda count=count: len(handler.steps) == count, lambda: None)
    assert control.wait(parent, LIMIT).status is Status.SUCCEEDED


def _odd_fail(task: Task) -> Answer:
    return Fail("Odd", "It is odd.") if isinstance(task.payload, int) and task.payload % 2 else Succeed()


def test_failures_are_tolerated_up_to_their_number(home: MachineHome) -> None:
    _, control = home.drive({SEND: ScriptedHandler(_odd_fail)})
    one = control.start(start_of("Tolerant", input="[0,1,2]")).id
    two = control.start(start_of("Tolerant", input="[0,1,2,3]")).id
    assert control.wait(one, LIMIT).status is Status.SUCCEEDED
    failed = control.wait(two, LIMIT)
    assert (failed.status, failed.details.error) == (
        Status.FAILED,
        "States.ExceedToleratedFailureThreshold",
    )


def test_a_stop_of_the_parent_ends_the_children(home: MachineHome) -> None:
    handler = ScriptedHandler(lambda _task: Hold())
    _, control = home.drive({SEND: handler})
    parent = control.start(start_of("Ask", input="[1,2,3]")).id
    wait_until(lambda: len(handler.steps) == 2, lambda: None)
    assert control.stop(parent, StopRequested()).status is Status.ABORTED
    children = _children(home, parent)
    assert {control.wait(child.id, LIMIT).status for child in children} == {Status.ABORTED}


def test_the_next_engine_finds_children_that_run_and_that_have_ended(home: MachineHome) -> None:
    handler = ScriptedHandler(lambda task: Hold() if task.payload == 1 else Succeed(task.payload))
    engine, control = home.drive({SEND: handler})
    parent = control.start(start_of("Copy", input="[]")).id
    assert control.wait(parent, LIMIT).status is Status.SUCCEEDED
    parent = control.start(start_of("Ask", input="[0,1,2]")).id
    wait_until(lambda: len(handler.steps) == 3, lambda: None)
    engine.close()
    next_engine, next_control = home.drive({SEND: handler})
    # The parent alone is resumed: it has its children driven.
    assert next_engine.resume(parent) == [parent]
    handler.finish("One", Succeed(1))
    assert next_control.wait(parent, LIMIT).status is Status.SUCCEEDED
    assert read_json(home.reader().output(parent) or "") == [0, 1, 2]
    assert len(_children(home, parent)) == 3


def test_a_redrive_goes_on_with_the_iterations_that_failed(home: MachineHome) -> None:
    answers: list[Answer] = [Fail("Broken", ""), Succeed(7)]
    handler = ScriptedHandler(lambda task: answers.pop(0) if task.payload == 1 else Succeed(task.payload))
    _, control = home.drive({SEND: handler})
    parent = control.start(start_of("Ask", input="[0,1]")).id
    assert control.wait(parent, LIMIT).status is Status.FAILED
    begun = control.redrive(parent, RedriveRequested())
    assert begun.details.redrive_count == 1
    assert control.wait(parent, LIMIT).status is Status.SUCCEEDED
    assert read_json(home.reader().output(parent) or "") == [0, 7]
    assert sorted(child.details.redrive_count for child in _children(home, parent)) == [0, 1]
