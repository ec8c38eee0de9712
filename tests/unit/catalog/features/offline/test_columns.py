from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.features.offline.columns import _at_once, _one_by_one, converted, typed_column
from stepmill.catalog.features.offline.event_times import micros_of
from stepmill.catalog.features.schema import CollectionType, FeatureDefinition, FeatureType
from stepmill.catalog.features.values import micros_of_text
from stepmill.core.errors import InvalidInputError

WHOLE = FeatureDefinition("n", FeatureType.INTEGRAL)
NUMBER = FeatureDefinition("x", FeatureType.FRACTIONAL)
TEXT = FeatureDefinition("s", FeatureType.STRING)
TAGS = FeatureDefinition("tags", FeatureType.STRING, CollectionType.LIST)
KINDS = FeatureDefinition("kinds", FeatureType.INTEGRAL, CollectionType.SET)
POINT = FeatureDefinition("point", FeatureType.FRACTIONAL, CollectionType.VECTOR, 2)


@pytest.mark.parametrize(
    ("feature", "value", "held"),
    [
        (WHOLE, 7, 7),
        (WHOLE, 7.0, 7),
        (WHOLE, "+7", 7),
        (WHOLE, "007", 7),
        (WHOLE, "7.0", 7),
        (WHOLE, np.int8(7), 7),
        (WHOLE, Decimal(7), 7),
        (WHOLE, 2**63 - 1, 2**63 - 1),
        (WHOLE, None, None),
        (NUMBER, 7, 7.0),
        (NUMBER, "1e3", 1000.0),
        (NUMBER, ".5", 0.5),
        (NUMBER, Decimal("0.5"), 0.5),
        (TEXT, "", ""),
        (TEXT, 7, "7"),
        (TEXT, True, "True"),
        (TEXT, np.float64(0.5), "0.5"),
        (TEXT, date(2026, 1, 2), "2026-01-02"),
        (TEXT, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (TAGS, ["a", 1], ["a", "1"]),
        (TAGS, '["a"]', ["a"]),
        (TAGS, np.array(["a"]), ["a"]),
        (KINDS, {2, 1}, [1, 2]),
        (KINDS, [3, 3, 1], [3, 1]),
        (POINT, (1, "2"), [1.0, 2.0]),
    ],
)
def test_a_feature_holds(feature: FeatureDefinition, value: object, held: object) -> None:
    assert converted(feature, value) == held


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        (WHOLE, 7.5),
        (WHOLE, "7.5"),
        (WHOLE, ""),
        (WHOLE, " 7"),
        (WHOLE, "0x7"),
        (WHOLE, True),
        (WHOLE, 2**63),
        (WHOLE, float("inf")),
        (WHOLE, float("nan")),
        (WHOLE, b"7"),
        (WHOLE, "7" * 19 + "9"),
        (NUMBER, "seven"),
        (NUMBER, ""),
        (NUMBER, "0x7"),
        (NUMBER, False),
        (NUMBER, "1_0"),
        (TEXT, b"bytes"),
        (TEXT, ["a"]),
        (TAGS, "a"),
        (TAGS, 7),
        (TAGS, [None]),
        (KINDS, ["x"]),
        (POINT, [1.0]),
        (POINT, [1.0, 2.0, 3.0]),
        (POINT, "[1"),
    ],
)
def test_a_feature_does_not_take(feature: FeatureDefinition, value: object) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        converted(feature, value)
    typed = typed_column(feature, [value])
    assert typed.array.to_pylist() == [None]
    assert [bad.row for bad in typed.bad] == [0]


_TEXTS = st.one_of(
    st.text(max_size=5),
    st.integers(-(2**64), 2**64).map(str),
    st.floats().map(str),
    st.sampled_from(
        [
            "+5",
            "-0",
            "007",
            "1.",
            ".5",
            "1.0",
            "-3.000",
            "1e5",
            "1E+5",
            "nan",
            "NaN",
            "-inf",
            "Infinity",
            "0x1F",
            " 1",
            "1 ",
            "1_000",
            "٣",
            "1e",
            ".",
            "+",
            "1.5.2",
            "9223372036854775808",
        ]
    ),
)
_COLUMNS = st.one_of(
    st.lists(st.one_of(st.none(), _TEXTS), max_size=4).map(lambda v: pa.array(v, pa.string())),
    st.lists(st.one_of(st.none(), _TEXTS), max_size=4).map(
        lambda v: pa.array(v, pa.string()).dictionary_encode()
    ),
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=4).map(
        lambda v: pa.array(v, pa.int64())
    ),
    st.lists(st.integers(0, 2**64 - 1), max_size=4).map(lambda v: pa.array(v, pa.uint64())),
    st.lists(st.one_of(st.none(), st.floats()), max_size=4).map(lambda v: pa.array(v, pa.float64())),
    st.lists(st.floats(width=32), max_size=4).map(lambda v: pa.array(v, pa.float32())),
    st.lists(st.booleans(), max_size=4).map(lambda v: pa.array(v, pa.bool_())),
    st.lists(st.one_of(st.none(), st.lists(st.floats(), max_size=3)), max_size=4).map(
        lambda v: pa.array(v, pa.list_(pa.float64()))
    ),
)


