"""Records lineage, behind the back of those who work: no job waits for it, and none is forgotten.

What a job took is drawn up while it runs, what it gave when it has ended, on a thread of its own. The
records of jobs, models and executions are what it is drawn up from, and a mark says up to which change of
each: so after a kill, whoever comes next finds what is missing, and draws it up once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from stepmill.catalog.lineage.kept_code import KeptCode
from stepmill.catalog.lineage.versions import Versions
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.endpoint import JobIdentity
from stepmill.core.errors import NotFoundError, StepmillError
from stepmill.core.json import Json
from stepmill.core.statuses import JobStatus, PipelineExecutionStatus
from stepmill.jobs.access import digest_of
from stepmill.jobs.lineage import executions, registered
from stepmill.jobs.lineage.digesting import Digesting
from stepmill.jobs.lineage.facts import facts_of
from stepmill.jobs.lineage.jobs import draw_up_job
from stepmill.jobs.lineage.sheet import MEMBERS, Sheet
from stepmill.jobs.lineage.touches import TOUCH_KIND, Touch, Way, read_touch, touches_of
from stepmill.jobs.records import request_of, state_of
from stepmill.storage.database import to_micros
from stepmill.storage.lineage import LineageStore, Mark
from stepmill.storage.records import Record, RecordStore

# So long the first of a burst waits for the others: they are written together, and a short job only once.
_GATHER_S = 0.5
# Whoever closes waits no longer than this for what is still to be drawn up; the next one does the rest.
_LONGEST_CLOSE_S = 2.0
_AT_ONCE = 200
# A record may have been written a while after the moment that it tells: so far back is looked again.
_OVERLAP = timedelta(minutes=2)
# Artifacts that are remembered by address and stamp, so that they are not looked up again.
_MOST_KNOWN = 10_000
_OTHERS = (*registered.KINDS, TOUCH_KIND)
_CURSOR = "cursor"
_EXECUTION = "execution"
_FINAL_JOBS = tuple(str(status) for status in JobStatus if status.is_final)
_FINAL_EXECUTIONS = tuple(str(status) for status in PipelineExecutionStatus if status.is_final)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExecutionView:
    """What lineage needs to know of an execution."""

    arn: str
    created_at: datetime
    status: str
    parameters: Mapping[str, Json]
    steps: Sequence[Mapping[str, Json]]


class Executions(Protocol):
    """Looks at executions of pipelines."""

    def __call__(self, execution: str, /) -> ExecutionView:
        """Return how one stands.

        Raises:
            NotFoundError: If there is none.
        """
        ...


class LineageRecorder:
    """Records lineage. Safe to share between threads; several processes may record the same.

    Args:
        store: Where it is written.
        records: Where jobs and models are kept.
        versions: Tells what lies at an address.
        code: Keeps the code of steps.
        executions: Looks at executions.
        identify: Gives, for an image, the versions of the software that stands for it here.
        components: Makes the trial components of jobs that have ended, where they are missing.
        digesting: Is told to digest what was recorded.
        groups_behind: Gives the names of the feature groups that what lies at an address is made of.
        clock: Tells the time.
        arns: Builds ARNs.
    """

    def __init__(
        self,
        store: LineageStore,
        records: RecordStore,
        versions: Versions,
        code: KeptCode,
        executions: Executions,
        identify: Callable[[str], Mapping[str, str]],
        components: Callable[[Sequence[Record]], None],
        digesting: Digesting,
        *,
        groups_behind: Callable[[str], Sequence[str]] = lambda _address: (),
        clock: Clock,
        arns: Arns,
    ) -> None:
        self._store = store
        self._records = records
        self._versions = versions
        self._code = code
        self._executions = executions
        self._identify = identify
        self._components = components
        self._digesting = digesting
        self._groups_behind = groups_behind
        self._clock = clock
        self._arns = arns
        self._waiting: dict[tuple[str, str], None] = {}
        self._changed = threading.Condition()
        self._drawing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._known: dict[tuple[str, str], str] = {}
        # Up to which moment all has been looked at; ``None``: not known yet.
        self._seen: datetime | None = None

    def note(self, kind: str, name: str) -> None:
        """Have a job drawn up soon, as far as it has come; return at once."""
        with self._changed:
            self._waiting[kind, name] = None
            if self._is_closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="lineage", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._changed.notify()

    def close(self) -> None:
        """Draw up what is waiting, if that does not take long. Safe to call twice."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_LONGEST_CLOSE_S)
        self._digesting.close()

    def catch_up(self) -> None:
        """Draw up all that has happened and is not drawn up yet."""
        self._draw_waiting()
        with self._drawing:
            start = self._clock.now()
            since = self._since(start)
            drawn = 0
            while found := self._unrecorded(since):
                self._draw(found)
                drawn += len(found)
            while ended := self._store.unrecorded_executions(_FINAL_EXECUTIONS, since=since, limit=_AT_ONCE):
                self._draw_executions(ended)
                drawn += len(ended)
            if drawn:
                self._store.record([], marks=[Mark(_CURSOR, "", to_micros(start))])
            self._seen = start

    # ---- what is noted ---------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_closed:
                    self._changed.wait()
                if self._is_closed and not self._waiting:
                    return
                if not self._is_closed:
                    self._changed.wait(_GATHER_S)
            self._safely(self._draw_waiting)
            self._digesting.wake()

    def _safely(self, do: Callable[[], object]) -> None:
        try:
            do()
        except Exception:  # noqa: BLE001  (what is missing is drawn up by whoever asks next)
            _log.debug("Lineage could not be recorded.", exc_info=True)

    def _draw_waiting(self) -> None:
        while True:
            with self._drawing:
                with self._changed:
                    some = list(self._waiting)[:_AT_ONCE]
                    for one in some:
                        del self._waiting[one]
                if not some:
                    return
                self._draw(some)

    # ---- what is found ---------------------------------------------------------------------------

    def _since(self, now: datetime) -> int:
        seen = self._seen
        if seen is None:
            stamp = self._store.stamp(_CURSOR, "")
            return max(0, stamp - to_micros_of(_OVERLAP)) if stamp <= to_micros(now) else 0
        # A clock that was set back may hide what has happened since.
        return to_micros(seen - _OVERLAP) if seen <= now else 0

    def _unrecorded(self, since: int) -> list[tuple[str, str]]:
        jobs = self._store.unrecorded(tuple(MEMBERS), _FINAL_JOBS, since=since, limit=_AT_ONCE)
        others = self._store.unrecorded(_OTHERS, (), since=since, limit=_AT_ONCE)
        # Packages come after the jobs that made their models.
        return [(kind, name) for kind, name, _ in (jobs or others)]

    def _draw(self, some: Sequence[tuple[str, str]]) -> None:
        sheet, jobs = self._sheet(), list[Record]()
        with self._store.reading():
            for kind, name in some:
                record = self._records.find(kind, name)
                if record is None:
                    continue
                jobs += [record] if kind in MEMBERS and record.status in _FINAL_JOBS else []
                self._draw_record(sheet, record)
            # Before the marks: after a kill in between, they are only looked for once more.
            self._components(jobs)
            sheet.write()

    def _draw_record(self, sheet: Sheet, record: Record) -> None:
        try:
            if record.kind in MEMBERS:
                self._draw_job(sheet, record)
            elif record.kind == TOUCH_KIND:
                self._draw_touch(sheet, record)
            else:
                registered.draw_up_record(sheet, record)
        except (StepmillError, OSError, ValueError, KeyError):
            # One that cannot be read must not keep all others from being drawn up for ever.
            _log.warning("The lineage of %s %s cannot be drawn up.", record.kind, record.name, exc_info=True)
            sheet.marks.append(Mark(record.kind, record.name, to_micros(record.modified_at)))

    def _draw_job(self, sheet: Sheet, record: Record) -> None:
        job = JobIdentity(record.kind, record.name, digest_of(state_of(record).task_id))
        touches = touches_of(self._records, job)
        for thing in facts_of(record.kind, request_of(record)).inputs:
            behind = self._groups_behind(thing.uri)
            touches += [Touch(job, group, Way.READ, record.created_at) for group in behind]
        draw_up_job(sheet, record, self._software(record), touches)

    def _draw_touch(self, sheet: Sheet, record: Record) -> None:
        """Draw up the job of a touch that is not drawn with it yet: that was noted while the job ended."""
        touch = read_touch(record)
        job = self._records.find(touch.job.kind, touch.job.name)
        # Another one of its name may have come since.
        if job is not None and digest_of(state_of(job).task_id) == touch.job.task:
            self._draw_job(sheet, job)
        sheet.marks.append(Mark(TOUCH_KIND, record.name, to_micros(record.modified_at)))

    def _draw_executions(self, ended: Sequence[tuple[str, int]]) -> None:
        sheet = self._sheet()
        for identifier, stamp in ended:
            with suppress(NotFoundError):
                view = self._executions(identifier)
                executions.draw_up_execution(
                    sheet,
                    view.arn,
                    view.created_at,
                    steps=view.steps,
                    parameters=view.parameters,
                    status=view.status,
                )
            sheet.marks.append(Mark(_EXECUTION, identifier, stamp))
        sheet.write()

    def _sheet(self) -> Sheet:
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        return Sheet(self._store, self._arns, self._versions, self._code, self._known)

    def _software(self, record: Record) -> Mapping[str, str]:
        request = request_of(record)
        algorithm = request.get("AlgorithmSpecification") or request.get("AppSpecification")
        if not isinstance(algorithm, Mapping):
            return {}
        image = str(algorithm.get("TrainingImage") or algorithm.get("ImageUri") or "")
        try:
            return self._identify(image) if image else {}
        except StepmillError:
            return {}


def to_micros_of(span: timedelta) -> int:
    """Return a span in microseconds."""
    return span // timedelta(microseconds=1)
