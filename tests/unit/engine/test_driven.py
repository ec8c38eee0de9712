from __future__ import annotations

from datetime import timedelta

from stepmill.core.service_models import service_model
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.tasks import TaskFailed, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.engine.driven import Batch, Driven
from stepmill.engine.interpreters.commands import SetTimer, StartTask, StopTask
from stepmill.engine.interpreters.pipelines.events import (
    ExecutionStarted,
    RetryRequested,
    StopRequested,
    UpdateRequested,
)
from stepmill.engine.pipeline_language import PipelineLanguage
from stepmill.engine.plans import Plans
from stepmill.engine.recovery import take_new
from support.engines import chain
from support.executions import NOON, new_execution

LATER = NOON + timedelta(seconds=30)
STARTED = ExecutionStarted("abc", "arn", "P", "pipeline arn")


def _driven(*steps: str) -> Driven:
    new = new_execution(definition=chain(*steps or ("A", "B")))
    return take_new(new, PipelineLanguage(Plans(lambda _digest: new.definition, service_model)))


def _started(*steps: str) -> tuple[Driven, Batch]:
    driven = _driven(*steps)
    driven.receive(STARTED, NOON)
    return driven, _settled(driven)


def _settled(driven: Driven) -> Batch:
    batch = driven.take_batch()
    assert batch is not None
    driven.settle(batch.change)
    return batch


def test_the_start_is_one_change_with_state_history_task_and_command() -> None:
    driven, batch = _started()
    (command,) = batch.commands
    assert isinstance(command, StartTask)
    assert command.task.step == "A"
    change = batch.change
    assert (change.execution, change.owner, change.status) == ("abc", "me", Status.EXECUTING)
    assert (change.position_before, change.position) == (0, 2)
    assert [record.position for record in change.history] == [1, 2]
    assert {record.at for record in change.history} == {NOON}
    assert {task_id: kept and kept.stopping for task_id, kept in change.tasks.items()} == {
        command.task.id: False
    }
    assert "execution" in change.frames
    assert not change.release
    assert set(driven.tasks) == {command.task.id}


def test_without_events_there_is_nothing_to_write() -> None:
    driven, _ = _started()
    assert driven.take_batch() is None


def test_a_final_report_removes_its_task_and_starts_the_next() -> None:
    driven, first = _started()
    (task_id,) = first.change.tasks
    driven.receive(TaskSucceeded(task_id), LATER)
    change = _settled(driven).change
    assert change.tasks[task_id] is None
    assert [kept.task.step for kept in change.tasks.values() if kept] == ["B"]
    assert (change.position_before, change.position) == (2, 4)


def test_events_of_one_batch_become_one_change() -> None:
    driven, first = _started("A")
    (task_id,) = first.change.tasks
    driven.receive(TaskStarted(task_id, {"Lambda": {"Arn": "arn"}}), LATER)
    driven.receive(TaskSucceeded(task_id), LATER)
    driven.consume(7)
    batch = _settled(driven)
    positions = [record.position for record in batch.change.history]
    assert positions == list(range(3, 3 + len(positions)))
    assert batch.change.consumed == [7]
    assert batch.change.status is Status.SUCCEEDED
    assert batch.change.release
    assert driven.take_batch() is None


def test_reports_of_tasks_that_have_ended_change_nothing() -> None:
    driven, first = _started()
    (task_id,) = first.change.tasks
    driven.receive(TaskSucceeded(task_id), LATER)
    _settled(driven)
    for late in (
        TaskSucceeded(task_id),
        TaskFailed(task_id, "E"),
        TaskStopped(task_id),
        TaskStarted(task_id),
    ):
        driven.receive(late, LATER)
    assert driven.take_batch() is None


def test_an_event_of_the_inbox_is_consumed_even_if_it_changes_nothing() -> None:
    driven, _ = _started()
    driven.receive(TaskSucceeded("unknown"), LATER)
    driven.consume(3)
    batch = _settled(driven)
    assert batch.change.consumed == [3]
    assert batch.change.position == batch.change.position_before


