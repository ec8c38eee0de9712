"""Aliases of state machines: names that lead to one version, or share executions between two.

Source: Step Functions developer guide, "Versions and aliases".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stepmill.catalog.state_machine_records import (
    ALIAS_KIND,
    InvalidNameError,
    MachineAlias,
    Route,
    alias_name,
    check_name,
    check_routes,
    read_alias,
)
from stepmill.catalog.state_machines import StateMachines
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.json import Json
from stepmill.storage.records import Record, RecordStore, SortBy

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class AliasPage:
    """Part of a list of aliases; ``next_token`` is ``None`` on the last page."""

    aliases: tuple[MachineAlias, ...]
    next_token: str | None


class StateMachineAliases:
    """Keeps the aliases of state machines. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        machines: Keeps the machines and versions.
    """

    def __init__(self, records: RecordStore, machines: StateMachines) -> None:
        self._records = records
        self._machines = machines
        self._arns = machines.arns

    def create(self, machine: str, name: str, routes: Iterable[Route], description: str = "") -> MachineAlias:
        """Give versions of a machine a name; the same again is as good.

        Raises:
            InvalidInputError: If Step Functions would refuse the name or the shares.
            NotFoundError: If there is no such machine or version.
            ConflictError: If the machine has an alias of that name that leads elsewhere.
        """
        check_name(name)
        if name.isdecimal():
            raise InvalidNameError(
                f"Invalid Name: '{name}'", mend="A number names a version; use a letter, too."
            )
        body: dict[str, Json] = {"routes": self._checked(machine, routes), "description": description}
        with self._records.transaction():
            record = self._find(machine, name)
            if record is None:
                record = self._records.create(ALIAS_KIND, alias_name(machine, name), body, parent=machine)
            elif record.body != body:
                raise ConflictError(
                    "Failed to create alias because an alias with the same name and a different routing "
                    "configuration already exists.",
                    mend="Update that one, or choose another name.",
                )
        return read_alias(record, self._arns)

    def update(
        self,
        machine: str,
        name: str,
        *,
        routes: Iterable[Route] | None = None,
        description: str | None = None,
    ) -> MachineAlias:
        """Let an alias lead elsewhere, or say something else of it. ``None``: as it was.

        Raises:
            InvalidInputError: If Step Functions would refuse the shares.
            NotFoundError: If there is no such alias or version.
        """
        changed: dict[str, Json] = {}
        if routes is not None:
            changed["routes"] = self._checked(machine, routes)
        if description is not None:
            changed["description"] = description
        self._record(machine, name)
        return read_alias(
            self._records.update(
                ALIAS_KIND,
                alias_name(machine, name),
                lambda old: replace(old, body={**old.body, **changed}),
            ),
            self._arns,
        )

    def get(self, machine: str, name: str) -> MachineAlias:
        """Return an alias.

        Raises:
            NotFoundError: If there is none of that name.
        """
        return read_alias(self._record(machine, name), self._arns)

    def delete(self, machine: str, name: str) -> None:
        """Remove an alias.

        Raises:
            NotFoundError: If there is none of that name.
        """
        self._records.delete(ALIAS_KIND, self._record(machine, name).name)

    def page(
        self, machine: str, *, version: int = 0, limit: int = _PAGE, after: str | None = None
    ) -> AliasPage:
        """Return a part of the list of a machine's aliases, by name.

        Args:
            machine: Name of the machine.
            version: Only those that lead to it; 0: all.
            limit: At most so many are looked at.
            after: A page's ``next_token``.

        Raises:
            InvalidInputError: If the token or the limit is not one.
        """
        page = self._records.list(ALIAS_KIND, parent=machine, sort_by=SortBy.NAME, limit=limit, after=after)
        found = [read_alias(record, self._arns) for record in page.records]
        if version:
            found = [each for each in found if any(route.version == version for route in each.routes)]
        return AliasPage(tuple(found), page.next_token)

    def _checked(self, machine: str, routes: Iterable[Route]) -> dict[str, Json]:
        checked = check_routes(routes)
        for route in checked:
            self._machines.get(machine, route.version)
        return {str(route.version): route.weight for route in checked}

    def _find(self, machine: str, name: str) -> Record | None:
        return self._records.find(ALIAS_KIND, alias_name(machine, name))

    def _record(self, machine: str, name: str) -> Record:
        record = self._find(machine, name)
        if record is None:
            raise NotFoundError(
                f"Request references a resource that does not exist: '{self._arns.machine(machine, name)}'",
                mend="List the aliases of the machine.",
            )
        return record
