"""Writes records: to the online store, and to the journal on the way to files, in one transaction.

Two writers of one identifier do not harm each other: whichever commits first, the record with the newer event
time is in the online store at the end, and both are in the offline store.

Source: SageMaker API reference, PutRecord, BatchWriteRecord, DeleteRecord, UpdateRecord.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stepmill.catalog.features.group import GROUP_KIND, FeatureGroup
from stepmill.catalog.features.groups import FeatureGroups, group_not_found
from stepmill.catalog.features.online import (
    DeletionMode,
    Store,
    encode_values,
    living,
    shown,
)
from stepmill.catalog.features.updating import check_update, updated_record
from stepmill.catalog.features.values import (
    CheckedRecord,
    Text,
    check_identifier,
    check_record,
    event_time_micros,
    event_time_text,
)
from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, StepmillError, StorageError
from stepmill.storage.database import to_micros
from stepmill.storage.features import FeatureRows, JournalRow, OnlineRow
from stepmill.storage.grouped import GroupedWrites


@dataclass(frozen=True, slots=True)
class Put:
    """A record that is to be written.

    Args:
        group: Whose.
        record: As on the wire.
        stores: Where to; empty: to all that the group has.
        ttl_micros: How long it lives from its event time on; ``None``: as long as the group says.
        revision: How often the group had changed when it was looked at, if it has to be the same now.
    """

    group: FeatureGroup
    record: Sequence[Mapping[str, Any]]
    stores: Collection[str] = ()
    ttl_micros: int | None = None
    revision: int | None = None


class Writing:
    """Writes records. Safe to share between threads and processes. What has been written is on the disk.

    Args:
        groups: Whose.
        rows: Where they go.
        writes: Makes the transactions.
        clock: Tells when a record came, and whose time is over.
        on_journal: Called after records have gone to the journal, with how many.
    """

    def __init__(
        self,
        groups: FeatureGroups,
        rows: FeatureRows,
        writes: GroupedWrites,
        clock: Clock,
        on_journal: Callable[[int], object],
    ) -> None:
        self._groups = groups
        self._rows = rows
        self._writes = writes
        self._clock = clock
        self._on_journal = on_journal

    def put(self, put: Put) -> None:
        """Write a record. One that is not newer than what the online store has goes to the offline one alone.

        Raises:
            InvalidInputError: If SageMaker would not take it.
            NotFoundError: If the group has gone.
        """
        prepared = self._prepared(put)
        self._writes.run(lambda: self._write(prepared))
        self._tell(prepared.is_offline)

    def put_named(
        self,
        name_or_arn: str,
        record: Sequence[Mapping[str, Any]],
        stores: Collection[str] = (),
        ttl_micros: int | None = None,
    ) -> None:
        """Write a record of the group of a name; see ``put``.

        The group is taken as it was last seen, and read again only where it is another by now.
        """
        known = self._groups.known(name_or_arn)
        if known is not None:
            try:
                return self.put(Put(known.group, record, stores, ttl_micros, known.version[1]))
            except StorageError:
                raise
            except StepmillError:
                if self._groups.get(name_or_arn) is known.group:
                    raise
        return self.put(Put(self._groups.get(name_or_arn), record, stores, ttl_micros))

    def put_each(self, puts: Sequence[Put]) -> list[StepmillError | None]:
        """Write several records, each for itself; all that can be written are, in one transaction.

        Returns:
            Of each the error that it met; ``None`` if none.
        """
        outcomes: list[StepmillError | None] = [None] * len(puts)
        prepared: list[tuple[int, _Prepared]] = []
        for place, put in enumerate(puts):
            try:
                prepared.append((place, self._prepared(put)))
            except StepmillError as error:
                outcomes[place] = error
        if prepared:
            self._writes.run(lambda: self._write_each(prepared, outcomes))
        self._tell(sum(one.is_offline for place, one in prepared if outcomes[place] is None))
        return outcomes

    def delete(
        self,
        group: FeatureGroup,
        identifier: str,
        event_time: str,
        *,
        stores: Collection[str] = (),
        mode: DeletionMode = DeletionMode.SOFT,
    ) -> None:
        """Delete a record. The offline store is told of it by a record without values.

        Args:
            group: Whose.
            identifier: Of the record.
            event_time: When it is deleted, as the group writes event times.
            stores: Where from; empty: from all that the group has.
            mode: How.

        Raises:
            InvalidInputError: If SageMaker would not take it; or, of a hard deletion, if the record is newer.
            NotFoundError: If the group has gone.
        """
        is_online, is_offline = _targets(group, stores)
        schema = group.schema
        values: dict[str, Text] = {
            schema.record_identifier: check_identifier(identifier),
            schema.event_time: event_time,
        }
        moment = event_time_micros(schema, event_time)
        body, now = encode_values(values), self._now()

        def change() -> None:
            self._check_current(group)
            here = living(self._rows.get(group.id, identifier), now) if is_online else None
            is_newer = here is None or moment > here.event_time
            if is_online and mode is DeletionMode.HARD:
                if not is_newer:
                    raise InvalidInputError(
                        "Validation Error: EventTime: the time of the deletion has to be later than the "
                        "EventTime of the record in the online store.",
                        where="EventTime",
                    )
                self._rows.delete(group.id, identifier)
            elif is_online and is_newer:
                self._rows.put(group.id, OnlineRow(identifier, moment, None, True, body))
            if is_offline:
                self._rows.append(group.id, [JournalRow(moment, now, True, body)])

        self._writes.run(change)
        self._tell(is_offline)

    def update(
        self,
        group: FeatureGroup,
        identifier: str,
        features: Sequence[Mapping[str, Any]],
        *,
        stores: Collection[str] = (),
        ttl_micros: int | None = None,
    ) -> None:
        """Change some values of a record; the others stay as they are.

        Args:
            group: Whose; its online store has to be of a type that SageMaker updates.
            identifier: Of the record.
            features: The new values, as on the wire; without an event time the record keeps its own.
            stores: Where; empty: in all that the group has.
            ttl_micros: How long it lives from its event time on; ``None``: as before.

        Raises:
            InvalidInputError: If SageMaker would not take it.
            NotFoundError: If the group has gone, or there is no such record.
            ConflictError: If the record is newer.
        """
        check_update(group, features, ttl_micros)
        is_online, is_offline = _targets(group, stores)
        now = self._now()

        def change() -> None:
            self._check_current(group)
            here = shown(self._rows.get(group.id, identifier), now)
            if here is None:
                raise NotFoundError(
                    f"Resource Not Found: FeatureGroup {group.name} has no record {identifier[:100]!r}."
                )
            new, expires_at = updated_record(group, here, features, ttl_micros)
            if new.event_time < here.event_time:
                raise ConflictError("The provided EventTime is older than the record's current EventTime.")
            if new.identifier != identifier:
                name = group.schema.record_identifier
                raise InvalidInputError(f"Validation Error: Feature named '{name}' cannot be updated.")
            body = encode_values(new.values)
            if is_online:
                self._rows.put(group.id, OnlineRow(identifier, new.event_time, expires_at, False, body))
            if is_offline:
                self._rows.append(group.id, [JournalRow(new.event_time, now, False, body)])

        self._writes.run(change)
        self._tell(is_offline)

    def expire(self, groups: Mapping[str, FeatureGroup], *, limit: int = 1000) -> int:
        """Remove records from the online store whose time is over; the offline store is told.

        Args:
            groups: By their ids. Records of others are removed, too.
            limit: At most so many.

        Returns:
            How many were removed.
        """
        now = self._now()

        def change() -> int:
            gone = self._rows.expired(now, limit=limit)
            for identity, row in gone:
                self._rows.delete(identity, row.identifier)
                group = groups.get(identity)
                if group is not None and group.offline is not None and row.expires_at is not None:
                    marker = _marker(group, row.identifier, row.expires_at)
                    self._rows.append(identity, [JournalRow(row.expires_at, now, True, marker)])
            return len(gone)

        removed = self._writes.run(change)
        self._tell(removed)
        return removed

    def _prepared(self, put: Put) -> _Prepared:
        record = check_record(put.group.schema, put.record)
        is_online, is_offline = _targets(put.group, put.stores)
        online = put.group.online
        ttl = put.ttl_micros if put.ttl_micros is not None or online is None else online.ttl_micros
        expires_at = None if ttl is None else record.event_time + ttl
        return _Prepared(
            put.group,
            record,
            encode_values(record.values),
            is_online,
            is_offline,
            expires_at,
            self._now(),
            put.revision,
        )

    def _write_each(
        self, prepared: Sequence[tuple[int, _Prepared]], outcomes: list[StepmillError | None]
    ) -> None:
        for place, one in prepared:
            try:
                self._write(one)
            except StorageError:
                raise
            except StepmillError as error:
                outcomes[place] = error

    def _write(self, one: _Prepared) -> None:
        group, record = one.group, one.record
        here = self._rows.state(GROUP_KIND, group.name.lower(), record.identifier)
        _check_version(group, None if here is None else here.version, one.revision)
        assert here is not None
        is_living = here.is_there and (here.expires_at is None or here.expires_at > one.now)
        if one.is_online and (not is_living or record.event_time > here.event_time):
            row = OnlineRow(record.identifier, record.event_time, one.expires_at, False, one.body)
            self._rows.put(group.id, row)
        if one.is_offline:
            self._rows.append(group.id, [JournalRow(record.event_time, one.now, False, one.body)])

    def _check_current(self, group: FeatureGroup) -> None:
        _check_version(group, self._rows.version(GROUP_KIND, group.name.lower()), None)

    def _now(self) -> int:
        now: datetime = self._clock.now()
        return to_micros(now)

    def _tell(self, count: int) -> None:
        if count:
            self._on_journal(count)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A record that has been checked, and where it goes."""

    group: FeatureGroup
    record: CheckedRecord
    body: bytes
    is_online: bool
    is_offline: bool
    expires_at: int | None
    now: int
    revision: int | None


def _check_version(group: FeatureGroup, version: tuple[str, int] | None, revision: int | None) -> None:
    """Hold that the group is still there: another one of its name has another id."""
    if version is None or version[0] != group.id:
        raise group_not_found(group.name)
    if revision not in (None, version[1]):
        raise ConflictError(f"The feature group {group.name!r} has changed meanwhile.")


def _targets(group: FeatureGroup, stores: Collection[str]) -> tuple[bool, bool]:
    """Return whether a record goes to the online store, and whether to the offline store."""
    if not stores:
        return group.online is not None, group.offline is not None
    for store, has in ((Store.ONLINE, group.online), (Store.OFFLINE, group.offline)):
        if store in stores and has is None:
            raise InvalidInputError(
                f"Validation Error: TargetStores has {store}, which is not enabled for FeatureGroup "
                f"{group.name}.",
                where="TargetStores",
            )
    return Store.ONLINE in stores, Store.OFFLINE in stores


def _marker(group: FeatureGroup, identifier: str, moment: int) -> bytes:
    """Return the body of a record that says that there is none any more."""
    schema = group.schema
    return encode_values(
        {schema.record_identifier: identifier, schema.event_time: event_time_text(schema, moment)}
    )
