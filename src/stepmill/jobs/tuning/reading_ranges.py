"""Reads ParameterRanges: every mistake is noted with its place.

Source: API reference, ParameterRanges; developer guide, "Hyperparameter Scaling": logarithmic scales need
values above zero, reverse logarithmic ones continuous ranges within 0 <= x < 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from stepmill.core.errors import UnsupportedError
from stepmill.jobs.requests.fields import Fields
from stepmill.jobs.tuning.findings import Findings
from stepmill.jobs.tuning.ranges import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Range,
    Scale,
    number_of,
)

# API reference: names and values of hyperparameters have at most 256 characters.
_LONGEST = 256
# API reference, ParameterRanges: the sum over all three lists; and what a list of categories holds.
_MOST_RANGES = 30
_MOST_CATEGORIES = 30
# Numbers beyond cannot be told apart as the floating-point numbers that samplers compute with.
_LARGEST_INTEGER = 2**53


def read_ranges(fields: Fields, findings: Findings) -> tuple[Range, ...]:
    """Read the ranges that a tuning job searches.

    Args:
        fields: ``ParameterRanges`` or ``HyperParameterRanges``.
        findings: Gets what is wrong.

    Raises:
        UnsupportedError: If ranges are to be found by Autotune.
    """
    if fields.each("AutoParameters"):
        raise UnsupportedError(
            "Autotune is not offered: it is not documented how SageMaker makes a range of an example value.",
            where=fields.place("AutoParameters"),
            mend="Give the ranges to search.",
        )
    ranges = tuple(_all(fields, findings))
    if len(ranges) > _MOST_RANGES:
        findings.add(
            f"A tuning job can search at most {_MOST_RANGES} hyperparameters, not {len(ranges)}.",
            fields.where,
        )
    for name, count in Counter(one.name for one in ranges).items():
        if count > 1:
            findings.add(
                f"The hyperparameter {name!r} has {count} ranges.", fields.where, "Give it one range."
            )
    return ranges


def _all(fields: Fields, findings: Findings) -> Iterator[Range]:
    for item in fields.each("IntegerParameterRanges"):
        with findings.noted():
            if (integers := _integers(item, findings)) is not None:
                yield integers
    for item in fields.each("ContinuousParameterRanges"):
        with findings.noted():
            if (numbers := _numbers(item, findings)) is not None:
                yield numbers
    for item in fields.each("CategoricalParameterRanges"):
        with findings.noted():
            if (categories := _categories(item, findings)) is not None:
                yield categories


def _integers(item: Fields, findings: Findings) -> IntegerRange | None:
    name, low, high = _ends(item, findings)
    scale = item.choice("ScalingType", Scale, Scale.AUTO)
    if low is None or high is None:
        return None
    for member, value in (("MinValue", low), ("MaxValue", high)):
        if not value.is_integer() or abs(value) > _LARGEST_INTEGER:
            findings.add(f"{item.text(member)[:100]!r} is no whole number.", item.place(member))
            return None
    if scale is Scale.REVERSE_LOGARITHMIC:
        findings.add(
            "ReverseLogarithmic scaling is only for continuous ranges.",
            item.place("ScalingType"),
            "Choose Linear or Logarithmic.",
        )
        return None
    return IntegerRange(name, int(low), int(high), scale) if _fits(item, low, high, scale, findings) else None


def _numbers(item: Fields, findings: Findings) -> ContinuousRange | None:
    name, low, high = _ends(item, findings)
    scale = item.choice("ScalingType", Scale, Scale.AUTO)
    if low is None or high is None or not _fits(item, low, high, scale, findings):
        return None
    return ContinuousRange(name, low, high, scale)


def _ends(item: Fields, findings: Findings) -> tuple[str, float | None, float | None]:
    ends: list[float | None] = []
    for member in ("MinValue", "MaxValue"):
        with findings.noted():
            text = item.text(member)
            value = number_of(text) if len(text) <= _LONGEST else None
            if value is None:
                findings.add(f"{text[:100]!r} is no number.", item.place(member), "Write it as '0.1'.")
            ends.append(value)
    low, high = ends if len(ends) == 2 else (None, None)
    return _name(item, findings), low, high


def _fits(item: Fields, low: float, high: float, scale: Scale, findings: Findings) -> bool:
    if low > high:
        findings.add(
            f"MinValue {item.text('MinValue')} is greater than MaxValue {item.text('MaxValue')}.", item.where
        )
    elif scale is Scale.LOGARITHMIC and low <= 0:
        findings.add(
            "Logarithmic scaling works only for ranges that have only values greater than 0.",
            item.place("MinValue"),
            "Choose a greater MinValue, or Linear scaling.",
        )
    elif scale is Scale.REVERSE_LOGARITHMIC and not (low >= 0 and high < 1):
        findings.add(
            "Reverse logarithmic scaling works only for ranges that are entirely within 0<=x<1.0.",
            item.place("ScalingType"),
            "Choose other ends, or Linear scaling.",
        )
    else:
        return True
    return False


def _categories(item: Fields, findings: Findings) -> CategoricalRange | None:
    # A value that is there twice is one category.
    name, values = _name(item, findings), tuple(dict.fromkeys(item.texts("Values")))
    place = item.place("Values")
    if not values:
        findings.add(f"The hyperparameter {name!r} has no values.", place, "Give at least one.")
        return None
    if len(values) > _MOST_CATEGORIES:
        findings.add(f"At most {_MOST_CATEGORIES} values are possible, not {len(values)}.", place)
    if any(len(value) > _LONGEST for value in values):
        findings.add(f"A value may have at most {_LONGEST} characters.", place)
    return CategoricalRange(name, values)


def _name(item: Fields, findings: Findings) -> str:
    name = item.text("Name")
    if not name or len(name) > _LONGEST:
        findings.add(f"The name of a hyperparameter has 1 to {_LONGEST} characters.", item.place("Name"))
    return name
