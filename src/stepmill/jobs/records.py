"""What is kept of a job: its request as it came, and its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import msgspec

from stepmill.core.errors import ConflictError
from stepmill.core.json import JsonObject
from stepmill.core.statuses import JobStatus
from stepmill.core.typed import converter
from stepmill.jobs.warm_pools import Pool, with_keep_alive
from stepmill.storage.records import Record, RecordStore

PROCESSING_JOB = "processing-job"
TRAINING_JOB = "training-job"
TRANSFORM_JOB = "transform-job"
# A tuning job is none of these: it only makes others.
JOB_KINDS = (TRAINING_JOB, PROCESSING_JOB, TRANSFORM_JOB)
# What CloudWatch's namespaces and log groups of jobs are called.
WATCHED_KINDS = {
    "/aws/sagemaker/ProcessingJobs": PROCESSING_JOB,
    "/aws/sagemaker/TrainingJobs": TRAINING_JOB,
    "/aws/sagemaker/TransformJobs": TRANSFORM_JOB,
}

# Of names that differ from one in case, or hold it, so many are looked at.
_MOST_ALIKE = 1000


class Transition(msgspec.Struct, frozen=True):
    """A secondary status of a training job.

    Args:
        status: ``Starting``, ``Downloading``, ``Training`` ...
        at: When it began.
        message: What is said of it now; empty: what is always said.
    """

    status: str
    at: datetime
    message: str = ""


class Attempt(msgspec.Struct, frozen=True):
    """A run of a job's program that was not the last one, or came after such a one.

    Args:
        started_at: When the program began.
        ended_at: When it had ended.
        then: The secondary status that followed: ``Interrupted``, ``Restarting``; empty after the last one.
    """

    started_at: datetime
    ended_at: datetime
    then: str = ""


class MetricPoint(msgspec.Struct, frozen=True, array_like=True):
    """A value of a metric and when it was printed."""

    at: datetime
    value: float


class Metric(msgspec.Struct, frozen=True):
    """What a metric did.

    Args:
        name: Of the metric.
        last: The last value printed.
        points: All values, evenly thinned if there were many.
    """

    name: str
    last: MetricPoint
    points: tuple[MetricPoint, ...] = ()


class Usage(msgspec.Struct, frozen=True, array_like=True):
    """What a job used of the machine; see ``compute.usage.UsageSample``."""

    at: datetime
    cpu_percent: float
    memory_bytes: int
    gpu_percent: float | None = None
    gpu_memory_percent: float | None = None


class JobState(msgspec.Struct, frozen=True):
    """How a job stands.

    Args:
        task_id: The task it was made for; its idempotency key.
        arn: Of the job.
        execution_arn: For whom.
        step: Name of the step.
        tuning_arn: Of the tuning job that it is a trial of; empty if it is none.
        status: How it stands.
        secondary: Secondary status; of training jobs.
        transitions: All secondary statuses so far.
        started_at: When its program began.
        ended_at: When the job ended; its program may have ended earlier.
        stop_requested: Whether it was asked to stop.
        interrupting: Whether its capacity is being taken away.
        attempts: Those that have ended, if it was begun more than once.
        resumes_at: When it is begun again, if it waits for that.
        isolation: The one it has: ``bubblewrap``, ``none``; empty until it runs.
        warm: Whether it was forked from a warm parent.
        python: Path of the interpreter of its environment; empty until it runs, and of containers.
        notes: Remarks: what is weaker or other than asked for.
        exit_code: Of its program; ``None`` if there is none.
        error: Name of the error, if it failed.
        reason: FailureReason.
        log_tail: The last lines of its log, if it failed.
        exit_message: What a processing job left in ``/opt/ml/output/message``.
        model: Address of what a training job left in its model folder.
        metrics: What was read from the log.
        usage: What it used of the machine; none of a job of less than a second.
        spot_share: How much of its time is billed: less than 1 on spot capacity whose price is known.
        pool: The warm pool that it had, or left.
    """

    task_id: str
    arn: str
    execution_arn: str = ""
    step: str = ""
    tuning_arn: str = ""
    status: JobStatus = JobStatus.IN_PROGRESS
    secondary: str = "Starting"
    transitions: tuple[Transition, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stop_requested: bool = False
    interrupting: bool = False
    attempts: tuple[Attempt, ...] = ()
    resumes_at: datetime | None = None
    isolation: str = ""
    warm: bool = False
    python: str = ""
    notes: tuple[str, ...] = ()
    exit_code: int | None = None
    error: str = ""
    reason: str = ""
    log_tail: tuple[str, ...] = ()
    exit_message: str = ""
    model: str = ""
    metrics: tuple[Metric, ...] = ()
    usage: tuple[Usage, ...] = ()
    spot_share: float = 1.0
    pool: Pool | None = None

    def entered(self, secondary: str, at: datetime) -> JobState:
        """Return the state with one more secondary status.

        No attempt enters one twice: whoever picks it up after a crash only hears again that it runs.
        """
        if self.has_entered(secondary):
            return self
        transitions = (*self.transitions, Transition(secondary, at))
        return msgspec.structs.replace(self, secondary=secondary, transitions=transitions)

    def telling(self, message: str) -> JobState:
        """Return the state with a message about what is done before the job runs."""
        *before, last = self.transitions
        if last.status != "Downloading":  # it was asked to stop
            return self
        return msgspec.structs.replace(
            self, transitions=(*before, msgspec.structs.replace(last, message=message))
        )

    def has_entered(self, secondary: str) -> bool:
        """Say whether the present attempt at the job has entered a secondary status."""
        for transition in reversed(self.transitions):
            if transition.status == secondary:
                return True
            if transition.status in ("Interrupted", "Restarting"):
                return False
        return False

    def with_notes(self, *notes: str) -> JobState:
        """Return the state with these remarks, each only once."""
        return msgspec.structs.replace(self, notes=tuple(dict.fromkeys((*self.notes, *notes))))


_to_state = converter(JobState)


def state_of(record: Record) -> JobState:
    """Return how the job of a record stands."""
    return _to_state(record.body["state"])


def request_of(record: Record) -> JsonObject:
    """Return the request of a job as it came."""
    request = record.body["request"]
    return request if isinstance(request, Mapping) else {}


def body_of(request: JsonObject, state: JobState) -> JsonObject:
    """Return what is kept of a job."""
    body: JsonObject = {"request": request, "state": msgspec.to_builtins(state)}
    return body


def seconds_of(state: JobState) -> int | None:
    """Return how long a job ran, waiting for capacity left out, at least a second; ``None`` until its end."""
    if state.started_at is None or state.ended_at is None:
        return None
    if state.attempts:
        # Waiting for capacity is no training.
        return max(1, round(sum((a.ended_at - a.started_at).total_seconds() for a in state.attempts)))
    return max(1, round((state.ended_at - state.started_at).total_seconds()))


class JobRecords:
    """The records of one kind of job.

    Args:
        records: Where they are kept.
        kind: ``processing-job`` or ``training-job``.
    """

    def __init__(self, records: RecordStore, kind: str) -> None:
        self._records = records
        self.kind = kind

    def open(self, name: str, request: JsonObject, state: JobState) -> Record:
        """Return the record of a task's job; make it if this is the first time.

        Raises:
            ConflictError: If another task has made a job of that name.
        """
        # Nearly always it is: so no look before.
        try:
            body = body_of(request, state)
            return self._records.create(
                self.kind, name, body, parent=state.execution_arn, status=state.status
            )
        except ConflictError:
            record = self._records.get(self.kind, name)
        if state_of(record).task_id != state.task_id:
            raise ConflictError(f"There is a {self.kind} {name!r} already.", mend="Choose another name.")
        return record

    def get(self, name: str) -> Record:
        """Return the record of a job; its name may be as its ARN has it, in lower case.

        Raises:
            NotFoundError: If there is none.
        """
        return self.find(name) or self._records.get(self.kind, name)

    def find(self, name: str) -> Record | None:
        """Return the record of a job, or ``None``; its name may be as its ARN has it, in lower case."""
        record = self._records.find(self.kind, name)
        if record is not None or not name or name != name.lower():
            return record
        alike = self._records.list(self.kind, name_contains=name, limit=_MOST_ALIKE).records
        return next((other for other in alike if other.name.lower() == name), None)

    def change(self, name: str, change: Callable[[JobState], JobState]) -> Record:
        """Change how a job stands; one that has ended stays as it is."""

        def changed(record: Record) -> Record:
            old = state_of(record)
            new = old if old.status.is_final else change(old)
            if new == old:
                return record
            return replace(record, status=new.status, body=body_of(request_of(record), new))

        return self._records.update(self.kind, name, changed)

    def change_request(self, name: str, change: Callable[[JsonObject], JsonObject]) -> Record:
        """Change what the request of a job says, for whoever has it described."""
        return self._records.update(
            self.kind,
            name,
            lambda record: replace(record, body={**record.body, "request": change(request_of(record))}),
        )

    def change_pool(self, name: str, change: Callable[[Pool], Pool], keep_alive: int | None = None) -> Record:
        """Change how the warm pool of a job stands, be it that the job has ended; one without stays as it is.

        Args:
            name: Of the job.
            change: Makes another one of its pool.
            keep_alive: What its request is to say of it from now on, in seconds; ``None``: what it says.
        """

        def changed(record: Record) -> Record:
            state, request = state_of(record), request_of(record)
            if state.pool is None:
                return record
            new = msgspec.structs.replace(state, pool=change(state.pool))
            if keep_alive is not None:
                request = with_keep_alive(request, keep_alive)
            body = body_of(request, new)
            return record if body == record.body else replace(record, body=body)

        return self._records.update(self.kind, name, changed)
