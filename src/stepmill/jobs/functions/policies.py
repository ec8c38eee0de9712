"""Who may call a function: kept and given back as it was said. Nothing is refused for want of a permission.

Whoever holds a key of this installation may do everything, and a job what its role may; scripts that wire a
bucket to a function grant the permission first all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import NAMESPACE_OID, uuid5

from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.json import Json, JsonObject
from stepmill.jobs.functions.function import LATEST
from stepmill.storage.records import Record, RecordStore

POLICY_KIND = "function-policy"


@dataclass(frozen=True)
class Policy:
    """The statements of a function, or of a version or alias.

    Args:
        document: As IAM writes one.
        revision: Another one after each change.
    """

    document: JsonObject
    revision: str


class FunctionPolicies:
    """Keeps statements.

    Args:
        records: Where.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    def add(self, name: str, qualifier: str, statement: JsonObject) -> None:
        """Add a statement.

        Args:
            name: Of the function.
            qualifier: A version or alias; empty for the function itself.
            statement: With its ``Sid``.

        Raises:
            ConflictError: If there is one of that ``Sid``.
        """
        sid = str(statement["Sid"])
        key = _key(name, qualifier)
        if self._records.find(POLICY_KIND, key) is None:
            try:
                self._records.create(POLICY_KIND, key, {sid: statement}, parent=name)
                return
            except ConflictError:
                pass  # Someone else added the first one in between.

        def change(record: Record) -> Record:
            if sid in record.body:
                raise ConflictError(
                    f"The statement id ({sid}) provided already exists.",
                    mend="Choose another one, or remove the statement first.",
                )
            return replace(record, body={**record.body, sid: statement})

        self._records.update(POLICY_KIND, key, change)

    def remove(self, name: str, qualifier: str, sid: str) -> None:
        """Remove a statement.

        Raises:
            NotFoundError: If there is none of that ``Sid``.
        """

        def change(record: Record) -> Record:
            if sid not in record.body:
                raise NotFoundError(f"Statement {sid} is not found in resource policy.")
            return replace(record, body={key: value for key, value in record.body.items() if key != sid})

        self.get(name, qualifier)
        self._records.update(POLICY_KIND, _key(name, qualifier), change)

    def get(self, name: str, qualifier: str = "") -> Policy:
        """Return all statements.

        Raises:
            NotFoundError: If there are none.
        """
        record = self._records.find(POLICY_KIND, _key(name, qualifier))
        if record is None or not record.body:
            raise NotFoundError("The resource you requested does not exist.", where=_key(name, qualifier))
        statements: list[Json] = list(record.body.values())
        document: JsonObject = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return Policy(document, str(uuid5(NAMESPACE_OID, f"{record.created_at}/{record.revision}")))

    def forget(self, name: str) -> None:
        """Remove all statements of a function, its versions and aliases."""
        for record in self._records.list(POLICY_KIND, parent=name, limit=10_000).records:
            self._records.delete(POLICY_KIND, record.name)


def _key(name: str, qualifier: str) -> str:
    return name if qualifier in ("", LATEST) else f"{name}:{qualifier}"
