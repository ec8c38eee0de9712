"""A compute whose jobs are functions of the test, and images that are always at hand."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from stepmill.compute.spec import Ending, JobEnded, JobRunning, JobSpec, Listener
from stepmill.core.errors import UnsupportedError
from stepmill.core.tasks import Task, TaskReport
from stepmill.images.catalog import ImageOffer, ResolvedImage
from stepmill.images.environments import Progress, ignore_progress
from stepmill.images.families import ImageFamily
from stepmill.images.needs import NO_NEEDS, Needs
from support.job_data import T0

Program = Callable[[JobSpec], int]


class FakeCompute:
    """Runs each job at once, in the caller's thread, unless it is held."""

    def __init__(self, program: Program = lambda _spec: 0) -> None:
        self.program = program
        self.specs: list[JobSpec] = []
        self.stopped: list[Path] = []
        self.held = False
        self.ending: Ending | None = None
        self.error: Exception | None = None
        self._listeners: list[tuple[JobSpec, Listener]] = []

    def run(self, spec: JobSpec, listen: Listener) -> None:
        if self.error is not None:
            raise self.error
        (spec.folder / "spec.json").touch()
        listen(JobRunning(spec.job_id, "fake", notes=("fake isolation",)))
        is_held = self.held
        if is_held:
            self._listeners.append((spec, listen))
        # Whoever waits for it to be here may let go of it at once.
        self.specs.append(spec)
        if not is_held:
            self._end(spec, listen)

    def stop(self, folder: Path) -> None:
        self.stopped.append(folder)

    def close(self) -> None:
        pass

    def release(self) -> None:
        # What an end begins is held, too.
        held, self._listeners = self._listeners, []
        for spec, listen in held:
            self._end(spec, listen)

    def _end(self, spec: JobSpec, listen: Listener) -> None:
        code = self.program(spec)
        listen(JobEnded(spec.job_id, self.ending or Ending.EXITED, code, T0, T0))


@dataclass
class FakeImages:
    """Gives every image the interpreter of the test."""

    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    toolkit: bool = True
    algorithm: str = ""
    own_environment: bool = True
    python: Path = Path(sys.executable)
    lines: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    needs: list[Needs] = field(default_factory=list)

    def resolve(
        self, image_uri: str, progress: Progress = ignore_progress, needs: Needs = NO_NEEDS
    ) -> ResolvedImage:
        self.asked.append(image_uri)
        self.needs.append(needs)
        for line in self.lines:
            progress(line)
        return ResolvedImage(
            uri=image_uri,
            repository="stepmill-python",
            tag="3",
            family=ImageFamily.PYTHON,
            python=self.python,
            own_environment=self.own_environment,
            entrypoint=self.entrypoint,
            toolkit=self.toolkit,
            algorithm=self.algorithm,
            notes=self.notes,
            differences=self.differences,
        )

    def offer(self, image_uri: str, needs: Needs = NO_NEEDS) -> ImageOffer:
        if image_uri in self.unknown:
            raise UnsupportedError(f"The image {image_uri!r} is not known.")
        return ImageOffer(self.entrypoint, self.toolkit, algorithm=self.algorithm)


class Reports:
    """Collects what a handler reports; a second final report of a task is an error."""

    def __init__(self) -> None:
        self.all: list[TaskReport] = []

    def __call__(self, report: TaskReport) -> None:
        assert not self.ended, f"{report} after {self.all[-1]}"
        self.all.append(report)

    @property
    def ended(self) -> bool:
        return bool(self.all) and type(self.all[-1]).__name__ != "TaskStarted"

    @property
    def last(self) -> TaskReport:
        return self.all[-1]


def task_for(document: object, resource: str, name: str = "job-1") -> Task:
    return Task(
        id=f"execution/{name}/1",
        resource=resource,
        payload=document,  # type: ignore[arg-type]
        execution_arn="arn:execution",
        pipeline="Pipeline",
        step="Step",
        name=name,
    )
