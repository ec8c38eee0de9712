"""Patterns of events: what fits, what does not, and what is no pattern."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.language.event_patterns.conditions import Equals, Wildcard, fits
from stepmill.language.event_patterns.reading import read_pattern

EVENT = {
    "source": "aws.sagemaker",
    "detail-type": "SageMaker Training Job State Change",
    "detail": {
        "status": "Failed",
        "score": 0.25,
        "runs": 3,
        "is-final": True,
        "reason": None,
        "empty": "",
        "tags": ["red", "blue"],
        "none": [],
        "host": "10.0.3.7",
        "inner": {"path": "models/a/model.tar.gz"},
        "steps": [{"name": "a", "status": "ok"}, {"name": "b", "status": "bad"}],
    },
}


def matches(detail: Any) -> bool:
    return read_pattern(json.dumps({"detail": detail})).matches(EVENT)


@pytest.mark.parametrize(
    "detail",
    [
        {"status": ["Failed"]},
        {"status": ["Stopped", "Failed"]},
        {"status": ["Failed"], "runs": [3]},
        {"runs": [3.0]},
        {"is-final": [True]},
        {"reason": [None]},
        {"empty": [""]},
        {"tags": ["blue"]},
        {"status": [{"prefix": "Fa"}]},
        {"status": [{"prefix": {"equals-ignore-case": "fA"}}]},
        {"inner": {"path": [{"suffix": ".tar.gz"}]}},
        {"inner": {"path": [{"suffix": {"equals-ignore-case": ".GZ"}}]}},
        {"inner": {"path": [{"wildcard": "models/*/model.*"}]}},
        {"status": [{"equals-ignore-case": "FAILED"}]},
        {"status": [{"anything-but": "Completed"}]},
        {"status": [{"anything-but": ["Completed", "Stopped"]}]},
        {"runs": [{"anything-but": 4}]},
        {"status": [{"anything-but": {"prefix": "Com"}}]},
        {"status": [{"anything-but": {"suffix": ["ed!", "ing"]}}]},
        {"status": [{"anything-but": {"equals-ignore-case": ["completed"]}}]},
        {"status": [{"anything-but": {"wildcard": "C*d"}}]},
        {"tags": [{"anything-but": "red"}]},
        {"score": [{"numeric": ["<", 0.5]}]},
        {"score": [{"numeric": [">", 0, "<=", 0.25]}]},
        {"runs": [{"numeric": ["=", 3]}]},
        {"host": [{"cidr": "10.0.0.0/16"}]},
        {"status": [{"exists": True}]},
        {"missing": [{"exists": False}]},
        {"none": [{"exists": False}]},
        {"inner": [{"exists": False}]},
        {"missing": {"below": [{"exists": False}]}},
        {"reason": [{"exists": True}]},
        {"steps": {"name": ["b"], "status": ["bad"]}},
        {"$or": [{"status": ["Stopped"]}, {"runs": [{"numeric": [">", 2]}]}]},
        {"$or": [{"status": ["x"]}, {"$or": [{"runs": [1]}, {"runs": [3]}]}]},
    ],
)
def test_what_fits(detail: Any) -> None:
    assert matches(detail)


@pytest.mark.parametrize(
    "detail",
    [
        {"status": ["failed"]},
        {"status": ["Failed"], "runs": [4]},
        {"runs": ["3"]},
        {"runs": [True]},
        {"is-final": [1]},
        {"is-final": ["true"]},
        {"reason": [""]},
        {"tags": ["green"]},
        {"missing": ["x"]},
        {"missing": [{"anything-but": "x"}]},
        {"none": [{"exists": True}]},
        {"inner": [{"exists": True}]},
        {"inner": ["models"]},
        {"status": {"below": ["x"]}},
        {"status": [{"prefix": "ailed"}]},
        {"status": [{"wildcard": "F*x"}]},
        {"inner": {"path": [{"wildcard": "models/*/*/model.*"}]}},
        {"status": [{"anything-but": {"prefix": "F"}}]},
        {"score": [{"numeric": [">", 0.25]}]},
        {"status": [{"numeric": [">", 0]}]},
        {"is-final": [{"numeric": ["=", 1]}]},
        {"host": [{"cidr": "10.1.0.0/16"}]},
        {"status": [{"cidr": "0.0.0.0/0"}]},
        {"status": [{"exists": False}]},
        {"steps": {"name": ["a"], "status": ["bad"]}},
        {"$or": [{"status": ["Stopped"]}, {"runs": [1]}]},
        {"status": ["Stopped"], "$or": [{"runs": [3]}, {"runs": [1]}]},
    ],
)
def test_what_does_not_fit(detail: Any) -> None:
    assert not matches(detail)


@pytest.mark.parametrize(
    ("text", "reason", "where"),
    [
        ("{", "not valid JSON", ""),
        ("[]", "not an object", ""),
        ("{}", "Empty event pattern", ""),
        ('{"a": "b"}', '"a" must be an object or an array', "a"),
        ('{"a": {}}', "Empty objects", "a"),
        ('{"a": []}', "Empty arrays", "a"),
        ('{"a": {"b": [["c"]]}}', "Match value must be String", "a.b"),
        ('{"a": [{"near": 1}]}', "Unrecognized match type near", "a"),
        ('{"a": [{"prefix": "a", "suffix": "b"}]}', "Only one key", "a"),
        ('{"a": [{"prefix": 1}]}', "prefix match pattern must be a string", "a"),
        ('{"a": [{"prefix": ""}]}', "Null prefix/suffix", "a"),
        ('{"a": [{"exists": "yes"}]}', "must be either true or false", "a"),
        ('{"a": [{"numeric": 1}]}', "must be an array", "a"),
        ('{"a": [{"numeric": []}]}', "must be an array", "a"),
        ('{"a": [{"numeric": [">"]}]}', "a sign and a number", "a"),
        ('{"a": [{"numeric": ["!", 1]}]}', "Unrecognized numeric range operator: !", "a"),
        ('{"a": [{"numeric": [">", "1"]}]}', "must be numeric", "a"),
        ('{"a": [{"numeric": [">", 1e10]}]}', "between", "a"),
        ('{"a": [{"numeric": ["<", 5, ">", 1]}]}', "lower bound", "a"),
        ('{"a": [{"numeric": [">", 5, "<", 1]}]}', "Bottom must be less than top", "a"),
        ('{"a": [{"cidr": "300.0.0.0/8"}]}', "Malformed CIDR", "a"),
        ('{"a": [{"wildcard": "a**b"}]}', "Consecutive wildcard characters at pos 1", "a"),
        ('{"a": [{"wildcard": "a\\\\b"}]}', "Invalid escape character at pos 1", "a"),
        ('{"a": [{"anything-but": []}]}', "Empty arrays", "a"),
        ('{"a": [{"anything-but": [null]}]}', "not supported", "a"),
        ('{"a": [{"anything-but": {"numeric": [">", 1]}}]}', "anything-but", "a"),
    ],
)
def test_what_is_no_pattern(text: str, reason: str, where: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_pattern(text)
    assert reason in caught.value.what
    assert caught.value.where == where


def test_or_is_a_field_where_it_holds_no_alternatives() -> None:
    assert read_pattern('{"$or": ["a"]}').matches({"$or": "a"})
    assert read_pattern('{"$or": [{"prefix": "a"}, {"prefix": "b"}]}').matches({"$or": "bc"})


def test_a_pattern_has_bounds() -> None:
    with pytest.raises(InvalidInputError, match="too large"):
        read_pattern(json.dumps({"a": ["x" * 300_000]}))
    with pytest.raises(InvalidInputError, match="more than 10000 values"):
        read_pattern(json.dumps({"a": [0] * 10_001}))


letters = st.text("ab*?[", max_size=8)
plain = st.text("ab", max_size=8)


@given(st.lists(plain, min_size=2, max_size=5), st.text("ab", max_size=30))
def test_a_wildcard_is_that_of_the_shell(pieces: list[str], text: str) -> None:
    expected = fnmatch.fnmatchcase(text, "*".join(pieces))
    assert fits(Wildcard(tuple(pieces)), text) == expected


@given(letters)
def test_what_is_escaped_stands_for_itself(text: str) -> None:
    escaped = text.replace("*", "\\*")
    if not escaped:
        return
    pattern = read_pattern(json.dumps({"a": [{"wildcard": escaped}]}))
    assert pattern.matches({"a": text})
    assert not pattern.matches({"a": text + "x"})


scalars = st.none() | st.booleans() | st.integers(-100, 100) | st.text("ab", max_size=3)
events = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
)


@given(st.dictionaries(st.sampled_from(["a", "b"]), events), st.lists(scalars, min_size=1, max_size=3))
def test_a_field_fits_its_values_or_anything_but_them(event: Any, values: list[Any]) -> None:
    texts = [value for value in values if isinstance(value, str)] or ["x"]
    wanted = read_pattern(json.dumps({"a": texts})).matches(event)
    others = read_pattern(json.dumps({"a": [{"anything-but": texts}]})).matches(event)
    exists = read_pattern('{"a": [{"exists": true}]}').matches(event)
    assert (wanted or others) == exists
    assert exists != read_pattern('{"a": [{"exists": false}]}').matches(event)


@given(scalars, scalars)
def test_equality_tells_types_apart(one: Any, another: Any) -> None:
    assert fits(Equals(one), another) == (type(one) is type(another) and one == another)
