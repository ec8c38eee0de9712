"""Work groups, named queries and prepared statements: what is set for queries, and queries to be run again.

Source: Athena API reference, CreateWorkGroup, WorkGroupConfiguration, CreateNamedQuery,
CreatePreparedStatement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import JsonObject
from stepmill.storage.records import Page, Record, RecordStore, Selection, SortBy

GROUP_KIND = "query-work-group"
PRIMARY = "primary"
ENABLED, DISABLED = "ENABLED", "DISABLED"
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,128}")
_BY_NAME = Selection(sort_by=SortBy.NAME, limit=1000)


class WorkGroups:
    """Keeps work groups; ``primary`` is always there.

    Args:
        records: Where they are kept.
        primary_output: Where results of ``primary`` go unless it is said.
    """

    def __init__(self, records: RecordStore, primary_output: str) -> None:
        self._records = records
        self._primary_output = primary_output

    def create(self, name: str, document: JsonObject) -> None:
        """Make one of the members of a CreateWorkGroup request.

        Raises:
            InvalidInputError: If it cannot have that name, or there is one of it.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInputError(f"WorkGroup name {name[:80]!r} is not valid", where="Name")
        if name == PRIMARY:
            raise InvalidInputError("WorkGroup is already created")
        try:
            self._records.create(GROUP_KIND, name, document, status=ENABLED)
        except ConflictError as error:
            raise InvalidInputError("WorkGroup is already created") from error

    def get(self, name: str) -> Record | None:
        """Return the record of one; ``None`` stands for ``primary`` as it is from the beginning.

        Raises:
            InvalidInputError: If there is none.
        """
        found = self._records.find(GROUP_KIND, name) if _NAME.fullmatch(name) else None
        if found is None and name != PRIMARY:
            raise InvalidInputError("WorkGroup is not found.")
        return found

    def all(self) -> list[Record | None]:
        """Return all, by name; ``None`` stands for ``primary``."""
        found: list[Record | None] = list(_BY_NAME.all(self._records, GROUP_KIND))
        return found if any(one and one.name == PRIMARY for one in found) else [*found, None]

    def update(self, name: str, change: Callable[[JsonObject], JsonObject], state: str = "") -> None:
        """Change what is said of one.

        Raises:
            InvalidInputError: If there is none.
        """
        if self.get(name) is None:
            self._records.create(GROUP_KIND, name, {}, status=ENABLED)

        def changed(record: Record) -> Record:
            return replace(record, body=change(record.body), status=state or record.status)

        self._records.update(GROUP_KIND, name, changed)

    def delete(self, name: str) -> None:
        """Remove one.

        Raises:
            InvalidInputError: If there is none, or it is ``primary``.
        """
        if name == PRIMARY:
            raise InvalidInputError("The primary workgroup cannot be deleted.")
        self.get(name)
        self._records.delete(GROUP_KIND, name)

    def output_of(self, name: str, given: str) -> str:
        """Return where results go: as the request says, unless the group overrides it.

        Raises:
            InvalidInputError: If there is no such group, or it is disabled.
        """
        record = self.get(name)
        if record is None:
            return given or self._primary_output
        if record.status == DISABLED:
            raise InvalidInputError("WorkGroup is disabled.")
        configuration = _members(record.body, "Configuration")
        own = str(_members(configuration, "ResultConfiguration").get("OutputLocation") or "")
        # AWS's default is that the group's settings are enforced.
        if own and configuration.get("EnforceWorkGroupConfiguration", True):
            return own
        return given or own or (self._primary_output if name == PRIMARY else "")


class NamedQueries:
    """Keeps documents under a work group and a name: of one kind.

    Args:
        records: Where they are kept.
        kind: Of their records.
        called: What they are called in sentences.
    """

    def __init__(self, records: RecordStore, kind: str, called: str) -> None:
        self._records = records
        self._kind = kind
        self._called = called

    def create(self, key: str, document: JsonObject, work_group: str) -> None:
        """Make one.

        Raises:
            InvalidInputError: If there is one.
        """
        try:
            self._records.create(self._kind, key, document, parent=work_group)
        except ConflictError as error:
            raise InvalidInputError(f"{self._called} already exists") from error

    def get(self, key: str) -> Record:
        """Return one.

        Raises:
            NotFoundError: If there is none.
        """
        found = self._records.find(self._kind, key)
        if found is None:
            raise NotFoundError(f"{self._called} {key.rpartition('/')[2]} was not found")
        return found

    def update(self, key: str, document: JsonObject) -> None:
        """Replace one.

        Raises:
            NotFoundError: If there is none.
        """
        self.get(key)
        self._records.update(
            self._kind, key, lambda record: replace(record, body={**record.body, **document})
        )

    def delete(self, key: str) -> None:
        """Remove one.

        Raises:
            NotFoundError: If there is none.
        """
        self.get(key)
        self._records.delete(self._kind, key)

    def page(self, work_group: str, limit: int, after: str | None) -> Page:
        """Return a page of those of a work group, by name."""
        return replace(_BY_NAME, parent=work_group, limit=limit, after=after).page(self._records, self._kind)


def _members(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return cast(Mapping[str, Any], found) if isinstance(found, Mapping) else {}
