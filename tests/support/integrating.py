"""Tasks of state machines, handed to those who do them, without an engine."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from stepmill.aws.inside import services_inside
from stepmill.core.json import Json, JsonObject
from stepmill.core.settings import Settings
from stepmill.core.tasks import (
    Task,
    TaskFailed,
    TaskReport,
    TaskStopped,
    TaskSubmitted,
    TaskSucceeded,
)
from stepmill.platform import Platform

ACCOUNT = "123456789012"
REGION = "us-west-2"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:Machine:run"
# A busy machine needs seconds.
LONGEST_WAIT_S = 60.0

R = TypeVar("R")
_FINAL = (TaskSucceeded, TaskFailed, TaskStopped)
_numbers = itertools.count(1)


@dataclass
class Heard:
    """What was reported of a task."""

    task: Task
    reports: list[TaskReport] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, report: TaskReport) -> None:
        with self.changed:
            self.reports.append(report)
            self.changed.notify_all()

    def wait_for(self, kind: type[R]) -> R:
        """Wait for the first report of a kind."""

        def found() -> R | None:
            return next((report for report in self.reports if isinstance(report, kind)), None)

        with self.changed:
            report = self.changed.wait_for(found, LONGEST_WAIT_S)
        assert report is not None, f"No {kind.__name__} came: {self.reports}"
        return report

    @property
    def kinds(self) -> list[str]:
        """The reports by the names of their types."""
        return [type(report).__name__ for report in self.reports]

    @property
    def finals(self) -> int:
        """How many final reports came."""
        return sum(isinstance(report, _FINAL) for report in self.reports)

    def succeeded(self) -> Json:
        """Wait until the task has succeeded, and return its output."""
        return self.end(TaskSucceeded).output

    def failed(self) -> tuple[str, str]:
        """Wait until the task has failed, and return error and cause."""
        report = self.end(TaskFailed)
        return report.error, report.cause

    def end(self, kind: type[R]) -> R:
        """Wait for the final report, which must be of a kind."""

        def found() -> TaskReport | None:
            return next((report for report in self.reports if isinstance(report, _FINAL)), None)

        with self.changed:
            report = self.changed.wait_for(found, LONGEST_WAIT_S)
        assert isinstance(report, kind), report
        return report

    def submitted(self) -> JsonObject:
        """Wait until the task is submitted, and return what it was answered."""
        output = self.wait_for(TaskSubmitted).output
        assert isinstance(output, dict)
        return output


def task_of(resource: str, payload: Json, *, id: str = "", **extra: Json) -> Task:  # noqa: A002
    """Return a task as the interpreter makes it."""
    name = resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}"
    return Task(
        id or f"run/Do/{next(_numbers)}", name, payload, EXECUTION, "Machine", "Do", extra=dict(extra)
    )


def start(platform: Platform, task: Task) -> Heard:
    """Hand a task to who does it."""
    handler = platform.integrations.get(task.resource)
    assert handler is not None, task.resource
    heard = Heard(task)
    handler.start(task, heard)
    return heard


def do(platform: Platform, resource: str, payload: Json, **extra: Json) -> Heard:
    """Make a task and hand it to who does it."""
    return start(platform, task_of(resource, payload, **extra))


@contextmanager
def home(folder: Path) -> Iterator[Platform]:
    """Give a platform that has the services inside."""
    settings = Settings(home=folder / ".stepmill", project=folder, account=ACCOUNT, region=REGION)
    with Platform(settings, remark=lambda _: None) as platform:
        platform.make_api_calls = lambda: services_inside(platform)
        platform.objects.create_bucket(settings.default_bucket, exist_ok=True)
        yield platform
