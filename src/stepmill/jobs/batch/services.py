"""Everything that there is to Batch, put together once: submit a job, and it runs.

Source: Batch API reference, SubmitJob.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence

import msgspec

from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.errors import InvalidInputError, UnsupportedError, WrongStateError
from stepmill.core.json import Json, JsonObject
from stepmill.jobs.batch.attempts import Attempts
from stepmill.jobs.batch.container import check_retries, check_timeout, container_of
from stepmill.jobs.batch.definitions import Definition, Definitions
from stepmill.jobs.batch.job import (
    JOB_KIND,
    BatchJobs,
    BatchStatus,
    Dependency,
    Job,
    Order,
    State,
    children_of,
    queue_parent,
)
from stepmill.jobs.batch.names import check_name
from stepmill.jobs.batch.queues import QUEUE, BatchQueues
from stepmill.jobs.batch.scheduler import MOST_AT_ONCE, Scheduler
from stepmill.jobs.services import JobServices
from stepmill.storage.records import RecordStore, Selection

MOST_NEEDS = 20
LARGEST_ARRAY = 10_000
_SMALLEST_ARRAY = 2
_PAGE = 1000
_NOT_OFFERED = ("nodeOverrides", "eksPropertiesOverride", "ecsPropertiesOverride")


class Batch:
    """Definitions, queues and jobs.

    Args:
        services: Gives what jobs work with, when the first one runs.
        records: Where all is kept. Its changes survive a power cut.
        progress: The same store, for what can be found out again from a job's folder.
        clock: Tells the time.
        arns: Builds ARNs.
        most_at_once: So many jobs run at once.
    """

    def __init__(
        self,
        services: Callable[[], JobServices],
        records: RecordStore,
        progress: RecordStore,
        *,
        clock: Clock,
        arns: Arns,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._records = records
        self.definitions = Definitions(records, arns)
        self.queues = BatchQueues(records, arns)
        self.jobs = BatchJobs(records, progress)
        attempts = Attempts(services, records)
        self.scheduler = Scheduler(
            self.jobs, self.queues, attempts, records, clock, most_at_once=most_at_once
        )

    def submit(self, request: JsonObject, token: str = "") -> Job:
        """Take a job; it runs when its turn comes. It is on the disk.

        Args:
            request: What SubmitJob got.
            token: The same one means the same job, which goes on; empty: a new job.

        Raises:
            InvalidInputError: If Batch would refuse it.
            NotFoundError: If there is no such queue, definition, or job that it depends on.
            WrongStateError: If the queue is disabled or the definition is no longer active.
            UnsupportedError: If it asks for what is not offered.
        """
        order = self._order(request)
        identifier = str(uuid.uuid5(uuid.NAMESPACE_OID, token) if token else uuid.uuid4())
        if token and (before := self.jobs.find(identifier)):
            self.scheduler.take(before)
            return before
        state = State(BatchStatus.PENDING if order.needs or order.size else BatchStatus.RUNNABLE)
        with self._records.transaction():
            job = self.jobs.create(identifier, order, state)
            children = [self._child(job, child, index) for index, child in enumerate(children_of(job))]
        self.scheduler.take(*children, job)
        return job

    def end_all(self, queue: str, reason: str) -> None:
        """End all jobs of a queue."""
        for status in BatchStatus:
            if not status.is_final:
                chosen = Selection(parent=queue_parent(queue), status=status, limit=_PAGE)
                for record in chosen.all(self._records, JOB_KIND):
                    self.scheduler.stop(record.name, reason, terminates=True)

    def close(self) -> None:
        """Begin nothing more. What runs goes on."""
        self.scheduler.close()

    def _child(self, array: Job, identifier: str, index: int) -> Job:
        order = msgspec.structs.replace(array.order, size=0, array=array.id, index=index)
        state = State(BatchStatus.PENDING if order.needs else BatchStatus.RUNNABLE)
        return self.jobs.create(identifier, order, state)

    def _order(self, request: JsonObject) -> Order:
        for member in _NOT_OFFERED:
            if request.get(member):
                raise UnsupportedError(
                    f"{member} is not offered.", where=member, mend="Use containerOverrides."
                )
        name = check_name(str(request.get("jobName") or ""), "jobName")
        queue = self.queues.get(QUEUE, str(request.get("jobQueue") or ""))
        if not queue.is_enabled:
            raise WrongStateError(
                f"Error executing request, Exception : JobQueue {queue.name} is disabled.", mend="Enable it."
            )
        definition = self.definitions.get(str(request.get("jobDefinition") or ""))
        if not definition.is_active:
            raise WrongStateError(
                f"Error executing request, Exception : JobDefinition {definition.id} is not ACTIVE.",
                mend="Register it again.",
            )
        parameters = {**_texts(definition.document, "parameters"), **_texts(request, "parameters")}
        retries = request.get("retryStrategy") or definition.document.get("retryStrategy")
        check_retries(retries)
        timeout = check_timeout(request.get("timeout") or definition.document.get("timeout"))
        priority = request.get("schedulingPriorityOverride", definition.document.get("schedulingPriority"))
        return Order(
            name=name,
            queue=queue.name,
            definition=self.definitions.arn(definition),
            definition_name=definition.name,
            container=container_of(
                _object(definition.document, "containerProperties"),
                _object(request, "containerOverrides"),
                parameters,
            ),
            parameters=parameters,
            retries=dict(retries) if isinstance(retries, Mapping) else {},
            timeout_s=int(timeout.total_seconds()) if timeout else 0,
            needs=self._needs(request),
            size=_array_size(request),
            priority=priority if isinstance(priority, int) else None,
            share=str(request.get("shareIdentifier") or ""),
        )

    def _needs(self, request: JsonObject) -> tuple[Dependency, ...]:
        given = request.get("dependsOn") or []
        items: Sequence[Json] = given if isinstance(given, Sequence) and not isinstance(given, str) else []
        if len(items) > MOST_NEEDS:
            raise InvalidInputError(
                f"Error executing request, Exception : A job depends on at most {MOST_NEEDS} jobs."
            )
        needs = []
        for item in items:
            said = item if isinstance(item, Mapping) else {}
            need = Dependency(str(said.get("jobId") or ""), str(said.get("type") or ""))
            self._check_need(need, _array_size(request))
            needs.append(need)
        return tuple(needs)

    def _check_need(self, need: Dependency, size: int) -> None:
        if not need.job and not (need.kind == "SEQUENTIAL" and size):
            raise InvalidInputError(
                "Error executing request, Exception : dependsOn needs a jobId, or for an array SEQUENTIAL."
            )
        if not need.job:
            return
        other = self.jobs.get(need.job)
        if need.kind == "N_TO_N" and other.order.size != size:
            raise InvalidInputError(
                "Error executing request, Exception : N_TO_N needs two arrays of the same size."
            )


def definition_document(definitions: Definitions, definition: Definition) -> dict[str, Json]:
    """Return what DescribeJobDefinitions tells of a definition."""
    return {
        **definition.document,
        "jobDefinitionName": definition.name,
        "jobDefinitionArn": definitions.arn(definition),
        "revision": definition.revision,
        "status": "ACTIVE" if definition.is_active else "INACTIVE",
        "type": "container",
        "containerOrchestrationType": "ECS",
    }


def _array_size(request: JsonObject) -> int:
    size = _object(request, "arrayProperties").get("size")
    if size is None:
        return 0
    if not isinstance(size, int) or isinstance(size, bool) or not _SMALLEST_ARRAY <= size <= LARGEST_ARRAY:
        raise InvalidInputError(
            f"Error executing request, Exception : Array size must be {_SMALLEST_ARRAY} to {LARGEST_ARRAY}."
        )
    return size


def _object(document: JsonObject, member: str) -> JsonObject:
    value = document.get(member)
    return value if isinstance(value, Mapping) else {}


def _texts(document: JsonObject, member: str) -> dict[str, str]:
    return {name: str(value) for name, value in _object(document, member).items()}
