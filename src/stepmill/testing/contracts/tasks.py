"""What every task handler must do, whatever its work is."""

from __future__ import annotations

import threading

import pytest

from stepmill.core.tasks import (
    Task,
    TaskFailed,
    TaskHandler,
    TaskReport,
    TaskStopped,
    TaskSucceeded,
)

# A test that waits longer has failed; a busy machine needs seconds.
LONGEST_WAIT_S = 120.0
_FINAL = (TaskSucceeded, TaskFailed, TaskStopped)


class Reports:
    """The reports of one task, as they come. Give it to ``start`` as its ``report``."""

    def __init__(self) -> None:
        self.all: list[TaskReport] = []
        self._changed = threading.Condition()

    def __call__(self, report: TaskReport) -> None:
        """Take a report, from any thread."""
        with self._changed:
            self.all.append(report)
            self._changed.notify_all()

    @property
    def finals(self) -> list[TaskReport]:
        """Those that say how the task ended."""
        return [report for report in self.all if isinstance(report, _FINAL)]

    def final(self) -> TaskReport:
        """Wait for the final report, and return it.

        Raises:
            TimeoutError: If none comes.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self.finals), LONGEST_WAIT_S):
                raise TimeoutError(f"No final report came: {self.all}")
            return self.finals[0]

    def wait_for_any(self) -> None:
        """Wait for the first report.

        Raises:
            TimeoutError: If none comes.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self.all), LONGEST_WAIT_S):
                raise TimeoutError("Nothing was reported.")


class TaskHandlerContract:
    """The promises of ``core.tasks.TaskHandler``. Give the handler, and tasks for it, as fixtures."""

    @pytest.fixture
    def handler(self) -> TaskHandler:
        raise NotImplementedError

    @pytest.fixture
    def succeeding(self) -> Task:
        """A task whose work ends well."""
        raise NotImplementedError

    @pytest.fixture
    def failing(self) -> Task:
        """A task whose work ends badly."""
        raise NotImplementedError

    @pytest.fixture
    def lasting(self) -> Task | None:
        """A task whose work lasts until it is stopped; ``None`` if the handler has no such work."""
        return None

    def test_a_task_ends_once_and_says_so_last(self, handler: TaskHandler, succeeding: Task) -> None:
        reports = Reports()
        handler.start(succeeding, reports)
        assert isinstance(reports.final(), TaskSucceeded), reports.all
        assert len(reports.finals) == 1
        assert reports.all[-1] is reports.finals[0]

    def test_every_report_says_whose_it_is(self, handler: TaskHandler, succeeding: Task) -> None:
        reports = Reports()
        handler.start(succeeding, reports)
        reports.final()
        assert {report.task_id for report in reports.all} == {succeeding.id}

    def test_a_failure_has_a_name_and_a_cause(self, handler: TaskHandler, failing: Task) -> None:
        reports = Reports()
        handler.start(failing, reports)
        final = reports.final()
        assert isinstance(final, TaskFailed), reports.all
        assert final.error
        assert final.cause
        assert len(reports.finals) == 1

    def test_a_task_that_is_handed_over_again_ends_the_same(
        self, handler: TaskHandler, succeeding: Task, failing: Task
    ) -> None:
        for task in (succeeding, failing):
            first, second = Reports(), Reports()
            handler.start(task, first)
            before = first.final()
            handler.start(task, second)
            assert type(second.final()) is type(before)
            assert len(first.finals) == 1

    def test_stopping_what_is_not_known_does_nothing(self, handler: TaskHandler, succeeding: Task) -> None:
        handler.stop(succeeding)

    def test_stopping_what_has_ended_does_nothing(self, handler: TaskHandler, succeeding: Task) -> None:
        reports = Reports()
        handler.start(succeeding, reports)
        reports.final()
        handler.stop(succeeding)
        assert len(reports.finals) == 1

    def test_work_that_is_stopped_comes_to_an_end(self, handler: TaskHandler, lasting: Task | None) -> None:
        if lasting is None:
            pytest.skip("This handler has no work that lasts.")
        reports = Reports()
        handler.start(lasting, reports)
        reports.wait_for_any()
        handler.stop(lasting)
        assert isinstance(reports.final(), TaskStopped | TaskFailed), reports.all
        assert len(reports.finals) == 1
