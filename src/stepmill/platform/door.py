"""Where jobs find AWS's services: at the address that whoever opened this home answers at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from stepmill.compute.supervision.files import SPEC
from stepmill.core.clock import Clock
from stepmill.core.endpoint import Endpoint
from stepmill.core.settings import Settings
from stepmill.jobs import processing, training
from stepmill.jobs.access import Visitor
from stepmill.jobs.batch.attempts import ATTEMPT_KIND
from stepmill.jobs.functions.calls import CALL_KIND
from stepmill.jobs.kinds import JobKind
from stepmill.jobs.records import TRANSFORM_JOB
from stepmill.jobs.sessions import AttemptHolders, CallHolders, Holders, JobHolders, JobSessions
from stepmill.jobs.transform.holders import TransformHolders
from stepmill.storage.job_keys import SessionKeys
from stepmill.storage.records import RecordStore

_VARIABLE = "AWS_ENDPOINT_URL"


def sessions_of(records: RecordStore, settings: Settings, jobs: Path, clock: Clock) -> JobSessions:
    """Return whoever gives jobs their keys.

    Args:
        records: Where jobs are kept.
        settings: Of the home.
        jobs: Folder of the jobs' folders.
        clock: Tells the time.
    """
    kinds: tuple[JobKind[Any], ...] = (processing.ProcessingKind(), training.TrainingKind())
    holders: dict[str, Holders] = {
        kind.record_kind: JobHolders(kind, records, settings.arns, jobs, settings.project) for kind in kinds
    }
    holders[TRANSFORM_JOB] = TransformHolders(records, settings.arns, jobs, settings.project)
    holders[CALL_KIND] = CallHolders(records, settings.arns)
    holders[ATTEMPT_KIND] = AttemptHolders(records, settings.arns)
    return JobSessions(SessionKeys(records), holders, clock)


class Addresses(Protocol):
    """Whoever answers AWS's clients for this home."""

    def address(self, former: str) -> str:
        """Return where jobs find it: ``http://127.0.0.1:41234``; empty if nowhere.

        Args:
            former: Where a job that runs was told to look. It is answered there again if that can be;
                empty: the job has not begun.
        """
        ...

    def close(self) -> None:
        """Answer nobody any more."""
        ...


class JobDoor:
    """A ``jobs.access.Door``.

    Args:
        addresses: Gives whoever answers, if somebody does.
        sessions: Gives the keys of jobs.
        region: A real region's name.
    """

    def __init__(
        self, addresses: Callable[[], Addresses | None], sessions: Callable[[], JobSessions], region: str
    ) -> None:
        self._addresses = addresses
        self._sessions = sessions
        self._region = region

    @property
    def is_there(self) -> bool:
        """See ``Door``."""
        return self._addresses() is not None

    def endpoint(self, visitor: Visitor) -> tuple[Endpoint | None, tuple[str, ...]]:
        """See ``Door``."""
        addresses = self._addresses()
        if addresses is None:
            return None, ()
        former = _told(visitor.folder / SPEC)
        url = addresses.address(former)
        if not url:
            return None, ()
        notes: tuple[str, ...] = ()
        if former and former != url:
            notes = (f"it was told to call AWS at {former}, where nobody can answer now: that port is taken",)
        return Endpoint(url, self._region, self._sessions().open(visitor)), notes


class _Order(msgspec.Struct):
    """What matters here of compute's order."""

    argv: tuple[str, ...] = ()
    environment: dict[str, str] = {}


_ORDER = msgspec.json.Decoder(_Order)


def _told(order: Path) -> str:
    """Return the address that a job was given when it was begun; empty if it was not, or got none."""
    try:
        told = _ORDER.decode(order.read_bytes())
    except (OSError, msgspec.DecodeError):
        return ""
    if url := told.environment.get(_VARIABLE):
        return url
    # To a container it may be passed by word.
    beginning = f"{_VARIABLE}="
    return next((w.removeprefix(beginning) for w in told.argv if w.startswith(beginning)), "")
