"""The online store: of each record identifier the record with the newest event time.

Source: SageMaker API reference, PutRecord, GetRecord, DeleteRecord, UpdateRecord; developer guide, "Time to
live (TTL) duration for records".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from stepmill.catalog.features.values import Text
from stepmill.storage.features import OnlineRow


class Store(StrEnum):
    """One of the two stores that a record may go to."""

    ONLINE = "OnlineStore"
    OFFLINE = "OfflineStore"


class DeletionMode(StrEnum):
    """How a record is deleted from the online store.

    ``SOFT``: it is hidden, and still keeps older ones away. ``HARD``: nothing of it stays.
    """

    SOFT = "SoftDelete"
    HARD = "HardDelete"


# Both kinds of rows, those of the online store and those of the journal, hold values in this form.
encode_values = msgspec.msgpack.Encoder().encode
_DECODER: msgspec.msgpack.Decoder[dict[str, Any]] = msgspec.msgpack.Decoder(dict[str, Any])


def decode_values(body: bytes) -> dict[str, Text]:
    """Return feature -> text or texts, as they were put."""
    return _DECODER.decode(body)


def living(row: OnlineRow | None, now: int) -> OnlineRow | None:
    """Return a row unless its time is over at a moment, in microseconds since 1970-01-01T00:00Z."""
    return None if row is None or (row.expires_at is not None and row.expires_at <= now) else row


def shown(row: OnlineRow | None, now: int) -> OnlineRow | None:
    """Return a row if it can be read: it is neither deleted nor is its time over."""
    found = living(row, now)
    return None if found is None or found.is_deleted else found


def on_the_wire(values: Mapping[str, Text]) -> list[dict[str, Any]]:
    """Return values as the list that answers carry.

    Example:
        >>> on_the_wire({"id": "7"})
        [{'FeatureName': 'id', 'ValueAsString': '7'}]
    """
    return [
        {"FeatureName": name, "ValueAsString": value}
        if isinstance(value, str)
        else {"FeatureName": name, "ValueAsStringList": value}
        for name, value in values.items()
    ]
