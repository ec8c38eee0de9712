"""Real stores in a temporary folder, and what tests of handlers do with tasks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stepmill.catalog.content import ContentDigests
from stepmill.catalog.experiments import Experiments
from stepmill.catalog.models import Models
from stepmill.catalog.registry import ModelRegistry
from stepmill.catalog.tags import Tags
from stepmill.core.arns import Arns
from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import (
    CachePolicy,
    Task,
    TaskFailed,
    TaskHandler,
    TaskReport,
    TaskStarted,
    TaskStopped,
    TaskSucceeded,
)
from stepmill.storage.cache import SqlCacheStore
from stepmill.storage.database import Database
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.sql_records import SqlRecordStore
from stepmill.storage.sql_series import SqlSeriesStore
from stepmill.testing.clock import FakeClock

ARNS = Arns("us-west-2", "123456789012")
BUCKET = "bucket"
EXECUTION = "arn:aws:sagemaker:us-west-2:123456789012:pipeline/p/execution/abcdefghijkl"


@dataclass(frozen=True)
class Keeping:
    """Everything that is kept, in one folder."""

    folder: Path
    database: Database
    clock: FakeClock
    records: SqlRecordStore
    objects: FolderStore
    cache: SqlCacheStore

    @property
    def contents(self) -> ContentDigests:
        return ContentDigests(self.objects, self.folder)

    @property
    def tags(self) -> Tags:
        return Tags(self.records)

    @property
    def registry(self) -> ModelRegistry:
        return ModelRegistry(self.records, self.contents, self.clock, ARNS, self.tags)

    @property
    def models(self) -> Models:
        return Models(self.records, self.contents, self.registry, ARNS, self.tags)

    @property
    def series(self) -> SqlSeriesStore:
        return SqlSeriesStore(self.database)

    @property
    def experiments(self) -> Experiments:
        return Experiments(self.records, ARNS, self.tags, self.series)

    def put(self, uri: str, data: bytes | str = b"data") -> str:
        """Store an object and return its address."""
        self.objects.put_bytes(S3Uri.parse(uri), data.encode() if isinstance(data, str) else data)
        return uri


@contextmanager
def keeping(folder: Path) -> Iterator[Keeping]:
    """Open stores in a folder, with one bucket."""
    clock = FakeClock()
    database = Database.open_sqlite(folder / "stepmill.db")
    objects = FolderStore(database, folder / "objects", clock)
    objects.create_bucket(BUCKET, exist_ok=True)
    records = SqlRecordStore(database, clock)
    yield Keeping(folder, database, clock, records, objects, SqlCacheStore(database))
    database.close()


def a_task(
    resource: str,
    payload: Json = None,
    *,
    task_id: str = "abcdefghijkl/Step/1",
    name: str = "",
    step: str = "Step",
    pipeline: str = "p",
    execution_arn: str = EXECUTION,
    extra: JsonObject | None = None,
    cache: CachePolicy | None = None,
) -> Task:
    """Make a task with what a test does not care about filled in."""
    return Task(
        id=task_id, resource=resource, payload=payload if payload is not None else {},
        execution_arn=execution_arn, pipeline=pipeline, step=step, name=name, extra=extra or {}, cache=cache,
    )  # fmt: skip


class Reports:
    """Collects the reports of a task, and waits for the final one."""

    def __init__(self) -> None:
        self.all: list[TaskReport] = []
        self._ended = threading.Event()

    def __call__(self, report: TaskReport) -> None:
        self.all.append(report)
        if not isinstance(report, TaskStarted):
            self._ended.set()

    @property
    def final(self) -> TaskReport:
        """The final report; waits for it."""
        assert self._ended.wait(120), f"no final report among {self.all}"
        return self.all[-1]

    @property
    def succeeded(self) -> TaskSucceeded:
        assert isinstance(self.final, TaskSucceeded), self.final
        return self.final

    @property
    def failed(self) -> TaskFailed:
        assert isinstance(self.final, TaskFailed), self.final
        return self.final

    @property
    def stopped(self) -> TaskStopped:
        assert isinstance(self.final, TaskStopped), self.final
        return self.final

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of all reports, once the final one is there."""
        assert self.final
        return tuple(note for report in self.all if isinstance(report, TaskStarted) for note in report.notes)


def run_task(handler: TaskHandler, task: Task) -> Reports:
    """Hand a task to a handler and return its reports."""
    reports = Reports()
    handler.start(task, reports)
    return reports


def output_of(reports: Reports) -> Mapping[str, Json]:
    """Return the document that a task gave."""
    output = reports.succeeded.output
    assert isinstance(output, Mapping)
    return output