def _same(one: list[Any], other: list[Any]) -> bool:
    return repr(one) == repr(other)


@given(st.sampled_from([WHOLE, NUMBER, TEXT, TAGS, KINDS, POINT]), _COLUMNS)
def test_whole_columns_come_to_what_single_values_do(feature: FeatureDefinition, column: pa.Array) -> None:
    fast = _at_once(feature, column)
    slow = _one_by_one(feature, column.to_pylist())
    if fast is not None:
        assert not slow.bad
        assert fast.type == slow.array.type
        assert _same(fast.to_pylist(), slow.array.to_pylist())


def test_common_columns_go_the_fast_way() -> None:
    columns = [
        (WHOLE, pa.array([1, None])),
        (WHOLE, pa.array([1.0, None])),
        (WHOLE, pa.array(["1", None])),
        (NUMBER, pa.array([1.5])),
        (NUMBER, pa.array(["1.5"])),
        (NUMBER, pa.array([1])),
        (TEXT, pa.array(["a"])),
        (TEXT, pa.array([1])),
        (TEXT, pa.array(["a"]).dictionary_encode()),
        (TEXT, pa.array(["a"], pa.large_string())),
        (TEXT, pa.array([0], pa.timestamp("us"))),
        (TAGS, pa.array([["a"]])),
        (POINT, pa.array([[1.0, 2.0]])),
        (TAGS, pa.nulls(3)),
    ]
    assert [feature.name for feature, column in columns if _at_once(feature, column) is None] == []


def test_what_dataframes_leave_empty_is_null() -> None:
    for series in (
        pd.Series([None, "a"]),
        pd.Series([pd.NA, "a"]),
        pd.Series([float("nan"), "a"], dtype=object),
    ):
        values = series.astype(object).tolist()
        assert typed_column(TEXT, values).array.to_pylist() == [None, "a"] or series.isna().iloc[0]
    assert typed_column(TEXT, [pd.NaT, pd.NA, None]).array.to_pylist() == [None, None, None]


_MOMENTS = st.datetimes()


@given(
    st.lists(
        st.one_of(
            st.none(),
            _MOMENTS.map(lambda m: m.isoformat(timespec="seconds") + "Z"),
            _MOMENTS.map(lambda m: m.isoformat(timespec="milliseconds") + "Z"),
            _MOMENTS.map(lambda m: m.isoformat(timespec="microseconds") + "789Z"),
            st.sampled_from(
                [
                    "2026-02-30T00:00:00Z",
                    "2026-01-01T24:00:00Z",
                    "2026-01-01",
                    "2026-01-01T00:00:00",
                    "",
                    "2026-01-01T00:00:00+00:00",
                    "2026-1-1T00:00:00Z",
                    "2026-01-01T00:00:60Z",
                    "2026-01-01 00:00:00Z",
                    "2026-01-01T00:00:00.Z",
                    "0000-01-01T00:00:00Z",
                    "2026-01-01T00:00:00z",
                ]
            ),
        ),
        max_size=6,
    )
)
def test_columns_of_event_times_are_read_as_single_ones_are(texts: list[str | None]) -> None:
    expected: list[int | None] = []
    for text in texts:
        try:
            expected.append(None if text is None else micros_of_text(text))
        except InvalidInputError:
            expected.append(None)
    assert micros_of(pa.array(texts, pa.string())).to_pylist() == expected


@pytest.mark.parametrize(
    ("column", "micros"),
    [
        (pa.array([1.5, None, float("nan"), 1e300, -1]), [1_500_000, None, None, None, -1_000_000]),
        (pa.array([1, 2]), [1_000_000, 2_000_000]),
        (pa.array([date(1970, 1, 2)]), [86_400_000_000]),
        (pa.array([1_000_000], pa.timestamp("us")), [1_000_000]),
        (pa.array([datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)]), [1_000_000]),
        (pa.array([1_500], pa.timestamp("ns", "Europe/Berlin")), [1]),
        (pa.array([True]), [None]),
    ],
)
def test_moments_of_other_types(column: pa.Array, micros: list[int | None]) -> None:
    assert micros_of(column).to_pylist() == micros
