"""The columns of a bias analysis: which records are of a group, which labels are positive.

Source: sagemaker SDK 2.257.7, ``BiasConfig``: categories are equal to a value, numbers above a bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .bias import Flags
from .clarify_config import Analysis
from .config_reader import Column, Value
from .errors import CustomerError

Texts: TypeAlias = "pd.Series[Any]"

# Whole numbers are categories if they repeat themselves: if less than this share of them are different.
_SHARE_OF_CATEGORIES = 0.05
_BINARY = 2
_TRUTHS = ("true", "false")
_MOST_CATEGORIES = 1_000


@dataclass(frozen=True)
class Group:
    """Some records.

    Args:
        text: Which values they have: ``red,blue``, or ``(40, 73]``.
        flags: Shape (n,). Which records they are.
    """

    text: str
    flags: Flags


def column_of(table: pd.DataFrame, column: Column, where: str) -> str:
    """Return the name of a column that is asked for by name or place.

    Raises:
        CustomerError: If there is none.
    """
    names = [str(name) for name in table.columns]
    if isinstance(column, int):
        if 0 <= column < len(names):
            return names[column]
    elif column in names:
        return column
    raise CustomerError(f"{where}: {str(column)[:100]!r} is no column of the data: {', '.join(names)[:500]}.")


def numbers_of(values: Texts) -> Any:
    """Return the values as numbers, or ``None`` if one of those that are there is none.

    Returns:
        Shape (n,), not a number where a value is missing.
    """
    try:
        numbers = pd.to_numeric(values, errors="raise").to_numpy(dtype=np.float64)
    except (ValueError, TypeError):
        return None
    is_odd = np.isinf(numbers) | (np.isnan(numbers) & values.notna().to_numpy())
    return None if is_odd.any() else numbers


def groups_of(values: Texts, wanted: Sequence[Value], where: str) -> list[Group]:
    """Return the groups of a facet: the one that is asked for, else each category.

    Args:
        values: Of the facet; none is missing.
        wanted: Categories, or one bound.
        where: Place in the configuration.

    Raises:
        CustomerError: If numbers have no bound, or there are too many categories.
    """
    if wanted:
        return [group_of(values, wanted)]
    if _is_continuous(values, None):
        raise CustomerError(f"{where}.value_or_threshold: is missing: numbers are split at a bound.")
    categories = list(pd.unique(values))
    if len(categories) > _MOST_CATEGORIES:
        raise CustomerError(f"{where}: there are {len(categories)} values, more than {_MOST_CATEGORIES}.")
    return [Group(str(one), (values == one).to_numpy(dtype=bool)) for one in categories]


def group_of(values: Texts, wanted: Sequence[Value], like: Texts | None = None) -> Group:
    """Return the records that have one of some values, or are above a bound.

    Args:
        values: None is missing.
        wanted: Categories, or one bound.
        like: What tells whether ``wanted`` is a bound; by default ``values``: predictions may be so alike
            that they look like categories where labels do not.
    """
    told = values if like is None else like
    if len(wanted) == 1 and _is_continuous(told, wanted[0]):
        numbers = numbers_of(values)
        if numbers is not None:
            bound = float(wanted[0])
            return Group(_interval(bound, float(numbers.max())), numbers > bound)
    text = ",".join(str(one) for one in wanted)
    numbers = numbers_of(values)
    asked = numbers_of(pd.Series([str(one) for one in wanted], dtype=object))
    if numbers is not None and asked is not None:
        return Group(text, np.isin(numbers, asked))
    texts, words = values.astype(str), [str(one) for one in wanted]
    if texts.str.lower().isin(_TRUTHS).all():
        # CSV has them as whoever wrote it spells them.
        texts, words = texts.str.lower(), [word.lower() for word in words]
    return Group(text, texts.isin(words).to_numpy(dtype=bool))


def predicted(values: Texts, labels: Texts, analysis: Analysis) -> Flags:
    """Return which predictions are positive.

    Args:
        values: Predicted labels; or probabilities, if there is a threshold.
        labels: What is true.
        analysis: Says what is positive.
    """
    scores = None if analysis.threshold is None else numbers_of(values)
    if scores is None:
        return group_of(values, analysis.positive, labels).flags
    said = scores > analysis.threshold
    if numbers_of(labels) is None:
        return np.asarray(said, dtype=bool)
    return group_of(pd.Series(said.astype(float)), analysis.positive, labels).flags


def _is_continuous(values: Texts, bound: Value | None) -> bool:
    numbers = numbers_of(values)
    if numbers is None or (isinstance(bound, str) and numbers_of(pd.Series([bound], dtype=object)) is None):
        return False
    different = np.unique(numbers)
    if len(different) <= _BINARY and (bound is None or float(bound) in different):
        return False
    return bool((numbers % 1).any()) or len(different) / len(numbers) >= _SHARE_OF_CATEGORIES


def _interval(begin: float, end: float) -> str:
    """Return an interval as reports write it: ``(40, 73]``, or ``(39.5, 73.0]``."""
    return f"({int(begin)}, {int(end)}]" if begin % 1 == end % 1 == 0 else f"({begin}, {end}]"
