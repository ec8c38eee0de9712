"""Reads records from the online store.

Source: SageMaker API reference, GetRecord, BatchGetRecord, ListRecords.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stepmill.catalog.features.group import GROUP_KIND, FeatureGroup
from stepmill.catalog.features.groups import FeatureGroups
from stepmill.catalog.features.online import decode_values, living, shown
from stepmill.catalog.features.values import Text, text_of_micros
from stepmill.core.clock import Clock
from stepmill.core.errors import InvalidInputError
from stepmill.storage.database import to_micros
from stepmill.storage.features import FeatureRows, OnlineRow


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record of the online store.

    Args:
        values: Feature -> text or texts.
        expires_at: From when on it is gone, ISO 8601; ``None``: never.
    """

    values: dict[str, Text]
    expires_at: str | None


class Reading:
    """Reads the newest records. Safe to share between threads and processes.

    Args:
        groups: Whose.
        rows: Where they are.
        clock: Says whose time is over.
    """

    def __init__(self, groups: FeatureGroups, rows: FeatureRows, clock: Clock) -> None:
        self._groups = groups
        self._rows = rows
        self._clock = clock

    def get(self, group: FeatureGroup, identifier: str, features: Sequence[str] = ()) -> FoundRecord | None:
        """Return the newest record of an identifier; ``None`` if there is none, or it is deleted or expired.

        Args:
            group: Whose.
            identifier: Of the record.
            features: Only these; empty: all.

        Raises:
            InvalidInputError: If the group has no online store, or no such feature.
        """
        _check_asked(group, features)
        return self._found(self._rows.get(group.id, identifier), features)

    def get_named(
        self, name_or_arn: str, identifier: str, features: Sequence[str] = ()
    ) -> FoundRecord | None:
        """Return the newest record of an identifier in the group of a name; see ``get``.

        Raises:
            NotFoundError: If there is no such group.
            InvalidInputError: See ``get``.
        """
        known = self._groups.known(name_or_arn)
        if known is not None:
            # Mostly the group is as it was: then one question answers both.
            found = self._rows.look(GROUP_KIND, known.group.name.lower(), identifier)
            if found is not None and found[0] == known.version:
                _check_asked(known.group, features)
                return self._found(found[1], features)
        return self.get(self._groups.get(name_or_arn), identifier, features)

    def _found(self, stored: OnlineRow | None, features: Sequence[str]) -> FoundRecord | None:
        row = shown(stored, self._now())
        if row is None:
            return None
        values = decode_values(row.body)
        if features:
            values = {name: values[name] for name in features if name in values}
        return FoundRecord(values, None if row.expires_at is None else text_of_micros(row.expires_at))

    def identifiers(
        self, group: FeatureGroup, *, after: str = "", limit: int = 100, with_deleted: bool = False
    ) -> tuple[list[str], str | None]:
        """Return the identifiers of a group's records in order, and the last one if there are more.

        Args:
            group: Whose.
            after: Only those after this one.
            limit: At most so many, at least 1.
            with_deleted: Also of those that are softly deleted.

        Raises:
            InvalidInputError: If the group has no online store.
        """
        _check_online(group)
        now, found = self._now(), list[str]()
        while len(found) <= limit:
            page = self._rows.page(group.id, after=after, limit=limit + 1)
            if not page:
                return found, None
            after = page[-1].identifier
            look = living if with_deleted else shown
            found += [row.identifier for row in page if look(row, now) is not None]
        return found[:limit], found[limit - 1]

    def _now(self) -> int:
        now: datetime = self._clock.now()
        return to_micros(now)


def _check_asked(group: FeatureGroup, features: Sequence[str]) -> None:
    _check_online(group)
    for name in features:
        if name not in group.schema.by_name:
            raise InvalidInputError(
                f"Validation Error: Feature named '{name}' is not in FeatureGroup {group.name}.",
                where="FeatureNames",
            )


def _check_online(group: FeatureGroup) -> None:
    if group.online is None:
        raise InvalidInputError(
            f"Validation Error: The online store of FeatureGroup {group.name} is not enabled.",
            mend="Read its offline store, or make a group with EnableOnlineStore.",
        )
