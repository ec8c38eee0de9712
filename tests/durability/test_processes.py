"""Two living processes over one home: one drives in a process of its own, the other is this one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.errors import StorageError
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.tasks import TaskSucceeded
from stepmill.engine.engine import Engine
from stepmill.engine.interpreters.pipelines.events import StopRequested
from support.durable import Processes, open_engine, wait_for_file
from support.engines import LIMIT, definition, lambda_step, request

TEXT = definition(lambda_step("A"), lambda_step("Held", "A"), lambda_step("B", "Held"))


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Processes]:
    """Another process that drives an execution whose second step is held."""
    with Processes() as processes:
        processes.begin(tmp_path, "start", definition=TEXT)
        wait_for_file(tmp_path / "held")
        yield processes


@pytest.fixture
def engine(tmp_path: Path, other: Processes) -> Iterator[Engine]:
    engine, database = open_engine(tmp_path)
    yield engine
    engine.close()
    database.close()


@pytest.fixture
def execution(engine: Engine) -> str:
    (found,) = engine.executions.find().executions
    return found.id


def _kill(home: Path, other: Processes) -> None:
    os.kill(int((home / "pid").read_text()), signal.SIGKILL)
    assert other.end()


def test_a_stop_reaches_the_process_that_drives(engine: Engine, execution: str, other: Processes) -> None:
    engine.stop(execution)
    assert engine.wait(execution, LIMIT).status is Status.STOPPED
    assert not other.end()


def test_an_event_reaches_the_process_that_drives(engine: Engine, execution: str, other: Processes) -> None:
    assert engine.post(execution, TaskSucceeded(f"{execution}/Held/1"))
    assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
    assert not other.end()


def test_it_is_left_alone_while_its_process_lives(engine: Engine, execution: str, other: Processes) -> None:
    summary = engine.describe(execution)
    assert summary.owner not in ("", engine.id)
    assert not summary.is_interrupted
    assert engine.resume() == []
    engine.stop(execution)
    other.end()


def test_when_its_process_is_killed_another_takes_over(
    engine: Engine, execution: str, other: Processes, tmp_path: Path
) -> None:
    _kill(tmp_path, other)
    assert engine.describe(execution).is_interrupted
    assert engine.resume() == [execution]
    assert engine.describe(execution).owner == engine.id
    engine.post(execution, TaskSucceeded(f"{execution}/Held/1"))
    assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
    assert (tmp_path / "effects" / f"{execution}=A=1=done").exists()
    assert [path.stem for path in (tmp_path / "engines").iterdir()] == [engine.id]


def test_a_stop_after_the_kill_drives_it_to_its_end(
    engine: Engine, execution: str, other: Processes, tmp_path: Path
) -> None:
    _kill(tmp_path, other)
    engine.stop(execution)
    assert engine.wait(execution, LIMIT).status is Status.STOPPED
    assert (tmp_path / "effects" / f"{execution}=Held=1=stopped").exists()


def test_what_was_posted_after_the_kill_is_taken_in_on_resume(
    engine: Engine, execution: str, other: Processes, tmp_path: Path
) -> None:
    _kill(tmp_path, other)
    assert not engine.post(execution, TaskSucceeded(f"{execution}/Held/1"))
    assert not engine.post(execution, StopRequested())
    assert engine.resume() == [execution]
    assert engine.wait(execution, LIMIT).status is Status.STOPPED
    kinds = [record.type for record in engine.executions.whole_history(execution)]
    assert kinds.count("ExecutionStopping") == 1
    assert [r.position for r in engine.executions.whole_history(execution)] == list(range(1, len(kinds) + 1))


def test_many_processes_write_to_one_home(tmp_path: Path) -> None:
    text = definition(*(lambda_step(f"S{n}") for n in range(20)))
    with Processes() as first, Processes() as second:
        for processes in (first, second):
            processes.begin(tmp_path, "start", definition=text)
        engine, database = open_engine(tmp_path)
        mine = engine.start(request(text))
        assert engine.wait(mine, LIMIT).status is Status.SUCCEEDED
        assert not first.end()
        assert not second.end()
        found = engine.executions.find().executions
        assert [each.status for each in found] == [Status.SUCCEEDED] * 3
        engine.close()
        database.close()


def test_a_home_without_room_for_locks_is_told(tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("in the way")
    with pytest.raises(StorageError, match="lock file"):
        open_engine(tmp_path)
