"""Tasks that wait for a worker outside to fetch and answer them."""

from __future__ import annotations

from stepmill.catalog.activities import Activities, ActivityWork
from stepmill.core.errors import NotFoundError
from stepmill.core.json import write_json
from stepmill.core.tasks import Report, Task, TaskFailed
from stepmill.jobs.integrations.errors import RUNTIME


class ActivityTask:
    """Does the tasks of an activity. See ``core.tasks.TaskHandler``.

    That a worker has begun, and how the work ends, is reported by whoever hears it from the worker.

    Args:
        activities: Where work waits.
        arn: Of the activity.
    """

    def __init__(self, activities: Activities, arn: str) -> None:
        self._activities = activities
        self._arn = arn

    def start(self, task: Task, report: Report) -> None:
        """Have the work wait for a worker; what was offered before is not offered again."""
        work = ActivityWork(task.id, str(task.extra.get("token", "")), write_json(task.payload))
        try:
            self._activities.offer(self._arn, work)
        except NotFoundError as error:
            report(TaskFailed(task.id, RUNTIME, error.what))

    def stop(self, task: Task) -> None:
        """Offer the work no longer; a worker that has it hears of it when it answers."""
        self._activities.withdraw(task.id)
