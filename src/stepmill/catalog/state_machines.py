"""The state machines of a home, with their versions.

Source: Step Functions API reference; developer guide, "Versions and aliases".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from stepmill.catalog.state_machine_records import (
    ALIAS_KIND,
    FIRST_REVISION,
    MACHINE_KIND,
    VERSION_KIND,
    MachineContent,
    StateMachine,
    check_name,
    read_alias,
    read_machine,
    read_version,
    version_name,
)
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.json import Json
from stepmill.core.spelling import did_you_mean
from stepmill.core.states_arns import StatesArns
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

_PAGE = 1000
# What a repeated creation must agree on; the role and the tags need not.
# Source: API reference, CreateStateMachine.
_IDENTITY = ("definition", "type", "logging", "tracing", "encryption")


@dataclass(frozen=True, slots=True)
class MachinePage:
    """Part of a list of machines or versions; ``next_token`` is ``None`` on the last page."""

    machines: tuple[StateMachine, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """What ``StateMachines.put`` came to.

    Args:
        machine: As it is now.
        is_new: Whether it was made or changed now.
    """

    machine: StateMachine
    is_new: bool


class StateMachines:
    """Keeps state machines. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
    """

    def __init__(self, records: RecordStore, arns: StatesArns) -> None:
        self._records = records
        self.arns = arns

    # ---- changing ------------------------------------------------------------------------------

    def create(self, name: str, content: MachineContent) -> StateMachine:
        """Make a machine; one that is there already and is made of the same is as good.

        Raises:
            InvalidInputError: If Step Functions would refuse the name.
            ConflictError: If there is another of that name.
        """
        check_name(name)
        body = content.body()
        with self._records.transaction():
            record = self._records.find(MACHINE_KIND, name)
            if record is None:
                record = self._records.create(MACHINE_KIND, name, {**body, "revision": FIRST_REVISION})
            elif any(record.body.get(member) != body[member] for member in _IDENTITY):
                raise ConflictError(
                    f"State Machine Already Exists: '{self.arns.machine(name)}'",
                    mend="Update that one, or choose another name.",
                )
        return read_machine(record, self.arns)

    def put(self, name: str, content: MachineContent) -> Deployment:
        """Make a machine, or let it be made of this from now on.

        Raises:
            InvalidInputError: If Step Functions would refuse the name.
        """
        check_name(name)
        body = content.body()
        with self._records.transaction():
            record = self._records.find(MACHINE_KIND, name)
            if record is None:
                made = self._records.create(MACHINE_KIND, name, {**body, "revision": FIRST_REVISION})
                return Deployment(read_machine(made, self.arns), is_new=True)
            if all(record.body.get(member) == value for member, value in body.items()):
                return Deployment(read_machine(record, self.arns), is_new=False)
            return Deployment(self._change(name, body), is_new=True)

    def update(self, name: str, changes: Mapping[str, Json]) -> StateMachine:
        """Let a machine be made of something else; executions that run are not touched.

        Args:
            name: Of the machine.
            changes: Members of ``MachineContent.body``; what is not named stays as it was.

        Raises:
            NotFoundError: If there is no such machine.
        """
        with self._records.transaction():
            self._record(name)
            return self._change(name, changes)

    def publish(self, name: str, *, description: str = "", revision: str = "") -> StateMachine:
        """Keep a machine as it is now as its next version; one of this revision is as good.

        Args:
            name: Of the machine.
            description: Of the version.
            revision: The one that must be the machine's still; empty: any.

        Raises:
            NotFoundError: If there is no such machine.
            ConflictError: If the machine's revision is another.
        """
        with self._records.transaction():
            record = self._record(name)
            current = str(record.body["revision"])
            if revision and revision != current:
                raise ConflictError(
                    f"Failed to publish the State Machine version for revision {revision}. "
                    f"The current State Machine revision is {current}.",
                    mend="Describe the machine, and publish what it is now.",
                )
            newest = self._newest(name)
            if newest is not None and newest.body["revision"] == current:
                return read_version(newest, self.arns)
            body: dict[str, Json] = {**record.body, "description": description}
            made = self._records.create_numbered(
                VERSION_KIND, name, lambda number: version_name(name, number), lambda _: body
            )
        return read_version(made, self.arns)

    def delete(self, name: str) -> bool:
        """Remove a machine, its versions and aliases; executions that run go on.

        Returns:
            Whether there was one.
        """
        with self._records.transaction():
            if self._records.find(MACHINE_KIND, name) is None:
                return False
            for kind in (ALIAS_KIND, VERSION_KIND):
                while found := self._records.list(kind, parent=name, limit=_PAGE).records:
                    for record in found:
                        self._records.delete(kind, record.name)
            self._records.delete(MACHINE_KIND, name)
        return True

    def delete_version(self, name: str, number: int) -> None:
        """Remove a version; one that is not there does not matter.

        Raises:
            ConflictError: If an alias leads to it.
        """
        with self._records.transaction():
            aliases = [read_alias(each, self.arns) for each in self._all(ALIAS_KIND, name)]
            leading = [a.name for a in aliases if any(route.version == number for route in a.routes)]
            if leading:
                raise ConflictError(
                    "Version to be deleted must not be referenced by an alias. "
                    f"Current list of aliases referencing this version: [{', '.join(leading)}]"
                )
            if self._records.find(VERSION_KIND, version_name(name, number)) is not None:
                self._records.delete(VERSION_KIND, version_name(name, number))

    # ---- looking -------------------------------------------------------------------------------

    def get(self, name: str, version: int = 0) -> StateMachine:
        """Return a machine as it is now, or one of its versions.

        Raises:
            NotFoundError: If there is no such machine or version.
        """
        record = self._record(name)
        if not version:
            return read_machine(record, self.arns)
        found = self._records.find(VERSION_KIND, version_name(name, version))
        if found is None:
            raise self._missing(self.arns.machine(name, str(version)), "List its versions.")
        return read_version(found, self.arns)

    def page(self, *, limit: int = _PAGE, after: str | None = None) -> MachinePage:
        """Return a part of the list of machines, by name.

        Raises:
            InvalidInputError: If the token or the limit is not one.
        """
        page = self._records.list(MACHINE_KIND, sort_by=SortBy.NAME, limit=limit, after=after)
        return MachinePage(tuple(read_machine(each, self.arns) for each in page.records), page.next_token)

    def versions(self, name: str, *, limit: int = _PAGE, after: str | None = None) -> MachinePage:
        """Return a part of the list of a machine's versions, the newest first; of no machine: none.

        Raises:
            InvalidInputError: If the token or the limit is not one.
        """
        page = self._records.list(
            VERSION_KIND, parent=name, sort_by=SortBy.NUMBER, descending=True, limit=limit, after=after
        )
        return MachinePage(tuple(read_version(each, self.arns) for each in page.records), page.next_token)

    # ---- inside --------------------------------------------------------------------------------

    def _change(self, name: str, changes: Mapping[str, Json]) -> StateMachine:
        revision = str(uuid.uuid4())
        changed = self._records.update(
            MACHINE_KIND, name, lambda old: replace(old, body={**old.body, **changes, "revision": revision})
        )
        return read_machine(changed, self.arns)

    def _record(self, name: str) -> Record:
        record = self._records.find(MACHINE_KIND, name) if name else None
        if record is None:
            names = [each.name for each in self._all(MACHINE_KIND)]
            raise self._missing(self.arns.machine(name), did_you_mean(name, names))
        return record

    def _missing(self, arn: str, mend: str) -> NotFoundError:
        return NotFoundError(f"State Machine Does Not Exist: '{arn}'", mend=mend)

    def _newest(self, name: str) -> Record | None:
        page = self._records.list(VERSION_KIND, parent=name, sort_by=SortBy.NUMBER, descending=True, limit=1)
        return page.records[0] if page.records else None

    def _all(self, kind: str, parent: str | None = None) -> Iterator[Record]:
        return Selection(parent=parent, sort_by=SortBy.NAME, limit=_PAGE).all(self._records, kind)
