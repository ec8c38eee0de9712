from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.core.tasks import (
    Report,
    Task,
    TaskFailed,
    TaskReport,
    TaskStarted,
    TaskStopped,
    TaskSucceeded,
)
from stepmill.engine import outbox as outbox_module
from stepmill.engine.outbox import Outbox
from stepmill.testing.handlers import Hold, Raise, ScriptedHandler, Succeed

LIMIT_S = 60


class _Inbox:
    def __init__(self) -> None:
        self.reports: list[TaskReport] = []
        self.executions: set[str] = set()
        self._changed = threading.Condition()

    def take(self, execution: str, report: TaskReport) -> None:
        with self._changed:
            self.executions.add(execution)
            self.reports.append(report)
            self._changed.notify_all()

    def wait(self, count: int) -> list[TaskReport]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.reports) >= count, LIMIT_S)
            return list(self.reports)


def _task(step: str = "A", resource: str = "work") -> Task:
    return Task(f"x/{step}/1", resource, {}, "arn", "P", step)


@pytest.fixture
def inbox() -> _Inbox:
    return _Inbox()


@pytest.fixture
def handler() -> ScriptedHandler:
    return ScriptedHandler()


@pytest.fixture
def outbox(inbox: _Inbox, handler: ScriptedHandler) -> Iterator[Outbox]:
    outbox = Outbox({"work": handler}, inbox.take)
    yield outbox
    outbox.close()


def test_a_report_reaches_the_execution_of_its_task(outbox: Outbox, inbox: _Inbox) -> None:
    outbox.start("x", _task())
    assert inbox.wait(1) == [TaskSucceeded("x/A/1", {})]
    assert inbox.executions == {"x"}


def test_a_task_is_handed_over_once(outbox: Outbox, inbox: _Inbox, handler: ScriptedHandler) -> None:
    handler.on("A", Hold())
    outbox.start("x", _task())
    outbox.start("x", _task())
    outbox.start("x", _task("B"))
    inbox.wait(2)
    assert sorted(task.step for task in handler.handed_over) == ["A", "B"]


def test_a_forgotten_task_is_handed_over_again(
    outbox: Outbox, inbox: _Inbox, handler: ScriptedHandler
) -> None:
    outbox.start("x", _task())
    inbox.wait(1)
    outbox.forget("x/A/1")
    outbox.start("x", _task())
    assert inbox.wait(2)[1] == TaskSucceeded("x/A/1", {})
    assert len(handler.handed_over) == 2


def test_what_comes_after_the_end_is_dropped(inbox: _Inbox) -> None:
    class _Chatty:
        def start(self, task: Task, report: Report) -> None:
            report(TaskSucceeded(task.id))
            report(TaskStarted(task.id))
            report(TaskFailed(task.id, "ClientError"))
            raise ValueError("after the end")

        def stop(self, task: Task) -> None: ...

    # On one thread, so that the second report comes after all that the first task does.
    outbox = Outbox({"work": _Chatty()}, inbox.take, most_starting=1)
    outbox.start("x", _task())
    outbox.start("x", _task("B", "nothing"))
    reports = inbox.wait(2)
    assert [report for report in reports if report.task_id == "x/A/1"] == [TaskSucceeded("x/A/1")]
    outbox.close()


def test_an_error_of_ours_fails_the_task_without_a_stack_trace(
    outbox: Outbox, inbox: _Inbox, handler: ScriptedHandler, caplog: pytest.LogCaptureFixture
) -> None:
    handler.on("A", Raise(InvalidInputError("No such channel.")))
    outbox.start("x", _task())
    assert inbox.wait(1) == [TaskFailed("x/A/1", "ClientError", "No such channel.")]
    assert caplog.text == ""


def test_an_error_that_nobody_foresaw_is_logged(
    outbox: Outbox, inbox: _Inbox, handler: ScriptedHandler, caplog: pytest.LogCaptureFixture
) -> None:
    handler.on("A", Raise(ZeroDivisionError("oh")))
    with caplog.at_level(logging.ERROR):
        outbox.start("x", _task())
        assert inbox.wait(1) == [TaskFailed("x/A/1", "InternalError", "ZeroDivisionError: oh")]
    assert "ZeroDivisionError" in caplog.text


