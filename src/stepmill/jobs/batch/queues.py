"""Job queues and compute environments. An environment is only a record: all jobs run on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json, JsonObject
from stepmill.jobs.batch.names import check_name, name_of
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

QUEUE_KIND = "batch-queue"
ENVIRONMENT_KIND = "batch-environment"
ENABLED, DISABLED = "ENABLED", "DISABLED"
# Of ARNs.
QUEUE, ENVIRONMENT = "job-queue", "compute-environment"
_KINDS = {QUEUE: (QUEUE_KIND, "JobQueue"), ENVIRONMENT: (ENVIRONMENT_KIND, "ComputeEnvironment")}
_LARGEST_PRIORITY = 1000
_MOST_ENVIRONMENTS = 3
_PAGE = 1000


@dataclass(frozen=True)
class Shelf:
    """A queue or an environment.

    Args:
        name: Its name.
        document: What it was created with, changed by what it was updated with.
    """

    name: str
    document: JsonObject

    @property
    def is_enabled(self) -> bool:
        """Whether jobs may be submitted to it."""
        return self.document.get("state", ENABLED) == ENABLED

    @property
    def priority(self) -> int:
        """Of a queue: the greater goes first."""
        priority = self.document.get("priority")
        return priority if isinstance(priority, int) else 0

    @property
    def environments(self) -> tuple[str, ...]:
        """Of a queue: names of its environments, the first first."""
        order = self.document.get("computeEnvironmentOrder")
        items = order if isinstance(order, Sequence) and not isinstance(order, str) else []
        found = [
            (item.get("order") or 0, str(item["computeEnvironment"]))
            for item in items
            if isinstance(item, Mapping)
        ]
        return tuple(name_of(reference, ENVIRONMENT) for _, reference in sorted(found, key=str))


class BatchQueues:
    """Keeps queues and environments. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
    """

    def __init__(self, records: RecordStore, arns: Arns) -> None:
        self._records = records
        self._arns = arns

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a queue (``job-queue``) or an environment (``compute-environment``)."""
        return self._arns.batch(kind, name)

    def create(self, kind: str, name: str, document: JsonObject) -> Shelf:
        """Make a queue or an environment.

        Raises:
            InvalidInputError: If Batch would refuse it.
            ConflictError: If there is one of that name.
        """
        record_kind, word = _KINDS[kind]
        check_name(name, f"{word}Name")
        with self._records.transaction():
            if kind == QUEUE:
                document = self._checked_queue(document)
            try:
                record = self._records.create(record_kind, name, document)
            except ConflictError as error:
                raise ConflictError(
                    f"Error executing request, Exception : Object already exists, {word}: {name}"
                ) from error
        return _shelf(record)

    def find(self, kind: str, reference: str) -> Shelf | None:
        """Return a queue or an environment by name or ARN, or ``None``."""
        name = name_of(reference, kind)
        record = self._records.find(_KINDS[kind][0], name) if name else None
        return _shelf(record) if record is not None else None

    def get(self, kind: str, reference: str) -> Shelf:
        """Return a queue or an environment by name or ARN.

        Raises:
            NotFoundError: If there is none.
        """
        found = self.find(kind, reference)
        if found is None:
            word = _KINDS[kind][1]
            raise NotFoundError(
                f"Error executing request, Exception : {word} {reference[:200]} does not exist.",
                mend=f"Create it with Create{word}.",
            )
        return found

    def all(self, kind: str) -> Iterator[Shelf]:
        """Yield all queues or environments, by name."""
        for record in Selection(sort_by=SortBy.NAME, limit=_PAGE).all(self._records, _KINDS[kind][0]):
            yield _shelf(record)

    def update(self, kind: str, reference: str, changes: JsonObject) -> Shelf:
        """Say something else of a queue or an environment.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If Batch would refuse it.
        """
        with self._records.transaction():
            found = self.get(kind, reference)
            document = {**found.document, **changes}
            checked = self._checked_queue(document) if kind == QUEUE else document
            record = self._records.update(
                _KINDS[kind][0], found.name, lambda record: replace(record, body=checked)
            )
        return _shelf(record)

    def delete(self, kind: str, reference: str) -> Shelf | None:
        """Remove a queue or an environment that is disabled; return what it was, ``None`` if it is not there.

        Raises:
            WrongStateError: If it is enabled, or if a queue has the environment.
        """
        record_kind, word = _KINDS[kind]
        with self._records.transaction():
            found = self.find(kind, reference)
            if found is None:
                return None
            name = found.name
            if found.is_enabled:
                raise WrongStateError(
                    f"Error executing request, Exception : Cannot delete, {word} {name} must be DISABLED",
                    mend=f"Disable it with Update{word} first.",
                )
            if kind == ENVIRONMENT and any(found.name in queue.environments for queue in self.all(QUEUE)):
                raise WrongStateError(
                    "Error executing request, Exception : Cannot delete, found existing JobQueue relationship"
                )
            self._records.delete(record_kind, found.name)
        return found

    def _checked_queue(self, document: JsonObject) -> JsonObject:
        priority = document.get("priority")
        if not isinstance(priority, int) or not 0 <= priority <= _LARGEST_PRIORITY:
            raise InvalidInputError(
                f"Error executing request, Exception : priority must be between 0 and {_LARGEST_PRIORITY}."
            )
        order = document.get("computeEnvironmentOrder")
        items = order if isinstance(order, Sequence) and not isinstance(order, str) else []
        if not 1 <= len(items) <= _MOST_ENVIRONMENTS:
            raise InvalidInputError(
                "Error executing request, Exception : computeEnvironmentOrder must have 1 to "
                f"{_MOST_ENVIRONMENTS} compute environments."
            )
        named: list[Json] = []
        for item in items:
            said = item if isinstance(item, Mapping) else {}
            found = self.get(ENVIRONMENT, str(said.get("computeEnvironment")))
            named.append({**said, "computeEnvironment": self.arn(ENVIRONMENT, found.name)})
        return {**document, "computeEnvironmentOrder": named}


def _shelf(record: Record) -> Shelf:
    return Shelf(record.name, record.body)
