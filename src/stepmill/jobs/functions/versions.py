"""Published versions of functions, which never change, and aliases, which point to one of them.

Source: AWS Lambda developer guide, "Manage Lambda function versions" and "Create an alias".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import NAMESPACE_OID, uuid5

from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject
from stepmill.jobs.functions.bodies import body_of, function_of
from stepmill.jobs.functions.function import LATEST, Function
from stepmill.jobs.functions.registry import FunctionRegistry
from stepmill.storage.records import Record, RecordStore

VERSION_KIND = "function-version"
ALIAS_KIND = "function-alias"

_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_ALIAS = re.compile(r"(?![0-9]+$)[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class Alias:
    """A name for a version.

    Args:
        function: Of which function.
        name: Its name.
        arn: The function's ARN with the name behind it.
        version: The version that it points to, or ``$LATEST``.
        description: For humans.
        revision: Another one after each change.
    """

    function: str
    name: str
    arn: str
    version: str
    description: str
    revision: str


class FunctionVersions:
    """Finds functions by name and qualifier; publishes versions; keeps aliases.

    Args:
        functions: The functions.
        records: Where versions and aliases are kept.
        arns: Builds ARNs.
    """

    def __init__(self, functions: FunctionRegistry, records: RecordStore, arns: Arns) -> None:
        self._functions = functions
        self._records = records
        self._arns = arns

    def has(self, name: str, qualifier: str) -> bool:
        """Say whether there is such a version or alias; ``$LATEST`` and nothing are always there."""
        if qualifier in ("", LATEST):
            return True
        kind = VERSION_KIND if _NUMBER.fullmatch(qualifier) else ALIAS_KIND
        return self._records.find(kind, _key(name, qualifier)) is not None

    def get(self, name: str, qualifier: str = "") -> Function:
        """Return a function as it stands, a version of it, or the version that an alias points to.

        Raises:
            NotFoundError: If there is none.
        """
        if qualifier in ("", LATEST):
            function = self._functions.get(name)
            return replace(function, arn=f"{function.arn}:{LATEST}") if qualifier else function
        if _NUMBER.fullmatch(qualifier):
            return self._version(self._record(VERSION_KIND, name, qualifier))
        alias = self.alias(name, qualifier)
        return replace(self.get(name, alias.version), arn=alias.arn)

    def publish(
        self, name: str, *, description: str = "", package_sha256: str = "", revision: str = ""
    ) -> Function:
        """Make a version of a function as it stands; if nothing changed, the last version is it.

        Args:
            name: Which function.
            description: For humans; empty: the function's.
            package_sha256: Only if its code came in a zip of this digest; empty: whatever it is.
            revision: Only if its revision is this one; empty: whatever it is.

        Raises:
            NotFoundError: If there is no such function.
            InvalidInputError: If its code is other.
            WrongStateError: If its revision is another.
        """
        function = self._functions.get(name)
        if revision and revision != function.revision:
            raise WrongStateError(
                "The RevisionId provided does not match the latest RevisionId.",
                where=name,
                mend="Get the function again and decide anew.",
            )
        if package_sha256 and package_sha256 != function.package.sha256:
            raise InvalidInputError("CodeSha256 is not that of the function's code.", where=name)
        last = next(reversed(self.versions(name)), None)
        if last is not None and _as_published(last) == _as_published(function):
            return last
        configuration = replace(
            function.configuration, description=description or function.configuration.description
        )
        body = body_of(configuration, function.code, function.code_sha256, function.package)
        return self._version(
            self._records.create_numbered(
                VERSION_KIND, name, lambda number: _key(name, str(number)), lambda _: body
            )
        )

    def versions(self, name: str) -> list[Function]:
        """Return the published versions of a function, oldest first."""
        return [self._version(record) for record in self._all(VERSION_KIND, name)]

    def delete(self, name: str, version: str) -> None:
        """Remove a version.

        Raises:
            NotFoundError: If there is none.
            ConflictError: If an alias points to it.
        """
        self._record(VERSION_KIND, name, version)
        for alias in self.aliases(name):
            if alias.version == version:
                raise ConflictError(
                    f"The alias {alias.name} points to version {version} of {name}.",
                    mend="Point it to another version, or delete it first.",
                )
        self._records.delete(VERSION_KIND, _key(name, version))

    def forget(self, name: str) -> None:
        """Remove all versions and aliases of a function."""
        for kind in (ALIAS_KIND, VERSION_KIND):
            for record in list(self._all(kind, name)):
                self._records.delete(kind, record.name)

    # ---- aliases -------------------------------------------------------------------------------

    def create_alias(self, name: str, alias: str, version: str, description: str = "") -> Alias:
        """Name a version.

        Raises:
            NotFoundError: If there is no such version.
            InvalidInputError: If nothing can be called so.
            ConflictError: If there is an alias of that name.
        """
        if not _ALIAS.fullmatch(alias):
            raise InvalidInputError(
                f"{alias[:100]!r} cannot be the name of an alias.",
                mend="Use letters, digits, hyphens and underscores, not digits alone.",
            )
        self.get(name, version)
        body: JsonObject = {"version": version, "description": description}
        if self._records.find(ALIAS_KIND, _key(name, alias)) is not None:
            raise ConflictError(f"Alias already exists: {self._arns.function(name)}:{alias}")
        return self._alias(self._records.create(ALIAS_KIND, _key(name, alias), body, parent=name))

    def update_alias(
        self, name: str, alias: str, *, version: str = "", description: str | None = None, revision: str = ""
    ) -> Alias:
        """Point an alias to another version, or describe it otherwise.

        Raises:
            NotFoundError: If there is no such alias or version.
            WrongStateError: If its revision is another.
        """
        if version:
            self.get(name, version)

        def change(record: Record) -> Record:
            if revision and self._alias(record).revision != revision:
                raise WrongStateError(
                    "The RevisionId provided does not match the latest RevisionId.",
                    where=record.name,
                    mend="Get the alias again and decide anew.",
                )
            changes = {"version": version} if version else {}
            more = {} if description is None else {"description": description}
            return replace(record, body={**record.body, **changes, **more})

        self.alias(name, alias)
        return self._alias(self._records.update(ALIAS_KIND, _key(name, alias), change))

    def alias(self, name: str, alias: str) -> Alias:
        """Return an alias.

        Raises:
            NotFoundError: If there is none.
        """
        return self._alias(self._record(ALIAS_KIND, name, alias))

    def aliases(self, name: str) -> list[Alias]:
        """Return the aliases of a function, oldest first."""
        return [self._alias(record) for record in self._all(ALIAS_KIND, name)]

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias.

        Raises:
            NotFoundError: If there is none.
        """
        self._record(ALIAS_KIND, name, alias)
        self._records.delete(ALIAS_KIND, _key(name, alias))

    def _record(self, kind: str, name: str, qualifier: str) -> Record:
        record = self._records.find(kind, _key(name, qualifier))
        if record is None:
            raise NotFoundError(f"Function not found: {self._arns.function(name)}:{qualifier}")
        return record

    def _all(self, kind: str, name: str) -> Iterator[Record]:
        token: str | None = None
        while True:
            page = self._records.list(kind, parent=name, limit=1000, after=token)
            yield from page.records
            token = page.next_token
            if token is None:
                return

    def _version(self, record: Record) -> Function:
        number = str(record.number)
        return function_of(record, record.parent, f"{self._arns.function(record.parent)}:{number}", number)

    def _alias(self, record: Record) -> Alias:
        name = record.name.rpartition(":")[2]
        arn = f"{self._arns.function(record.parent)}:{name}"
        return Alias(
            function=record.parent,
            name=name,
            arn=arn,
            version=str(record.body["version"]),
            description=str(record.body["description"]),
            revision=str(uuid5(NAMESPACE_OID, f"{arn}/{record.created_at.isoformat()}/{record.revision}")),
        )


def _key(name: str, qualifier: str) -> str:
    return f"{name}:{qualifier}"


def _as_published(function: Function) -> tuple[object, ...]:
    return function.code_sha256, function.package, replace(function.configuration, description="")
