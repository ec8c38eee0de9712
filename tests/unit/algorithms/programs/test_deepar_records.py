from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.algorithms.programs.deepar_records import Layout, Record, SeriesError, record_of

START = "2009-11-01 00:00:00"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (START, datetime(2009, 11, 1)),  # noqa: DTZ001 - as time series have it
        ("2012-01-30", datetime(2012, 1, 30)),  # noqa: DTZ001
        ("2012-01-30T07:05:00", datetime(2012, 1, 30, 7, 5)),  # noqa: DTZ001
        (" 2012-01-30 07:05 ", datetime(2012, 1, 30, 7, 5)),  # noqa: DTZ001
    ],
)
def test_starts(text: str, moment: datetime) -> None:
    assert record_of({"start": text, "target": [1]}).start == moment


def test_missing_values_are_null_or_nan() -> None:
    target = record_of({"start": START, "target": [4, None, "NaN", float("nan"), 5.5]}).target
    assert target.dtype == np.float32
    np.testing.assert_array_equal(target, [4, np.nan, np.nan, np.nan, 5.5])


def test_all_fields() -> None:
    record = record_of(
        {"start": START, "target": [1.0, 2.0], "cat": [0, 3], "dynamic_feat": [[1, 2], [3, 4]]}
    )
    assert record.categories == (0, 3)
    assert record.features is not None
    assert record.features.tolist() == [[1, 2], [3, 4]]


def test_one_category_may_stand_alone() -> None:
    assert record_of({"start": START, "target": [1.0], "cat": 2}).categories == (2,)


def test_fields_that_are_null_are_not_there() -> None:
    record = record_of({"start": START, "target": [], "cat": None, "dynamic_feat": None})
    assert (record.categories, record.features, len(record.target)) == (None, None, 0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([1, 2], "not an object"),
        ({"target": [1]}, "no field 'start'"),
        ({"start": START}, "no field 'target'"),
        ({"start": "yesterday", "target": [1]}, "start is 'yesterday', not a time"),
        ({"start": "2009-13-01", "target": [1]}, "not a time"),
        ({"start": "2009-11-01 00:00:00+01:00", "target": [1]}, "not a time"),
        ({"start": datetime(2009, 1, 1, tzinfo=UTC), "target": [1]}, "has a time zone"),
        ({"start": 1257033600, "target": [1]}, "not a time"),
        ({"start": "9" * 500, "target": [1]}, "..., not a time"),
        ({"start": START, "target": "1,2"}, "target is '1,2', not a list"),
        ({"start": START, "target": [1, "x"]}, "a value of target is 'x', not a number"),
        ({"start": START, "target": [True]}, "a value of target is True"),
        ({"start": START, "target": [[1]]}, "a value of target is [1]"),
        ({"start": START, "target": [float("inf")]}, "infinite, or too large"),
        ({"start": START, "target": [1e300]}, "infinite, or too large"),
        ({"start": START, "target": [10**400]}, "too large"),
        ({"start": START, "target": [1], "cat": [-1]}, "cat has -1"),
        ({"start": START, "target": [1], "cat": [0.5]}, "cat has 0.5"),
        ({"start": START, "target": [1], "cat": ["a"]}, "cat has 'a'"),
        ({"start": START, "target": [1], "cat": [True]}, "cat has True"),
        ({"start": START, "target": [1], "cat": [2**40]}, "not an integer from 0"),
        ({"start": START, "target": [1], "dynamic_feat": 7}, "dynamic_feat is 7"),
        ({"start": START, "target": [1], "dynamic_feat": [1]}, "dynamic_feat[0] is 1"),
        ({"start": START, "target": [1], "dynamic_feat": [[None]]}, "Only target may have missing values"),
        ({"start": START, "target": [1], "dynamic_feat": [["NaN"]]}, "Only target may have missing values"),
        ({"start": START, "target": [1], "dynamic_feat": [[float("nan")]]}, "Only target may have missing"),
        ({"start": START, "target": [1], "dynamic_feat": [[1], [1, 2]]}, "not equally long"),
    ],
)
def test_what_cannot_be_taken(fields: Any, message: str) -> None:
    with pytest.raises(SeriesError) as caught:
        record_of(fields)
    assert message in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("start", "target", "cat", "dynamic_feat"), JSON)))
def test_nothing_but_a_sentence_comes_of_anything(fields: dict[str, Any]) -> None:
    try:
        record = record_of(json.loads(json.dumps({"start": START, "target": [1], **fields})))
    except SeriesError as error:
        assert len(str(error)) < 200
    else:
        assert record.target.ndim == 1
        assert not np.isinf(record.target).any()
        assert record.features is None or np.isfinite(record.features).all()
        assert record.features is None or record.features.ndim == 2


class TestLayout:
    LAYOUT = Layout(cardinality=(2, 3), features=1, horizon=2)

    def record(self, **fields: Any) -> Record:
        whole = {"start": START, "target": [1, 2, 3], "cat": [1, 2], "dynamic_feat": [[1, 2, 3]], **fields}
        return record_of(whole)

    def test_what_fits_is_kept(self) -> None:
        fitted = self.LAYOUT.fitted(self.record())
        assert fitted.categories == (1, 2)
        assert fitted.features is not None

    def test_features_reach_as_far_ahead_as_asked(self) -> None:
        ahead = self.record(dynamic_feat=[[1, 2, 3, 4, 5]])
        assert self.LAYOUT.fitted(ahead, ahead=2).features is not None
        with pytest.raises(SeriesError, match="it needs 5, the length of target plus prediction_length"):
            self.LAYOUT.fitted(self.record(), ahead=2)

    def test_what_is_not_used_is_left_out(self) -> None:
        fitted = Layout((), 0, 2).fitted(self.record())
        assert (fitted.categories, fitted.features) == (None, None)

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"cat": None}, "there is no cat"),
            ({"cat": []}, "there is no cat"),
            ({"cat": [1]}, "cat has 1 values, not 2"),
            ({"cat": [1, 3]}, "cat has the value 3; with cardinality 3 it is at most 2"),
            ({"dynamic_feat": None}, "there is no dynamic_feat"),
            ({"dynamic_feat": [[1, 2, 3], [1, 2, 3]]}, "dynamic_feat has 2 lists, not 1"),
            ({"dynamic_feat": [[1, 2]]}, "has 2 values; it needs 3, the length of target."),
        ],
    )
    def test_what_does_not_fit(self, fields: dict[str, Any], message: str) -> None:
        with pytest.raises(SeriesError) as caught:
            self.LAYOUT.fitted(self.record(**fields))
        assert message in str(caught.value)
