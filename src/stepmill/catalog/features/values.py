"""Values of records: texts on the wire, typed in files; and event times, microseconds in between.

Pure. Source: SageMaker developer guide, "Quotas, naming rules and data types": integral values are signed
64-bit integers, fractional ones IEEE doubles; event times are ``yyyy-MM-dd'T'HH:mm:ssZ`` with up to nine
digits of a second, where T and Z are constants, or seconds since 1970.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

from stepmill.catalog.features.schema import CollectionType, FeatureDefinition, FeatureType, GroupSchema
from stepmill.core.errors import InvalidInputError

LARGEST_RECORD_BYTES = 350 * 1024
LARGEST_IDENTIFIER_BYTES = 2 * 1024
# The years 1 to 9999, which are all that texts can say.
EARLIEST_MICROS = -62_135_596_800_000_000
LATEST_MICROS = 253_402_300_799_999_999

# What the wire says of a feature: one text, or several.
Text: TypeAlias = "str | list[str]"
# The same in a file.
Typed: TypeAlias = "int | float | str | list[Any] | None"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MICROS = 1_000_000
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|NaN|nan|[Ii]nf(?:inity)?)", re.ASCII
)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.([0-9]{1,9}))?Z", re.ASCII)
_LENGTH_OF_SECONDS = 19
_LEAST, _GREATEST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """A record that can be written.

    Args:
        identifier: Whose it is, as on the wire.
        event_time: Of when it is, in microseconds since 1970-01-01T00:00Z.
        values: Feature -> text or texts, in the order of the request; what is not there is null.
    """

    identifier: str
    event_time: int
    values: dict[str, Text]


def check_record(schema: GroupSchema, record: Sequence[Mapping[str, Any]]) -> CheckedRecord:
    """Check the record of a PutRecord request.

    Args:
        schema: Of its group.
        record: ``[{"FeatureName": ..., "ValueAsString": ... | "ValueAsStringList": [...]}]``.

    Raises:
        InvalidInputError: If SageMaker would not take it.
    """
    values: dict[str, Text] = {}
    checks, size = _checks(schema), 0
    for given in record:
        name = given["FeatureName"]
        check = checks.get(name)
        if check is None:
            raise InvalidInputError(f"Validation Error: Feature named '{name}' is not in the feature group.")
        if name in values:
            raise InvalidInputError(f"Validation Error: Feature named '{name}' is there more than once.")
        text = given.get("ValueAsString")
        # The simple case is by far the most frequent one, and a record may have 2,500 values.
        if text is not None and check.fits is not None and "ValueAsStringList" not in given:
            if not check.fits(text):
                raise _unparsable(check.feature)
            value: Text | None = text
        else:
            value = _value_of(check.feature, given)
        if value is not None:
            values[name] = value
            size += len(name) + (len(value) if isinstance(value, str) else sum(map(len, value)))
    _check_size(size, values)
    identifier = values.get(schema.record_identifier)
    if not identifier:
        raise _missing(schema.record_identifier, "record identifier")
    time = values.get(schema.event_time)
    if not time:
        raise _missing(schema.event_time, "event time")
    identifier = check_identifier(str(identifier))
    return CheckedRecord(identifier, event_time_micros(schema, str(time)), values)


@dataclass(frozen=True, slots=True)
class _FeatureCheck:
    """How the value of a feature is checked: ``fits`` tells of one text; ``None``: it is a collection."""

    feature: FeatureDefinition
    fits: Callable[[str], object] | None


@lru_cache(maxsize=1024)
def _checks(schema: GroupSchema) -> dict[str, _FeatureCheck]:
    return {
        feature.name: _FeatureCheck(feature, None if feature.collection else _FITS[feature.type])
        for feature in schema.features
    }


def check_identifier(identifier: str) -> str:
    """Return a record identifier that is not too long.

    Raises:
        InvalidInputError: If it is.
    """
    if len(identifier.encode()) > LARGEST_IDENTIFIER_BYTES:
        raise InvalidInputError(
            f"Validation Error: A record identifier has at most {LARGEST_IDENTIFIER_BYTES} bytes."
        )
    return identifier


def event_time_micros(schema: GroupSchema, text: str) -> int:
    """Return the moment of an event time, in microseconds since 1970-01-01T00:00Z.

    Raises:
        InvalidInputError: If it is none of the type that the group's event times have.
    """
    if schema.event_time_type is FeatureType.STRING:
        return micros_of_text(text, schema.event_time)
    return micros_of_seconds(_checked_number(schema.by_name[schema.event_time], text), schema.event_time)


def micros_of_text(text: str, name: str = "EventTime") -> int:
    """Return the moment of an ISO 8601 text; what is less than a microsecond is cut off.

    Raises:
        InvalidInputError: If it has another form.

    Example:
        >>> micros_of_text("1970-01-01T00:00:01.5Z")
        1500000
    """
    match = _MOMENT.fullmatch(text)
    if match is not None:
        try:
            moment = datetime.fromisoformat(text[:_LENGTH_OF_SECONDS]).replace(tzinfo=UTC)
        except ValueError:
            pass
        else:
            fraction = match[1]
            below = int(fraction[:6].ljust(6, "0")) if fraction else 0
            return (moment - _EPOCH) // _MICROSECOND + below
    raise InvalidInputError(
        f"Validation Error: The value {text[:100]!r} of the event time feature '{name}' is not in the format "
        "yyyy-MM-dd'T'HH:mm:ssZ or yyyy-MM-dd'T'HH:mm:ss.SSSZ (ISO-8601, UTC)."
    )


def micros_of_seconds(seconds: float, name: str = "EventTime") -> int:
    """Return the moment of so many seconds since 1970.

    Raises:
        InvalidInputError: If it is not in the years 1 to 9999.

    Example:
        >>> micros_of_seconds(1.5)
        1500000
    """
    if math.isfinite(seconds):
        micros = round(seconds * _MICROS)
        if EARLIEST_MICROS <= micros <= LATEST_MICROS:
            return micros
    raise InvalidInputError(
        f"Validation Error: The value {seconds!r} of the event time feature '{name}' is not a Unix timestamp "
        "in seconds of the years 1 to 9999."
    )


def text_of_micros(micros: int) -> str:
    """Return a moment as ISO 8601, with as many digits of a second as it needs.

    Example:
        >>> text_of_micros(1_500_000)
        '1970-01-01T00:00:01.500Z'
    """
    moment = _EPOCH + timedelta(microseconds=micros)
    spec = "seconds" if not moment.microsecond else "milliseconds" if micros % 1000 == 0 else "microseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def event_time_text(schema: GroupSchema, micros: int) -> str:
    """Return a moment as an event time of a group is written on the wire."""
    return text_of_micros(micros) if schema.event_time_type is FeatureType.STRING else repr(micros / _MICROS)


def typed(feature: FeatureDefinition, value: Text | None) -> Typed:
    """Return a value that has been checked as it stands in a file."""
    if value is None:
        return None
    convert = _CONVERSIONS[feature.type]
    return convert(value) if isinstance(value, str) else [convert(each) for each in value]


_CONVERSIONS: Mapping[FeatureType, Callable[[str], Any]] = {
    FeatureType.INTEGRAL: int,
    FeatureType.FRACTIONAL: float,
    FeatureType.STRING: str,
}


def _is_integer(text: str) -> bool:
    return _INTEGER.fullmatch(text) is not None and _LEAST <= int(text) <= _GREATEST


_FITS: Mapping[FeatureType, Callable[[str], object]] = {
    FeatureType.INTEGRAL: _is_integer,
    FeatureType.FRACTIONAL: _NUMBER.fullmatch,
    FeatureType.STRING: lambda _: True,
}


def _value_of(feature: FeatureDefinition, given: Mapping[str, Any]) -> Text | None:
    text, texts = given.get("ValueAsString"), given.get("ValueAsStringList")
    if text is not None and texts is not None:
        raise InvalidInputError(
            f"Validation Error: Feature named '{feature.name}' has both ValueAsString and ValueAsStringList."
        )
    if feature.collection is None:
        if texts is not None:
            raise InvalidInputError(
                f"Validation Error: Feature named '{feature.name}' is no collection: give ValueAsString."
            )
        return None if text is None else _checked_text(feature, text)
    if text is not None:
        raise InvalidInputError(
            f"Validation Error: Feature named '{feature.name}' is a {feature.collection}: "
            "give ValueAsStringList."
        )
    return None if texts is None else _checked_texts(feature, texts)


def _checked_text(feature: FeatureDefinition, text: str) -> str:
    if not _FITS[feature.type](text):
        raise _unparsable(feature)
    return text


def _checked_texts(feature: FeatureDefinition, texts: Sequence[str]) -> list[str]:
    checked = [_checked_text(feature, text) for text in texts]
    if feature.collection is CollectionType.SET:
        first: dict[Any, str] = {}
        for text in checked:
            first.setdefault(typed(feature, text), text)
        return list(first.values())
    if feature.collection is CollectionType.VECTOR and len(checked) != feature.dimension:
        raise InvalidInputError(
            f"Validation Error: Feature named '{feature.name}' is a vector of dimension {feature.dimension}, "
            f"and {len(checked)} values were given."
        )
    return checked


def _checked_number(feature: FeatureDefinition, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise _unparsable(feature)
    return float(text)


def _check_size(size: int, values: Mapping[str, Text]) -> None:
    """Hold a record against the largest size; bytes are counted only where characters may be too many."""
    if size * 4 <= LARGEST_RECORD_BYTES:
        return
    total = 0
    for name, value in values.items():
        texts = [value] if isinstance(value, str) else value
        total += len(name) + sum(len(text.encode()) for text in texts)
    if total > LARGEST_RECORD_BYTES:
        raise InvalidInputError(
            f"Validation Error: The record has {total} bytes; at most {LARGEST_RECORD_BYTES} are possible."
        )


def _unparsable(feature: FeatureDefinition) -> InvalidInputError:
    return InvalidInputError(
        f"Validation Error: Attempt to parse the feature value for the feature named '{feature.name}' "
        f"as type '{feature.type}' failed."
    )


def _missing(name: str, role: str) -> InvalidInputError:
    return InvalidInputError(f"Validation Error: The record has no value for its {role} feature '{name}'.")
