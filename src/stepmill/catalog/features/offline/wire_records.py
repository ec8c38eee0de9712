"""Records of Python's values become those of the wire, whose values are texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stepmill.catalog.features.offline.columns import converted
from stepmill.catalog.features.schema import GroupSchema
from stepmill.catalog.features.values import event_time_text
from stepmill.core.clock import aware
from stepmill.core.errors import InvalidInputError
from stepmill.storage.database import to_micros


def wire_record(schema: GroupSchema, record: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return a record as PutRecord takes it; what is ``None`` is left out.

    Raises:
        InvalidInputError: If there is no such feature, or it takes no such value.
    """
    found: list[dict[str, Any]] = []
    for name, value in record.items():
        if value is None:
            continue
        feature = schema.by_name.get(name)
        if feature is None:
            raise InvalidInputError(
                f"The group has no feature {name!r}.",
                where=str(name),
                mend=f"It has {', '.join(list(schema.by_name)[:20])}.",
            )
        if name == schema.event_time and isinstance(value, datetime):
            value = wire_event_time(schema, value)
        try:
            kept = converted(feature, value)
        except (TypeError, ValueError, OverflowError, ArithmeticError):
            kind = feature.type if feature.collection is None else f"{feature.collection} of {feature.type}"
            raise InvalidInputError(
                f"The feature {name!r} takes no {str(value)[:80]!r}: it is {kind}.", where=name
            ) from None
        if kept is None:  # pandas' NA, NaT
            continue
        found.append(
            {"FeatureName": name, "ValueAsString": _text(kept)}
            if feature.collection is None
            else {"FeatureName": name, "ValueAsStringList": [_text(each) for each in kept]}
        )
    return found


def wire_event_time(schema: GroupSchema, moment: datetime | str | float) -> str:
    """Return an event time as the group writes them.

    Args:
        schema: Of the group.
        moment: A moment (UTC where it has no zone), or what is such a text or number already.
    """
    if not isinstance(moment, datetime):
        return _text(moment)
    return event_time_text(schema, to_micros(aware(moment)))


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)
