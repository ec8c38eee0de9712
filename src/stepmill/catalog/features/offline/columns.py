"""A column of what was given becomes the typed column of a feature; what cannot be is told by value.

``converted`` says which values a feature takes. Whole columns go faster ways where Arrow has one that comes
to the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from stepmill.catalog.features.schema import CollectionType, FeatureDefinition, FeatureType
from stepmill.catalog.features.values import text_of_micros
from stepmill.core.clock import aware
from stepmill.storage.database import to_micros

ARROW_TYPES: Final[Mapping[FeatureType, pa.DataType]] = {
    FeatureType.INTEGRAL: pa.int64(),
    FeatureType.FRACTIONAL: pa.float64(),
    FeatureType.STRING: pa.string(),
}
# Python's and Arrow's engines read these alike: the wire's forms of numbers.
# A column of whole numbers with gaps is written with a ".0" by dataframes.
_INTEGER = re.compile(r"^([+-]?[0-9]{1,19})(?:\.0*)?$", re.ASCII)
_NUMBER = re.compile(
    r"^[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|nan|[Ii]nf(inity)?)$", re.ASCII
)
_FRACTION = r"\.0*$"
_LEAST, _GREATEST = -(2**63), 2**63 - 1
_MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1}
# What a conversion raises that cannot be.
_REFUSALS = (TypeError, ValueError, OverflowError, ArithmeticError)


class Bad(NamedTuple):
    """A value that a feature cannot take."""

    row: int
    value: object


class Typed(NamedTuple):
    """A typed column; where values could not be taken it has nothing, and ``bad`` tells of them."""

    array: pa.Array
    bad: Sequence[Bad]


def typed_column(feature: FeatureDefinition, column: pa.ChunkedArray | Sequence[Any]) -> Typed:
    """Return the column of a feature.

    Args:
        feature: Says of what type.
        column: As it was given.
    """
    if isinstance(column, pa.ChunkedArray):
        array = column.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # of none, or too large for one
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], column.type)
        fast = _at_once(feature, array)
        if fast is not None:
            return Typed(fast, ())
        column = array.to_pylist()
    return _one_by_one(feature, column)


def converted(feature: FeatureDefinition, value: object) -> Any:
    """Return a value as the feature's column holds it.

    Raises:
        ValueError, TypeError, OverflowError: If the feature does not take it.
    """
    if value is None:
        return None
    if feature.collection is None:
        return _CONVERSIONS[feature.type](value)
    return _collection(feature, value)


def arrow_type(feature: FeatureDefinition) -> pa.DataType:
    """Return the type of a feature's column."""
    simple = ARROW_TYPES[feature.type]
    return simple if feature.collection is None else pa.list_(simple)


def _one_by_one(feature: FeatureDefinition, values: Sequence[Any]) -> Typed:
    found: list[Any] = []
    bad: list[Bad] = []
    for row, value in enumerate(values):
        try:
            found.append(converted(feature, None if _is_missing(value) else value))
        except _REFUSALS:
            found.append(None)
            bad.append(Bad(row, value))
    return Typed(pa.array(found, arrow_type(feature)), bad)


def _is_missing(value: object) -> bool:
    # NaT and pandas' NA, without importing it: neither equals itself, and neither is a number.
    if value is None or isinstance(value, Real | str | list | tuple):
        return value is None
    try:
        return bool(value != value)
    except _REFUSALS:
        return type(value).__name__ == "NAType"


# One value


def _integer(value: object) -> int:
    if isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, str):
        match = _INTEGER.fullmatch(value)
        if match is None:
            raise ValueError(value)
        value = int(match[1])
    if not isinstance(value, Real | Decimal):
        raise TypeError(value)
    # Whole numbers with gaps arrive as floating-point numbers from dataframes.
    whole = int(value) if isinstance(value, Integral | Decimal) else int(float(value))
    if whole != value:
        raise ValueError(value)
    if not _LEAST <= whole <= _GREATEST:
        raise OverflowError(value)
    return whole


def _fraction(value: object) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise ValueError(value)
        return float(value)
    if isinstance(value, Real | Decimal):
        return float(value)
    raise TypeError(value)


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case datetime():
            return text_of_micros(to_micros(aware(value)))
        case date():
            return value.isoformat()
        case bool() | Real() | Decimal():
            return str(value.item() if hasattr(value, "item") else value)
    raise TypeError(value)


_CONVERSIONS = {
    FeatureType.INTEGRAL: _integer,
    FeatureType.FRACTIONAL: _fraction,
    FeatureType.STRING: _text,
}


def _collection(feature: FeatureDefinition, value: object) -> list[Any]:
    if isinstance(value, str):
        # Files of text have no lists; JSON's are what programs write there.
        value = json.loads(value)
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise TypeError(value)
    convert = _CONVERSIONS[feature.type]
    values = [convert(each) for each in value]
    if feature.collection is CollectionType.SET:
        return list(dict.fromkeys(values))
    if feature.collection is CollectionType.VECTOR and len(values) != feature.dimension:
        raise ValueError(value)
    return values


# Whole columns


def _at_once(feature: FeatureDefinition, array: pa.Array) -> pa.Array | None:
    """Return the column if Arrow can make it as ``converted`` would; ``None`` if not."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), arrow_type(feature))
    try:
        if feature.collection is not None:
            return _lists(feature, array)
        match feature.type:
            case FeatureType.INTEGRAL:
                return _integers(array)
            case FeatureType.FRACTIONAL:
                return _fractions(array)
            case FeatureType.STRING:
                return _texts(array)
    except pa.ArrowInvalid:
        return None


def _integers(array: pa.Array) -> pa.Array | None:
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return array.cast(pa.int64())
    if not _is_text(kind) or not _all_match(array, _INTEGER):
        return None
    return pc.replace_substring_regex(array.cast(pa.string()), _FRACTION, "").cast(pa.int64())


def _fractions(array: pa.Array) -> pa.Array | None:
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return array.cast(pa.float64(), safe=False)
    return array.cast(pa.float64()) if _is_text(kind) and _all_match(array, _NUMBER) else None


def _texts(array: pa.Array) -> pa.Array | None:
    kind = array.type
    if _is_text(kind) or pa.types.is_integer(kind):
        return array.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return iso_texts(array.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64()))
    return None


def _lists(feature: FeatureDefinition, array: pa.Array) -> pa.Array | None:
    kind = array.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return None
    same = kind.value_type == ARROW_TYPES[feature.type]
    if not same or feature.collection is CollectionType.SET or _has_nulls_within(array):
        return None
    if feature.collection is CollectionType.VECTOR:
        lengths = pc.list_value_length(array)
        if not pc.all(pc.equal(lengths, feature.dimension), min_count=0).as_py():
            return None
    return array.cast(arrow_type(feature))


def _has_nulls_within(array: pa.Array) -> bool:
    return bool(pc.list_flatten(array).null_count)


def iso_texts(micros: pa.Array) -> pa.Array:
    """Return moments as ISO 8601 texts, all with as many digits of a second as the one that needs most."""
    for unit, size in _MICROS.items():
        scaled = pc.divide(micros, size)
        if size == 1 or pc.all(pc.equal(pc.multiply(scaled, size), micros), min_count=0).as_py():
            return pc.strftime(scaled.cast(pa.timestamp(unit)), format="%Y-%m-%dT%H:%M:%SZ")
    raise AssertionError  # microseconds always do


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _all_match(array: pa.Array, pattern: re.Pattern[str]) -> bool:
    matches = pc.match_substring_regex(array.cast(pa.string()), pattern.pattern)
    return bool(pc.all(matches, min_count=0).as_py())
