"""Updates of records: some values change, the others stay.

Pure. Source: SageMaker API reference, UpdateRecord.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.online import decode_values, on_the_wire
from stepmill.catalog.features.values import CheckedRecord, check_record
from stepmill.core.errors import InvalidInputError
from stepmill.storage.features import OnlineRow

MOST_UPDATED = 100
_UPDATABLE = frozenset({"Standard_V2", "InMemory"})


def check_update(group: FeatureGroup, features: Sequence[Mapping[str, Any]], ttl_micros: int | None) -> None:
    """Check what can be seen of an update without the record that it changes.

    Raises:
        InvalidInputError: If SageMaker would not take it.
    """
    if group.online is None or group.online.storage_type not in _UPDATABLE:
        raise InvalidInputError(
            "Validation Error: UpdateRecord is available only for feature groups that use the Standard_V2 or "
            "InMemory online store type.",
            mend="UpdateFeatureGroup changes Standard into Standard_V2.",
        )
    names = [str(feature["FeatureName"]) for feature in features]
    if not 1 <= len(names) <= MOST_UPDATED:
        raise InvalidInputError(
            f"Validation Error: 1 to {MOST_UPDATED} features can be updated at a time.", where="Features"
        )
    if ttl_micros is not None and group.schema.event_time not in names:
        raise InvalidInputError("Validation Error: A TtlDuration needs an EventTime in the request.")


def updated_record(
    group: FeatureGroup, here: OnlineRow, features: Sequence[Mapping[str, Any]], ttl_micros: int | None
) -> tuple[CheckedRecord, int | None]:
    """Return a record with new values, and from when on it counts as gone."""
    old = decode_values(here.body)
    named = {feature["FeatureName"] for feature in features}
    kept = on_the_wire({name: value for name, value in old.items() if name not in named})
    record = check_record(group.schema, [*kept, *features])
    expires_at = here.expires_at
    if ttl_micros is not None:
        expires_at = record.event_time + ttl_micros
    elif expires_at is not None:
        expires_at += record.event_time - here.event_time
    return record, expires_at
