"""Which model package was made for which token, so that a request that comes again makes none.

A version is claimed before it is made, and remembered after: whoever comes again after a crash in between
looks for what was made since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from stepmill.catalog.packages import PACKAGE_KIND, part
from stepmill.core.json import JsonObject
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

TOKEN_KIND = "model-package-token"  # noqa: S105  (the name of a kind, no secret)


@dataclass(frozen=True)
class MadeBefore:
    """A package that was made for a token.

    Args:
        record: Of the package.
        is_remembered: Whether it was seen to its end; else whoever made it was killed.
    """

    record: Record
    is_remembered: bool


class PackageTokens:
    """Keeps tokens. Empty ones stand for nothing.

    Args:
        records: Where they are kept.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    def claim(self, token: str, group: str) -> None:
        """Say, before a version is made, that one is going to be: after a crash it is looked for.

        Args:
            token: As it was given.
            group: Key of the group's record.
        """
        if not token or self._records.find(TOKEN_KIND, _key(token)) is not None:
            return
        newest = self._records.list(
            PACKAGE_KIND, parent=group, sort_by=SortBy.NUMBER, descending=True, limit=1
        ).records
        body: JsonObject = {"group": group, "after": newest[0].number if newest else 0, "package": ""}
        self._records.create(TOKEN_KIND, _key(token), body)

    def remember(self, token: str, made: Record) -> None:
        """Say which package was made for a token."""
        if not token:
            return
        key = _key(token)
        if self._records.find(TOKEN_KIND, key) is None:
            self._records.create(TOKEN_KIND, key, {"package": made.name})
        else:
            self._records.update(
                TOKEN_KIND, key, lambda claim: replace(claim, body={**claim.body, "package": made.name})
            )

    def made_before(self, token: str) -> MadeBefore | None:
        """Return what was made for a token; ``None``: nothing was, or it was deleted since."""
        claim = self._records.find(TOKEN_KIND, _key(token)) if token else None
        if claim is None:
            return None
        if name := claim.body.get("package"):
            record = self._records.find(PACKAGE_KIND, str(name))
            return None if record is None else MadeBefore(record, is_remembered=True)
        # Claimed, and then killed: only a version made since can be it.
        versions = Selection(parent=str(claim.body["group"]), sort_by=SortBy.NUMBER, descending=True)
        for record in versions.all(self._records, PACKAGE_KIND):
            if record.number <= int(str(claim.body["after"])):
                break
            if part(record.body, "state").get("token") == token:
                return MadeBefore(record, is_remembered=False)
        return None


def _key(token: str) -> str:
    return sha256(token.encode()).hexdigest()
