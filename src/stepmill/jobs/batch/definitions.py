"""Job definitions: what a job runs, by name and revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from stepmill.core.json import JsonObject
from stepmill.jobs.batch.container import check_container, check_retries, check_timeout
from stepmill.jobs.batch.names import check_name, name_of
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

DEFINITION_KIND = "batch-definition"
ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"
_PAGE = 1000
# Members that ask for more than one container on one machine.
_NOT_OFFERED = ("nodeProperties", "eksProperties", "ecsProperties", "consumableResourceProperties")


@dataclass(frozen=True)
class Definition:
    """A revision of a job definition.

    Args:
        name: Its name.
        revision: From 1.
        document: What RegisterJobDefinition got.
        is_active: Whether jobs may be made of it.
    """

    name: str
    revision: int
    document: JsonObject
    is_active: bool = True

    @property
    def id(self) -> str:
        """Name and revision, ``train:3``."""
        return f"{self.name}:{self.revision}"


class Definitions:
    """Keeps job definitions. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
    """

    def __init__(self, records: RecordStore, arns: Arns) -> None:
        self._records = records
        self._arns = arns

    def arn(self, definition: Definition) -> str:
        """Return the ARN of a revision."""
        return self._arns.batch("job-definition", definition.id)

    def register(self, document: JsonObject) -> Definition:
        """Keep the next revision of a definition.

        Raises:
            InvalidInputError: If Batch would refuse it.
            UnsupportedError: If it asks for what is not offered.
        """
        name = check_name(str(document.get("jobDefinitionName") or ""), "jobDefinitionName")
        check_definition(document)
        kept: JsonObject = {key: value for key, value in document.items() if key != "tags"}
        record = self._records.create_numbered(
            DEFINITION_KIND, name, lambda number: f"{name}:{number}", lambda _number: dict(kept), ACTIVE
        )
        return _definition(record)

    def get(self, reference: str) -> Definition:
        """Return a definition by name, ``name:revision`` or ARN; without a revision the newest active one.

        Raises:
            NotFoundError: If there is none.
        """
        identifier = name_of(reference, "job-definition")
        name, _, revision = identifier.partition(":")
        record = self._records.find(DEFINITION_KIND, identifier) if revision else self._newest(name)
        if record is None:
            raise NotFoundError(
                f"Error executing request, Exception : JobDefinition {reference[:200]} does not exist.",
                mend="Register it with RegisterJobDefinition.",
            )
        return _definition(record)

    def deregister(self, reference: str) -> None:
        """Let no more jobs be made of a revision; one that is not there is let be."""
        identifier = name_of(reference, "job-definition")
        if identifier and self._records.find(DEFINITION_KIND, identifier) is not None:
            self._records.update(DEFINITION_KIND, identifier, lambda record: replace(record, status=INACTIVE))

    def all(self, name: str = "", status: str = "") -> Iterator[Definition]:
        """Yield definitions, by name and then newest first.

        Args:
            name: Only those of this name.
            status: Only those that stand so.
        """
        chosen = Selection(
            parent=name or None, status=status or None, sort_by=SortBy.NUMBER, descending=True, limit=_PAGE
        )
        found = [_definition(record) for record in chosen.all(self._records, DEFINITION_KIND)]
        yield from sorted(found, key=lambda one: one.name)

    def _newest(self, name: str) -> Record | None:
        if not name:
            return None
        page = self._records.list(
            DEFINITION_KIND, parent=name, status=ACTIVE, sort_by=SortBy.NUMBER, descending=True, limit=1
        )
        return next(iter(page.records), None)


def check_definition(document: JsonObject) -> None:
    """Check what RegisterJobDefinition got.

    Raises:
        InvalidInputError: If Batch would refuse it.
        UnsupportedError: If it asks for what is not offered.
    """
    for member in _NOT_OFFERED:
        if document.get(member):
            raise UnsupportedError(
                f"Stepmill runs one container a job; {member} is not offered.",
                where=member,
                mend="Use containerProperties.",
            )
    if document.get("type") != "container":
        raise UnsupportedError("Jobs of several nodes are not offered.", where="type", mend="Use container.")
    container = document.get("containerProperties")
    if not isinstance(container, Mapping):
        raise InvalidInputError("Error executing request, Exception : containerProperties is required.")
    check_container(container)
    check_retries(document.get("retryStrategy"))
    check_timeout(document.get("timeout"))


def _definition(record: Record) -> Definition:
    return Definition(record.parent, record.number, record.body, record.status == ACTIVE)
