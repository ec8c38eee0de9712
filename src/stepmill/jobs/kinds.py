"""In what processing and training jobs differ; all else is written once, in ``handler.py``."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from stepmill.core.json import Json
from stepmill.images.catalog import ResolvedImage
from stepmill.jobs.host_folders import FIRST_HOST
from stepmill.jobs.locations import Location
from stepmill.jobs.outputs import Delivery
from stepmill.jobs.records import Metric
from stepmill.jobs.requests.common import JobRequest
from stepmill.jobs.requests.data import Output
from stepmill.jobs.requests.hosts import ONE_HOST, Host
from stepmill.storage.objects.store import ObjectStore

R = TypeVar("R", bound=JobRequest)

_PYTHONS = ("python", "python3")


@dataclass(frozen=True)
class Workplace:
    """Where a job is done.

    Args:
        name: Of the job.
        arn: Of the job.
        folder: Its own folder on this machine; compute keeps its files there too.
        host: Which of the job's hosts this is. The first one's folder is the job's.
    """

    name: str
    arn: str
    folder: Path
    host: Host = ONE_HOST[0]

    @property
    def job_id(self) -> str:
        """What compute calls it."""
        return self.name if self.host.name == FIRST_HOST else f"{self.name}-{self.host.name}"

    @property
    def ml(self) -> Path:
        """What the job sees as ``/opt/ml``."""
        return self.folder / "ml"

    @property
    def inputs(self) -> Path:
        """Where its inputs are laid out."""
        return self.folder / "inputs"

    @property
    def collected(self) -> Path:
        """Where archives are made before they are stored."""
        return self.folder / "collected"


@dataclass(frozen=True)
class Collected:
    """What a job has left.

    Args:
        deliveries: Files, and where they go.
        model: Address of the model; empty if there is none.
        metrics: What was read from the log.
        exit_message: What it says of its end.
        notes: Remarks.
    """

    deliveries: tuple[Delivery, ...] = ()
    model: str = ""
    metrics: tuple[Metric, ...] = ()
    exit_message: str = ""
    notes: tuple[str, ...] = ()


class Startable(Protocol):
    """What an image offers to start; see ``ResolvedImage``. Known before its environment is built."""

    @property
    def entrypoint(self) -> tuple[str, ...]:
        """Command for jobs that name none; may be empty."""
        ...

    @property
    def toolkit(self) -> bool:
        """Whether the script mode of framework images is offered."""
        ...

    @property
    def algorithm(self) -> str:
        """The built-in algorithm that runs where no script is given; empty if there is none."""
        ...

    @property
    def program(self) -> str:
        """What a processing job runs where it names no entry point; empty if nothing."""
        ...

    @property
    def oci_image(self) -> str:
        """The image that an engine runs, with an entry point of its own; empty if no engine does."""
        ...


class JobKind(Protocol[R]):
    """A kind of job.

    Args:
        record_kind: ``processing-job`` or ``training-job``; also names the resource in ARNs.
        member: What its name and ARN begin with in documents: ``ProcessingJob``.
        phases: Whether secondary statuses are kept.
        inputs_first: Whether the objects of its inputs must be there when a client asks for it.
        logs_versions: Whether the log begins with the versions in which the image differs from its tag: where
            it is the framework that does the work.
        hosts_work_together: Whether several hosts need one another: none goes on where one has failed.
    """

    record_kind: str
    member: str
    phases: bool
    inputs_first: bool
    logs_versions: bool
    hosts_work_together: bool

    def read(self, document: Json, project: Path) -> R:
        """Read a request.

        Raises:
            InvalidInputError: If a value cannot be taken.
            UnsupportedError: If it asks for what is not offered.
        """
        ...

    def lay_out(self, request: R, place: Workplace, objects: ObjectStore, project: Path) -> None:
        """Make the folders and files that the job finds in ``/opt/ml``, its inputs excepted."""
        ...

    def command(self, request: R, image: Startable) -> tuple[str, ...]:
        """Return the program to run and its arguments.

        Raises:
            InvalidInputError: If neither the request nor the image names one.
        """
        ...

    def source(self, request: R, place: Workplace) -> Path | None:
        """Return the user's script if ``command`` is another one that runs it in its own process."""
        ...

    def requirements(self, request: R, place: Workplace, shown: Mapping[str, Path]) -> Path | None:
        """Return the ``requirements.txt`` that is installed before the user's code runs, if there is one.

        Args:
            request: What the job does.
            place: Where it is done; all is laid out.
            shown: Place inside the job -> where on this machine what it sees there lies.
        """
        ...

    def environment(self, request: R, place: Workplace) -> Mapping[str, str]:
        """Return the variables that only this kind of job has."""
        ...

    def outputs(self, request: R, place: Workplace) -> tuple[Output, ...]:
        """Return the folders whose files are kept as they are."""
        ...

    def destinations(self, request: R) -> tuple[Location, ...]:
        """Return where its files go, besides those of ``outputs``."""
        ...

    def collect(self, request: R, place: Workplace, *, succeeded: bool, stopped: bool) -> Collected:
        """Return what the job has left, besides ``outputs``. May be repeated.

        Args:
            request: What it was asked.
            place: Where it was done.
            succeeded: Whether it completed.
            stopped: Whether it was stopped: what there is by then is kept as well.
        """
        ...


def can_be_warm(command: Sequence[str], image: ResolvedImage) -> bool:
    """Return whether a command runs a Python script in Stepmill's own environment."""
    return (
        image.own_environment
        and image.engine is None
        and len(command) > 1
        and command[0] in _PYTHONS
        and command[1].endswith(".py")
    )


def read_small_file(path: Path, limit_bytes: int) -> str:
    """Return the beginning of a file that a job wrote; empty if it is not there or no regular file.

    A job may put a pipe or a link in its place, or a link in that of its folder: none is waited for or
    followed. To be called when the job has ended.
    """
    if path.parent.is_symlink():
        return ""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # before fdopen, which raises for a folder
        os.close(descriptor)
        return ""
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit_bytes).decode(errors="replace").replace("\0", "")
