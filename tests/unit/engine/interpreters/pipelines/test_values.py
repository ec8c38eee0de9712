from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.engine.interpreters.pipelines.values import compare, find, render_path, text_of
from stepmill.language.pipelines.conditions import Comparator
from stepmill.language.pipelines.paths import parse_path

EQ, NE = Comparator.EQUALS, Comparator.NOT_EQUALS
GT, GE = Comparator.GREATER_THAN, Comparator.GREATER_THAN_OR_EQUAL_TO
LT, LE = Comparator.LESS_THAN, Comparator.LESS_THAN_OR_EQUAL_TO

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8))
VALUES = st.recursive(SCALARS, lambda below: st.lists(below, max_size=3), max_leaves=6)
DESCRIBE = {
    "ProcessingOutputConfig": {
        "Outputs": [
            {"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}},
            {"OutputName": "test", "S3Output": {"S3Uri": "s3://b/test"}},
        ]
    },
    "FinalMetricDataList": [{"MetricName": "auc", "Value": 0.9, "Timestamp": 1}],
    "InputDataConfig": [{"ChannelName": "train", "ContentType": "text/csv"}],
    "HyperParameters": {"max depth": "3"},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ProcessingOutputConfig.Outputs['test'].S3Output.S3Uri", "s3://b/test"),
        ("ProcessingOutputConfig.Outputs[0].OutputName", "train"),
        ("FinalMetricDataList['auc'].Value", 0.9),
        ("InputDataConfig['train'].ContentType", "text/csv"),
        ("HyperParameters['max depth']", "3"),
    ],
)
def test_find(path: str, value: Json) -> None:
    assert find(DESCRIBE, parse_path(path)) == value


@pytest.mark.parametrize("outputs", [{"score": 3}, [{"Name": "score", "Value": 3}]])
def test_output_parameters_are_found_as_a_map_and_as_a_list(outputs: Json) -> None:
    assert find({"OutputParameters": outputs}, ("OutputParameters", "score")) == 3


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("HyperParameter", "Did you mean 'HyperParameters'?"),
        ("ProcessingOutputConfig.Outputs['valid']", "no element of the list there has that name"),
        ("ProcessingOutputConfig.Outputs[2]", "the list there has 2 elements"),
        ("FinalMetricDataList['auc'].Value.x", "there is 0.9"),
        ("HyperParameters[0]", "there is max depth"),
    ],
)
def test_find_says_what_is_there_instead(path: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        find(DESCRIBE, parse_path(path))
    assert message in str(caught.value)


@given(
    st.lists(st.one_of(st.integers(0, 10**8), st.text(st.characters(exclude_characters="'\""), min_size=1)))
)
def test_a_rendered_path_reads_as_itself(path: list[str | int]) -> None:
    assert parse_path(render_path(tuple(path))) == tuple(path)


@pytest.mark.parametrize(
    ("comparator", "left", "right", "holds"),
    [
        (EQ, 1, 1.0, True),
        (EQ, "a", "a", True),
        (EQ, "a", "A", False),
        (EQ, "3", 3, True),
        (EQ, 0.5, "0.50", True),
        (EQ, "three", 3, False),
        (EQ, True, "True", True),
        (EQ, "false", False, True),
        (EQ, True, 1, False),
        (EQ, "1", "1.0", False),
        (EQ, None, None, True),
        (EQ, None, "null", False),
        (EQ, [1, 2], [1, 2], True),
        (NE, "3", 4, True),
        (NE, True, 1, True),
        (NE, 2, 2.0, False),
        (GT, 2, 1.5, True),
        (GT, 1, 1, False),
        (GE, 1, 1.0, True),
        (LT, "9", 10, True),
        (LT, "9", "10", False),
        (LE, "2026-01-01", "2026-01-02", True),
        (LE, 1, 0, False),
        (EQ, 2**60, 2**60 + 1, False),
        (LT, 2**60, 2**60 + 1, True),
    ],
)
def test_compare(comparator: Comparator, left: Json, right: Json, holds: bool) -> None:
    assert compare(comparator, left, right) is holds


@pytest.mark.parametrize(
    ("left", "right"), [("a", 1), (True, 1), (None, 1), ([1], [2]), ({}, {}), (True, False), ("x", None)]
)
def test_what_has_no_order(left: Json, right: Json) -> None:
    with pytest.raises(InvalidInputError, match="have no order"):
        compare(LT, left, right)


@given(VALUES, VALUES)
def test_equals_never_fails_and_is_the_opposite_of_not_equals(left: Json, right: Json) -> None:
    assert compare(EQ, left, right) is not compare(NE, left, right)
    assert compare(EQ, left, right) is compare(EQ, right, left)
    assert compare(EQ, left, left)


@given(
    st.one_of(st.integers(), st.floats(allow_nan=False)), st.one_of(st.integers(), st.floats(allow_nan=False))
)
def test_numbers_have_one_order(left: float, right: float) -> None:
    assert [compare(LT, left, right), compare(EQ, left, right), compare(GT, left, right)].count(True) == 1
    assert compare(LE, left, right) is not compare(GT, left, right)
    assert compare(GE, left, right) is not compare(LT, left, right)


@given(st.text())
def test_text_stays_as_it_is(text: str) -> None:
    assert text_of(text) == text


def test_numbers_in_text_are_json() -> None:
    assert [text_of(value) for value in (1e22, 0.1, 10**25, -0.0)] == ["1e22", "0.1", str(10**25), "-0.0"]
    assert math.isclose(float(text_of(1 / 3)), 1 / 3)
