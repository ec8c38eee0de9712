"""Several engines in one home, one after another and at once, and a store that fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy.engine import Connection

from stepmill.core.errors import IllegalTransitionError, StorageError, StorageFullError
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.tasks import Report, Task, TaskSucceeded
from stepmill.engine import pipeline_language
from stepmill.engine.engine import Engine
from stepmill.engine.interpreters.pipelines.advance import advance
from stepmill.engine.interpreters.pipelines.events import Event
from stepmill.engine.interpreters.pipelines.frames import Frame
from stepmill.engine.interpreters.pipelines.outcome import Advance
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.storage.database import Database
from stepmill.testing.handlers import Fail, Hold, ScriptedHandler, Succeed
from support.engines import LIMIT, Home, chain, definition, lambda_step, open_home, request
from support.executions import SettableClock

SERVICE_FAULT = Fail("Step.SERVICE_FAULT", "Busy.")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path) as home:
        yield home


@pytest.fixture
def handler() -> ScriptedHandler:
    return ScriptedHandler()


def _assert_whole(engine: Engine, execution: str) -> None:
    """Hold the history against gaps, doubles, and steps that succeeded twice."""
    records = list(engine.executions.whole_history(execution))
    assert [record.position for record in records] == list(range(1, len(records) + 1))
    assert records == sorted(records, key=lambda record: record.at)
    succeeded = [record.step for record in records if record.type == "StepSucceeded"]
    assert len(succeeded) == len(set(succeeded))


class TestOneAfterAnother:
    def test_an_execution_is_interrupted_when_its_engine_closes(
        self, home: Home, handler: ScriptedHandler
    ) -> None:
        first = home.engine(handler.on("A", Hold()))
        execution = first.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        assert first.describe(execution).owner == first.id
        first.close()
        second = home.engine(handler)
        summary = second.describe(execution)
        assert summary.is_interrupted
        assert summary.status is Status.EXECUTING
        assert summary.owner == ""
        assert second.wait(execution).is_interrupted, "waiting for what nobody drives would last for ever"

    def test_the_next_engine_picks_up_what_ran(self, home: Home, handler: ScriptedHandler) -> None:
        first = home.engine(handler.on("A", Hold()))
        execution = first.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        first.close()
        second = home.engine(handler)
        assert second.resume() == [execution]
        assert second.resume() == []
        handler.finish("A")
        assert second.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert handler.steps == ["A", "B"]
        _assert_whole(second, execution)

    def test_what_ended_while_nobody_drove_is_seen(self, home: Home, handler: ScriptedHandler) -> None:
        first = home.engine(handler.on("A", Hold()))
        execution = first.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        first.close()
        handler.finish("A")
        second = home.engine(handler)
        assert second.resume(execution) == [execution]
        assert second.wait(execution, LIMIT).status is Status.SUCCEEDED
        _assert_whole(second, execution)

    def test_a_timer_survives(self, tmp_path: Path, handler: ScriptedHandler) -> None:
        clock = SettableClock()
        with open_home(tmp_path, clock) as home:
            first = home.engine(handler.on("A", SERVICE_FAULT, Succeed()))
            execution = first.start(request(chain("A")))
            _wait_for_record(first, execution, "StepRetryScheduled")
            first.close()
            second = home.engine(handler)
            second.resume()
            assert second.wait(execution, timedelta(milliseconds=300)).status is Status.EXECUTING
            assert handler.steps == ["A"]
            clock.advance(timedelta(hours=1))
            assert second.wait(execution, LIMIT).status is Status.SUCCEEDED
            assert handler.steps == ["A", "A"]
            assert home.store().timers(execution) == {}
            _assert_whole(second, execution)

    def test_an_event_posted_while_nobody_drives_waits(self, home: Home, handler: ScriptedHandler) -> None:
        first = home.engine(handler.on("A", Hold()))
        execution = first.start(request(chain("A", "B")))
        task = handler.wait_for_task("A")
        first.close()
        second, third = home.engine(ScriptedHandler()), home.engine(handler)
        assert not second.post(execution, TaskSucceeded(task.id))
        assert third.resume() == [execution]
        assert third.wait(execution, LIMIT).status is Status.SUCCEEDED
        _assert_whole(third, execution)

    def test_stopping_what_nobody_drives_drives_it_to_its_end(
        self, home: Home, handler: ScriptedHandler
    ) -> None:
        first = home.engine(handler.on("A", Hold()))
        execution = first.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        first.close()
        second = home.engine(handler)
        second.stop(execution)
        assert second.wait(execution, LIMIT).status is Status.STOPPED
        _assert_whole(second, execution)

    def test_a_stop_under_way_is_taken_over(self, home: Home, handler: ScriptedHandler) -> None:
        first = home.engine(handler.on("A", Hold(stops=False)))
        execution = first.start(request(chain("A", "B")))
        task = handler.wait_for_task("A")
        first.stop(execution)
        _wait_for_record(first, execution, "StepStopping")
        first.close()
        other = ScriptedHandler().on("A", Hold())
        second = home.engine(other)
        second.resume()
        assert second.wait(execution, LIMIT).status is Status.STOPPED
        assert set(other.asked_to_stop) == {task.id}

    def test_what_has_ended_is_not_resumed(self, home: Home, handler: ScriptedHandler) -> None:
        engine = home.engine(handler)
        execution = engine.start(request(chain("A")))
        engine.wait(execution, LIMIT)
        assert engine.resume() == []
        assert engine.resume(execution) == []

    def test_a_retry_may_come_from_another_engine(self, home: Home, handler: ScriptedHandler) -> None:
        first = home.engine(handler.on("A", Fail(), Succeed()))
        execution = first.start(request(chain("A", "B")))
        assert first.wait(execution, LIMIT).status is Status.FAILED
        second = home.engine(handler)
        second.retry(execution)
        assert second.wait(execution, LIMIT).status is Status.SUCCEEDED
        _assert_whole(second, execution)

    def test_a_retry_that_was_posted_and_not_taken_in_is_resumed(
        self, home: Home, handler: ScriptedHandler
    ) -> None:
        engine = home.engine(handler.on("A", Fail(), Succeed()))
        execution = engine.start(request(chain("A")))
        engine.wait(execution, LIMIT)
        home.store().post(execution, '{"type":"RetryRequested"}', statuses=["Failed"])
        assert engine.resume() == [execution]
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED

    def test_an_event_that_cannot_be_read_is_dropped(
        self, home: Home, handler: ScriptedHandler, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine = home.engine(handler.on("A", Hold()))
        execution = engine.start(request(chain("A")))
        handler.wait_for_task("A")
        store = home.store()
        with caplog.at_level(logging.ERROR):
            store.post(execution, '{"type":"FromTheFuture"}', statuses=["Executing"])
            handler.finish("A")
            assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert store.inbox("") == []


def _wait_for_record(engine: Engine, execution: str, kind: str) -> None:
    position = 0
    while True:
        records = engine.executions.history(execution, after_position=position)
        if any(record.type == kind for record in records):
            return
        position = records[-1].position if records else position
        assert engine.wait_for_progress(execution, position, LIMIT).position > position


class TestAtOnce:
    def test_what_another_engine_drives_is_left_alone(self, home: Home, handler: ScriptedHandler) -> None:
        first, second = home.engine(handler.on("A", Hold())), home.engine(handler)
        execution = first.start(request(chain("A")))
        handler.wait_for_task("A")
        assert second.resume() == []
        assert second.resume(execution) == []
        summary = second.describe(execution)
        assert summary.owner == first.id
        assert not summary.is_interrupted
        handler.finish("A")
        assert second.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert len(handler.handed_over) == 1

    def test_a_stop_reaches_the_engine_that_drives(self, home: Home, handler: ScriptedHandler) -> None:
        first, second = home.engine(handler.on("A", Hold())), home.engine(ScriptedHandler())
        execution = first.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        second.stop(execution)
        assert second.wait(execution, LIMIT).status is Status.STOPPED
        assert first.describe(execution).status is Status.STOPPED
        _assert_whole(first, execution)

    def test_an_event_reaches_the_engine_that_drives(self, home: Home, handler: ScriptedHandler) -> None:
        first, second = home.engine(handler.on("A", Hold())), home.engine(ScriptedHandler())
        execution = first.start(request(chain("A", "B")))
        task = handler.wait_for_task("A")
        assert second.post(execution, TaskSucceeded(task.id))
        assert first.wait(execution, LIMIT).status is Status.SUCCEEDED

    def test_only_one_of_many_resumes(self, home: Home, handler: ScriptedHandler) -> None:
        first = home.engine(handler.on("A", Hold()))
        execution = first.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        first.close()
        engines = [home.engine(handler) for _ in range(4)]
        adopted: list[str] = []
        threads = [threading.Thread(target=lambda e=e: adopted.extend(e.resume())) for e in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert adopted == [execution]
        handler.finish("A")
        assert engines[0].wait(execution, LIMIT).status is Status.SUCCEEDED
        assert handler.steps == ["A", "B"]
        _assert_whole(engines[0], execution)

    def test_only_one_of_many_threads_resumes(self, home: Home, handler: ScriptedHandler) -> None:
        first = home.engine(handler.on("A", Hold()))
        execution = first.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        first.close()
        engine, adopted = home.engine(handler), list[str]()
        threads = [threading.Thread(target=lambda: adopted.extend(engine.resume())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert adopted == [execution]
        handler.finish("A")
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
        _assert_whole(engine, execution)

    def test_who_lost_an_execution_writes_nothing_more(self, home: Home, handler: ScriptedHandler) -> None:
        engine = home.engine(handler.on("A", Hold()))
        execution = engine.start(request(chain("A", "B")))
        _wait_for_record(engine, execution, "StepRunning")
        store = home.store()
        before = store.get(execution)
        assert store.adopt(execution, "f" * 16, instead_of=engine.id)
        engine.post(execution, TaskSucceeded("no matter"))
        handler.finish("A")
        assert engine.wait(execution, LIMIT).is_interrupted
        assert store.get(execution).position == before.position
        assert handler.steps == ["A"]
        assert engine.resume() == [execution], "its owner is dead"
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
        _assert_whole(engine, execution)

    def test_a_closed_engine_leaves_no_lock_behind(self, home: Home, handler: ScriptedHandler) -> None:
        engine = home.engine(handler)
        assert [path.stem for path in (home.folder / "engines").iterdir()] == [engine.id]
        engine.close()
        engine.close()
        assert list((home.folder / "engines").iterdir()) == []


class _Disk:
    """A disk that can be made full, as SQLite sees it."""

    def __init__(self, database: Database) -> None:
        self._most_pages: int | None = None
        self._database = database
        sql_event.listen(database.engine, "begin", self._limit)

    def fill(self) -> None:
        with self._database.read() as connection:
            self._most_pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def free(self) -> None:
        self._most_pages = 1_000_000

    def _limit(self, connection: Connection) -> None:
        if self._most_pages is not None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={self._most_pages}")


class TestTrouble:
    BIG = Succeed({"text": "x" * 2_000_000})

    def test_a_full_disk_is_waited_out_and_nothing_is_lost_or_done_twice(
        self, home: Home, handler: ScriptedHandler
    ) -> None:
        told, heard = list[StorageError](), threading.Event()

        def hear(error: StorageError) -> None:
            told.append(error)
            heard.set()

        handler.on("A", Hold())
        engine = home.engine(handler, on_trouble=hear)
        execution = engine.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        disk = _Disk(home.databases[-1])
        disk.fill()
        handler.finish("A", self.BIG)
        assert heard.wait(LIMIT.total_seconds())
        assert isinstance(told[0], StorageFullError)
        assert handler.steps == ["A"], "nothing is carried out before it is committed"
        assert engine.describe(execution).status is Status.EXECUTING
        disk.free()
        assert engine.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert handler.steps == ["A", "B"]
        _assert_whole(engine, execution)

    def test_a_start_on_a_full_disk_is_refused(self, home: Home, handler: ScriptedHandler) -> None:
        engine = home.engine(handler)
        disk = _Disk(home.databases[-1])
        disk.fill()
        text = definition(lambda_step("A", Arguments={"text": "x" * 500_000}))
        with pytest.raises(StorageFullError):
            engine.start(request(text))
        disk.free()
        assert engine.executions.find().executions == ()
        assert engine.wait(engine.start(request(text)), LIMIT).status is Status.SUCCEEDED

    def test_an_engine_closes_while_the_disk_is_full(self, home: Home, handler: ScriptedHandler) -> None:
        heard = threading.Event()
        handler.on("A", Hold())
        engine = home.engine(handler, on_trouble=lambda _error: heard.set())
        execution = engine.start(request(chain("A", "B")))
        handler.wait_for_task("A")
        disk = _Disk(home.databases[-1])
        disk.fill()
        handler.finish("A", self.BIG)
        assert heard.wait(LIMIT.total_seconds())
        engine.close()
        second = home.engine(handler)
        assert second.resume() == [execution]
        assert second.wait(execution, LIMIT).status is Status.SUCCEEDED
        assert handler.steps == ["A", "B"]
        _assert_whole(second, execution)

    def test_a_bug_costs_one_execution_and_not_the_others(
        self,
        home: Home,
        handler: ScriptedHandler,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def faulty(plan: Plan, frames: Mapping[str, Frame], event: Event, at: datetime) -> Advance:
            if isinstance(event, TaskSucceeded) and "/Bad/" in event.task_id:
                raise ZeroDivisionError("a bug")
            return advance(plan, frames, event, at)

        monkeypatch.setattr(pipeline_language, "advance", faulty)
        engine = home.engine(handler.on("Good", Hold()))
        good, bad = engine.start(request(chain("Good"))), engine.start(request(chain("Bad")))
        with pytest.raises(IllegalTransitionError, match="a bug"):
            engine.wait(bad, LIMIT)
        assert "a bug" in caplog.text
        handler.finish("Good")
        assert engine.wait(good, LIMIT).status is Status.SUCCEEDED
        assert engine.describe(bad).is_interrupted
        monkeypatch.undo()
        assert engine.resume() == [bad]
        assert engine.wait(bad, LIMIT).status is Status.SUCCEEDED
        _assert_whole(engine, bad)

    def test_a_dead_loop_is_told_to_who_waits(
        self, home: Home, handler: ScriptedHandler, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = home.engine(handler.on("A", Hold()))
        execution = engine.start(request(chain("A")))
        handler.wait_for_task("A")
        monkeypatch.setattr(engine._driver._store, "commit", lambda _changes: 1 / 0)
        handler.finish("A")
        with pytest.raises(IllegalTransitionError, match="ZeroDivisionError"):
            engine.wait(execution, LIMIT)

    def test_a_slow_handler_does_not_keep_an_engine_from_closing(self, home: Home) -> None:
        entered, release = threading.Event(), threading.Event()

        class _Slow:
            def start(self, task: Task, report: Report) -> None:
                entered.set()
                release.wait(LIMIT.total_seconds())
                report(TaskSucceeded(task.id))

            def stop(self, task: Task) -> None: ...

        engine = home.engine(_Slow())
        execution = engine.start(request(chain("A")))
        assert entered.wait(LIMIT.total_seconds())
        engine.close()
        release.set()
        assert home.store().get(execution).owner == ""