def test_a_resource_without_handler_fails_and_names_those_there_are(outbox: Outbox, inbox: _Inbox) -> None:
    outbox.start("x", _task("A", "emr:addStep"))
    (report,) = inbox.wait(1)
    assert isinstance(report, TaskFailed)
    assert report.error == "ClientError"
    assert "'emr:addStep'" in report.cause
    assert "work" in report.cause


def test_a_started_task_is_stopped(outbox: Outbox, inbox: _Inbox, handler: ScriptedHandler) -> None:
    handler.on("A", Hold())
    outbox.start("x", _task())
    inbox.wait(1)
    outbox.stop("x/A/1")
    outbox.stop("x/A/1")
    assert inbox.wait(2)[1] == TaskStopped("x/A/1", "Asked to stop.")


def test_stopping_an_unknown_task_does_nothing(outbox: Outbox, handler: ScriptedHandler) -> None:
    outbox.stop("x/A/1")
    assert handler.asked_to_stop == []


class _Blocking:
    """Its ``start`` returns when told to, and knows its task only then."""

    def __init__(self) -> None:
        self.entered, self.go, self.stops = threading.Event(), threading.Event(), list[str]()
        self.report: Report | None = None

    def start(self, task: Task, report: Report) -> None:
        self.entered.set()
        assert self.go.wait(LIMIT_S)
        self.report = report

    def stop(self, task: Task) -> None:
        self.stops.append(task.id)
        if self.report is not None:
            self.report(TaskStopped(task.id))


def test_a_new_task_that_waits_for_a_thread_ends_at_once(inbox: _Inbox) -> None:
    handler = _Blocking()
    outbox = Outbox({"work": handler}, inbox.take, most_starting=1)
    outbox.start("x", _task("A"))
    assert handler.entered.wait(LIMIT_S)
    outbox.start("x", _task("B"))
    outbox.stop("x/B/1")
    assert inbox.wait(1) == [TaskStopped("x/B/1", "Stopped before it began.")]
    handler.go.set()
    outbox.close()


def test_a_task_that_an_earlier_engine_may_have_begun_is_picked_up_before_it_is_stopped(
    inbox: _Inbox,
) -> None:
    handler = _Blocking()
    outbox = Outbox({"work": handler}, inbox.take, most_starting=1)
    outbox.start("x", _task("A"), is_new=False)
    assert handler.entered.wait(LIMIT_S)
    outbox.start("x", _task("B"), is_new=False)
    outbox.stop("x/B/1")
    handler.go.set()
    assert inbox.wait(1) == [TaskStopped("x/B/1")]
    assert "x/B/1" in handler.stops
    outbox.close()


def test_a_wish_to_stop_that_comes_too_early_is_repeated(inbox: _Inbox) -> None:
    handler = _Blocking()
    outbox = Outbox({"work": handler}, inbox.take)
    outbox.start("x", _task("A"))
    assert handler.entered.wait(LIMIT_S)
    outbox.stop("x/A/1")
    handler.go.set()
    assert inbox.wait(1) == [TaskStopped("x/A/1")]
    outbox.close()


def test_a_wish_to_stop_whose_handler_raised_is_repeated(
    inbox: _Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class _Stubborn(ScriptedHandler):
        def stop(self, task: Task) -> None:
            if not self.asked_to_stop:
                self.asked_to_stop.append(task.id)
                raise OSError("busy")
            super().stop(task)

    monkeypatch.setattr(outbox_module, "STOP_AGAIN_S", 0.01)
    outbox = Outbox({"work": _Stubborn().on("A", Hold())}, inbox.take)
    outbox.start("x", _task("A"))
    inbox.wait(1)
    outbox.stop("x/A/1")
    assert inbox.wait(2)[1] == TaskStopped("x/A/1", "Asked to stop.")
    assert "busy" in caplog.text
    outbox.close()


def test_a_closed_outbox_passes_nothing_on(inbox: _Inbox, handler: ScriptedHandler) -> None:
    outbox = Outbox({"work": handler.on("A", Hold())}, inbox.take)
    outbox.start("x", _task())
    inbox.wait(1)
    outbox.close()
    handler.finish("A", Succeed())
    outbox.start("x", _task("B"))
    assert len(inbox.reports) == 1
