"""Time series as DeepAR takes them: a start, a target, categories, features that change with time.

Source: developer guide, "Input/Output Interface for the DeepAR Algorithm".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

_START = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")
_MISSING = "NaN"
_LONGEST_SHOWN = 60
_MOST_CATEGORIES = 2**31 - 1


class SeriesError(ValueError):
    """A time series cannot be taken.

    Args:
        message: What is wrong with it, as what follows after its place: whoever knows the file and the line
            adds that.
    """


@dataclass(frozen=True)
class Record:
    """One time series.

    Args:
        start: When its first value was; without a time zone.
        target: Shape (n,). Its values; NaN where one is missing.
        categories: ``cat``; ``None`` if there is none.
        features: Shape (n_features, n or more). ``dynamic_feat``; ``None`` if there is none.
    """

    start: datetime
    target: NDArray[np.float32]
    categories: tuple[int, ...] | None = None
    features: NDArray[np.float32] | None = None


def record_of(fields: Any) -> Record:
    """Read one time series.

    Args:
        fields: What a line of JSON, or a row of a table, holds.

    Raises:
        SeriesError: If it is none, or a field cannot be taken.
    """
    if not isinstance(fields, Mapping):
        raise SeriesError(f"not an object with start and target, but {_shown(fields)}.")
    for name in ("start", "target"):
        if fields.get(name) is None:
            raise SeriesError(f"there is no field {name!r}.")
    categories, features = fields.get("cat"), fields.get("dynamic_feat")
    return Record(
        _start(fields["start"]),
        _numbers(fields["target"], "target", missing=True),
        None if categories is None else _categories(categories),
        None if features is None else _features(features),
    )


def _start(value: Any) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            raise SeriesError("start has a time zone. Time stamps have none.")
        return value
    if isinstance(value, str) and _START.fullmatch(value.strip()):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            pass
    raise SeriesError(f"start is {_shown(value)}, not a time as YYYY-MM-DD HH:MM:SS.")


def _numbers(values: Any, name: str, *, missing: bool) -> NDArray[np.float32]:
    if not isinstance(values, list | tuple):
        raise SeriesError(f"{name} is {_shown(values)}, not a list of numbers.")
    kinds = {type(value) for value in values}
    if not kinds <= {int, float}:
        values = [_number(value, name, missing=missing) for value in values]
    try:
        with np.errstate(over="ignore"):
            numbers = np.array(values, dtype=np.float64).astype(np.float32)
    except OverflowError:
        raise SeriesError(f"a value of {name} is too large.") from None
    if np.isinf(numbers).any():
        raise SeriesError(f"a value of {name} is infinite, or too large.")
    if not missing and np.isnan(numbers).any():
        raise SeriesError(f"a value of {name} is missing. Only target may have missing values.")
    return numbers


def _number(value: Any, name: str, *, missing: bool) -> float:
    if value is None or value == _MISSING:
        if missing:
            return math.nan
        raise SeriesError(f"a value of {name} is missing. Only target may have missing values.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SeriesError(f"a value of {name} is {_shown(value)}, not a number.")
    return value


def _categories(values: Any) -> tuple[int, ...]:
    # Before there could be several, cat was one integer.
    found = values if isinstance(values, list | tuple) else [values]
    for value in found:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST_CATEGORIES:
            raise SeriesError(f"cat has {_shown(value)}, not an integer from 0.")
    return tuple(found)


def _features(values: Any) -> NDArray[np.float32] | None:
    if not isinstance(values, list | tuple):
        raise SeriesError(f"dynamic_feat is {_shown(values)}, not a list of lists of numbers.")
    rows = [_numbers(row, f"dynamic_feat[{index}]", missing=False) for index, row in enumerate(values)]
    if len({len(row) for row in rows}) > 1:
        raise SeriesError("the lists of dynamic_feat are not equally long.")
    return np.stack(rows) if rows else None


@dataclass(frozen=True)
class Layout:
    """What each time series of a model has beside its target.

    Args:
        cardinality: Per categorical feature, how many categories there are; empty: ``cat`` is not used.
        features: How many ``dynamic_feat`` there are; 0: they are not used.
        horizon: Number of values to be forecast.
    """

    cardinality: tuple[int, ...]
    features: int
    horizon: int

    def fitted(self, record: Record, *, ahead: int = 0) -> Record:
        """Return a record with exactly what the model uses.

        Args:
            record: The record.
            ahead: How much longer than the target its features have to be.

        Raises:
            SeriesError: If it lacks something, or something does not fit.
        """
        categories = self._fitted_categories(record.categories) if self.cardinality else None
        features = self._fitted_features(record, ahead) if self.features else None
        return Record(record.start, record.target, categories, features)

    def _fitted_categories(self, categories: Sequence[int] | None) -> tuple[int, ...]:
        if not categories:
            raise SeriesError("there is no cat. All time series must have it, or none.")
        if len(categories) != len(self.cardinality):
            raise SeriesError(f"cat has {len(categories)} values, not {len(self.cardinality)}.")
        for value, count in zip(categories, self.cardinality, strict=True):
            if value >= count:
                raise SeriesError(
                    f"cat has the value {value}; with cardinality {count} it is at most {count - 1}."
                )
        return tuple(categories)

    def _fitted_features(self, record: Record, ahead: int) -> NDArray[np.float32]:
        features, length = record.features, len(record.target) + ahead
        if features is None:
            raise SeriesError("there is no dynamic_feat. All time series must have it, or none.")
        if len(features) != self.features:
            raise SeriesError(f"dynamic_feat has {len(features)} lists, not {self.features}.")
        if features.shape[1] != length:
            plus = " plus prediction_length" if ahead else ""
            raise SeriesError(
                f"a list of dynamic_feat has {features.shape[1]} values; it needs {length}, the length of "
                f"target{plus}."
            )
        return features


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