def test_a_stop_marks_the_task_and_asks_for_it_once() -> None:
    driven, first = _started()
    (task_id,) = first.change.tasks
    driven.receive(StopRequested(), LATER)
    batch = _settled(driven)
    assert batch.commands == (StopTask(task_id),)
    kept = batch.change.tasks[task_id]
    assert kept is not None
    assert kept.stopping
    driven.receive(TaskStopped(task_id), LATER)
    assert _settled(driven).change.status is Status.STOPPED


def test_a_timer_is_kept_until_it_fires_and_fires_once() -> None:
    driven, first = _started("A")
    (task_id,) = first.change.tasks
    driven.receive(TaskFailed(task_id, "Step.SERVICE_FAULT"), NOON)
    batch = _settled(driven)
    (command,) = batch.commands
    assert isinstance(command, SetTimer)
    assert batch.change.timers == {command.timer_id: command.due_at}
    assert driven.timers == {command.timer_id: command.due_at}
    driven.fire(command.timer_id, command.due_at)
    batch = _settled(driven)
    assert batch.change.timers == {command.timer_id: None}
    assert [type(each) for each in batch.commands] == [StartTask]
    driven.fire(command.timer_id, command.due_at)
    assert driven.take_batch() is None


def test_a_failure_and_a_retry_rewrite_the_details() -> None:
    driven, first = _started("A")
    (task_id,) = first.change.tasks
    driven.receive(TaskFailed(task_id, "AlgorithmError", "No luck."), LATER)
    change = _settled(driven).change
    assert change.status is Status.FAILED
    assert change.details is not None
    assert change.details.failure_reason
    driven.receive(RetryRequested(parallelism=3), LATER)
    change = _settled(driven).change
    assert change.status is Status.EXECUTING
    assert change.details is not None
    assert (change.details.failure_reason, change.details.parallelism) == ("", 3)
    assert not change.release


def test_a_clock_that_goes_back_does_not_turn_the_history_round() -> None:
    driven, first = _started()
    (task_id,) = first.change.tasks
    driven.receive(TaskSucceeded(task_id), NOON - timedelta(hours=1))
    assert {record.at for record in _settled(driven).change.history} == {NOON}


def test_a_wish_to_be_driven_is_taken_in_and_changes_nothing() -> None:
    driven, _ = _started()
    assert driven.take_batch() is None
    driven.consume(7)
    change = _settled(driven).change
    assert (change.consumed, change.history, change.position) == ([7], [], change.position_before)


def test_what_was_wished_is_kept_beside_the_state() -> None:
    driven, _ = _started()
    driven.receive(UpdateRequested("New", None, 3, "ada"), LATER)
    details = _settled(driven).change.details
    assert details is not None
    assert (details.display_name, details.description, details.parallelism) == ("New", "", 3)
    assert details.modified_by == "ada"
    driven.receive(StopRequested("token"), LATER)
    details = _settled(driven).change.details
    assert details is not None
    assert (details.stop_token, details.modified_by, details.display_name) == ("token", "ada", "New")


def test_only_its_end_drops_what_lies_in_the_inbox() -> None:
    driven, batch = _started("A")
    (task_id,) = batch.change.tasks
    assert (batch.change.release, batch.change.ends) == (False, False)
    driven.receive(TaskFailed(task_id, "AlgorithmError"), LATER)
    ended = _settled(driven).change
    assert (ended.release, ended.ends) == (True, True)
    driven.receive(UpdateRequested(description="After all."), LATER)
    again = _settled(driven).change
    assert (again.release, again.ends, again.status) == (True, False, Status.FAILED)
    driven.receive(RetryRequested(None, "token"), LATER)
    retried = _settled(driven).change
    assert (retried.release, retried.ends, retried.status) == (False, False, Status.EXECUTING)
    assert retried.details is not None
    assert (retried.details.retry_token, retried.details.failure_reason) == ("token", "")
