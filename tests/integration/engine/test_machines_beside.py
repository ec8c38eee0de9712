"""Executions of state machines that a process beside the server starts, stops, answers and waits for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.errors import ConflictError
from stepmill.core.service_models import service_model
from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.core.tasks import TaskSucceeded
from stepmill.engine.deputy import Deputy
from stepmill.engine.engine import Engine
from stepmill.engine.interpreters.states.events import RedriveRequested, StopRequested
from stepmill.engine.machines.control import MachineControl
from stepmill.engine.ownership import is_alive
from stepmill.engine.plans import Plans
from stepmill.engine.reading import ExecutionReader
from stepmill.engine.waiting import wait_until
from stepmill.language.states.definition import Given
from stepmill.testing.handlers import Fail, Hold, ScriptedHandler, Succeed
from support.engines import ARNS, LIMIT
from support.machine_homes import MachineHome, open_machine_home, start_of
from support.stating import SEND, machine, state

WAITS = SEND + ".waitForTaskToken"
MACHINES = {
    "Greet": machine(state("Pass", "Hello")),
    "Ask": machine(state("Task", "Ask", resource=SEND)),
    "Token": machine(state("Task", "Token", resource=WAITS)),
    "Sleep": machine(state("Wait", "Sleep", seconds=Given(86_400))),
}


class Beside:
    """A process beside a server, if there is one: its deputy, and the engine that it may make."""

    def __init__(self, home: MachineHome, handler: ScriptedHandler) -> None:
        self.home = home
        self.server: Engine | None = None
        self.made: list[Engine] = []
        self._handler = handler
        store = home.store()
        plans = Plans(store.definition, service_model)
        locks = home.folder / "engines"
        self.deputy = Deputy(
            store,
            plans,
            ExecutionReader(store, plans, locks),
            resources=[],
            clock=home.clock,
            arns=ARNS,
            locks=locks,
            server=self._find_server,
            make_engine=self._make,
        )
        self.control: MachineControl = home.control(self.deputy)

    def serve(self) -> Engine:
        self.server, _ = self.home.drive({SEND: self._handler, WAITS: self._handler}, serves=True)
        return self.server

    def _find_server(self) -> str:
        alive = self.server and is_alive(self.home.folder / "engines", self.server.id)
        return self.server.id if self.server and alive else ""

    def _make(self) -> Engine:
        engine, _ = self.home.drive({SEND: self._handler, WAITS: self._handler})
        self.made.append(engine)
        return engine


@pytest.fixture
def handler() -> ScriptedHandler:
    return ScriptedHandler()


@pytest.fixture
def beside(tmp_path: Path, handler: ScriptedHandler) -> Iterator[Beside]:
    with open_machine_home(tmp_path, MACHINES) as home:
        beside = Beside(home, handler)
        yield beside
        beside.deputy.close()


def test_the_server_drives_what_is_started_beside_it(beside: Beside) -> None:
    server = beside.serve()
    execution = beside.control.start(start_of("Greet", name="one", input="[1]"))
    assert execution.owner == server.id
    assert beside.control.wait(execution.id, LIMIT).status is Status.SUCCEEDED
    assert beside.home.reader().output(execution.id) == "[1]"
    assert beside.made == []
    with pytest.raises(ConflictError):
        beside.control.start(start_of("Greet", name="one", input="[1]"))


def test_a_stop_beside_the_server_reaches_it(beside: Beside) -> None:
    beside.serve()
    execution = beside.control.start(start_of("Sleep", name="one")).id
    assert beside.control.start(start_of("Sleep", name="one")).id == execution
    assert beside.control.stop(execution, StopRequested("Enough", "")).status is Status.ABORTED
    assert beside.made == []


def test_a_token_is_answered_beside_the_server(beside: Beside, handler: ScriptedHandler) -> None:
    handler.on("Token", Hold())
    beside.serve()
    execution = beside.control.start(start_of("Token")).id
    token = str(handler.wait_for_task("Token").extra["token"])
    beside.control.report(token, lambda task: TaskSucceeded(task, 7))
    assert beside.control.wait(execution, LIMIT).status is Status.SUCCEEDED
    assert beside.home.reader().output(execution) == "7"


def test_a_redrive_beside_the_server_reaches_it(beside: Beside, handler: ScriptedHandler) -> None:
    handler.on("Ask", Fail("Broken"), Succeed(1))
    beside.serve()
    execution = beside.control.start(start_of("Ask")).id
    assert beside.control.wait(execution, LIMIT).status is Status.FAILED
    assert beside.control.redrive(execution, RedriveRequested()).details.redrive_count == 1
    assert beside.control.wait(execution, LIMIT).status is Status.SUCCEEDED


def test_without_a_server_this_process_drives(beside: Beside) -> None:
    execution = beside.control.start(start_of("Greet")).id
    assert beside.control.wait(execution, LIMIT).status is Status.SUCCEEDED
    assert len(beside.made) == 1


def test_what_a_dead_server_left_is_stopped_by_this_process(beside: Beside) -> None:
    server = beside.serve()
    execution = beside.control.start(start_of("Sleep")).id
    server.close()
    assert beside.control.wait(execution, LIMIT).is_interrupted
    assert beside.control.stop(execution, StopRequested()).status is Status.ABORTED
    assert len(beside.made) == 1


def test_a_new_server_goes_on_with_what_was_left(beside: Beside, handler: ScriptedHandler) -> None:
    handler.on("Ask", Hold())
    first = beside.serve()
    execution = beside.control.start(start_of("Ask")).id
    handler.wait_for_task("Ask")
    first.close()
    second, reader = beside.serve(), beside.home.reader()
    wait_until(lambda: reader.describe(execution).owner == second.id, lambda: None)
    handler.finish("Ask", Succeed(3))
    assert beside.control.wait(execution, LIMIT).status is Status.SUCCEEDED
    assert beside.made == []
