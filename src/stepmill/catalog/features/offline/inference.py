"""Which features a table has, guessed from its columns, for a group that is to be made for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from stepmill.catalog.features.offline.columns import typed_column
from stepmill.catalog.features.offline.sources import Column, Part, parts_of
from stepmill.catalog.features.schema import CollectionType, FeatureDefinition, FeatureType
from stepmill.core.errors import InvalidInputError

# From so many values of a text file, or of a column that Arrow has no type for, its type is guessed.
_VALUES = 100_000


def features_of(
    source: object, *, event_time: str, types: Mapping[str, str] | None = None
) -> list[FeatureDefinition]:
    """Return the features of a table, in the order of its columns.

    Whole numbers are ``Integral``; other numbers ``Fractional``; texts, truth values, dates and moments
    ``String``. Lists are a ``List`` of these, and a ``Vector`` if Arrow says that all are as long. The
    columns of a CSV file hold what all of their (first 100,000) values are.

    Args:
        source: See ``parts_of``; of a large one the first part is looked at.
        event_time: The column of event times: numbers are seconds, which a group keeps as ``Fractional``.
        types: Column -> ``Integral``, ``Fractional`` or ``String``, where it is not to be guessed.

    Raises:
        InvalidInputError: If there is no such column, or a column's type cannot be told.
        InvalidInputError, NotFoundError: If the source cannot be read; see ``parts_of``.
    """
    part = next(iter(parts_of(source, lambda _row: None)), Part({}, 0))
    wanted = dict(types or {})
    for name in (*wanted, event_time):
        if name not in part.columns:
            raise InvalidInputError(
                f"The table has no column {name!r}.",
                where=part.place or "types",
                mend=f"It has {', '.join(list(part.columns)[:20]) or 'none'}.",
            )
    found = []
    for name, column in part.columns.items():
        if name in wanted:
            feature = FeatureDefinition(name, _kind(wanted[name], name))
        else:
            feature = _guessed(name, column, is_text_file=part.place.endswith((".csv", ".csv.gz")))
        if name == event_time and feature.type is FeatureType.INTEGRAL:
            feature = FeatureDefinition(name, FeatureType.FRACTIONAL)
        found.append(feature)
    return found


def _kind(given: str, name: str) -> FeatureType:
    try:
        return FeatureType(given)
    except ValueError:
        raise InvalidInputError(
            f"{given[:80]!r} is no type of a feature.",
            where=f"types[{name!r}]",
            mend=f"Take one of {', '.join(FeatureType)}.",
        ) from None


def _guessed(name: str, column: Column, *, is_text_file: bool) -> FeatureDefinition:
    if isinstance(column, pa.ChunkedArray) and not is_text_file:
        kind = column.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        known = _of_type(name, kind)
        if known is not None:
            return known
    values = column[:_VALUES]
    if isinstance(values, pa.ChunkedArray) and values.null_count == len(values):
        raise _unknown(name, "holds nothing")
    for feature in (FeatureType.INTEGRAL, FeatureType.FRACTIONAL, FeatureType.STRING):
        if not typed_column(FeatureDefinition(name, feature), values).bad:
            return FeatureDefinition(name, feature)
    raise _unknown(name, "holds neither numbers nor texts")


def _of_type(name: str, kind: pa.DataType) -> FeatureDefinition | None:
    """Return the feature of a column of a type of Arrow's; ``None`` if that says nothing."""
    if pa.types.is_fixed_size_list(kind):
        inner = _simple(kind.value_type)
        return (
            None if inner is None else FeatureDefinition(name, inner, CollectionType.VECTOR, kind.list_size)
        )
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _simple(kind.value_type)
        return None if inner is None else FeatureDefinition(name, inner, CollectionType.LIST)
    simple = _simple(kind)
    return None if simple is None else FeatureDefinition(name, simple)


def _simple(kind: Any) -> FeatureType | None:
    types = pa.types
    if types.is_integer(kind):
        return FeatureType.INTEGRAL
    if types.is_floating(kind) or types.is_decimal(kind):
        return FeatureType.FRACTIONAL
    texts = (types.is_string, types.is_large_string, types.is_string_view, types.is_boolean)
    moments = (types.is_timestamp, types.is_date)
    return FeatureType.STRING if any(is_such(kind) for is_such in (*texts, *moments)) else None


def _unknown(name: str, says: str) -> InvalidInputError:
    return InvalidInputError(
        f"The column {name!r} {says}: which type its feature has cannot be told.",
        where=name,
        mend=f"Say it: types={{{name!r}: 'Fractional'}}; or leave the column out.",
    )
