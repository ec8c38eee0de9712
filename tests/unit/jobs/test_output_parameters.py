from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.jobs.output_parameters import (
    OutputParameter,
    OutputType,
    as_wire_list,
    convert,
    convert_all,
    read_declared,
)

DECLARED = (OutputParameter("score", OutputType.FLOAT), OutputParameter("name", OutputType.STRING))


@pytest.mark.parametrize(
    ("value", "wanted", "found"),
    [
        ("x", OutputType.STRING, "x"),
        (3, OutputType.STRING, "3"),
        (True, OutputType.STRING, "true"),
        (None, OutputType.STRING, "null"),
        ({"a": [1]}, OutputType.STRING, '{"a":[1]}'),
        (3, OutputType.INTEGER, 3),
        ("3", OutputType.INTEGER, 3),
        (" -3 ", OutputType.INTEGER, -3),
        (3.0, OutputType.INTEGER, 3),
        (3, OutputType.FLOAT, 3.0),
        ("1e-3", OutputType.FLOAT, 0.001),
        (".5", OutputType.FLOAT, 0.5),
        (True, OutputType.BOOLEAN, True),
        ("True", OutputType.BOOLEAN, True),
        ("false", OutputType.BOOLEAN, False),
    ],
)
def test_a_value_becomes_its_declared_type(value: Json, wanted: OutputType, found: Json) -> None:
    assert convert(value, wanted) == found
    assert type(convert(value, wanted)) is type(found)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (3.5, OutputType.INTEGER),
        ("3.5", OutputType.INTEGER),
        (True, OutputType.INTEGER),
        ("", OutputType.INTEGER),
        (None, OutputType.INTEGER),
        ("1_000", OutputType.INTEGER),
        ("nan", OutputType.FLOAT),
        ("inf", OutputType.FLOAT),
        (True, OutputType.FLOAT),
        ([1], OutputType.FLOAT),
        (1, OutputType.BOOLEAN),
        ("yes", OutputType.BOOLEAN),
        ({}, OutputType.BOOLEAN),
    ],
)
def test_what_is_not_of_the_type_is_refused(value: Json, wanted: OutputType) -> None:
    with pytest.raises(ValueError):
        convert(value, wanted)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        convert_all(DECLARED, {"score": "high", "nmae": "x"}, exact=True)
    assert "'name' is missing" in caught.value.what
    assert "'nmae' was not declared" in caught.value.what
    assert "'score' is \"high\", which is no Float" in caught.value.what
    assert caught.value.mend == "Declared: score (Float), name (String)."


def test_what_was_not_declared_may_be_passed_over() -> None:
    given_ = {"score": 1, "name": "n", "statusCode": 200}
    assert convert_all(DECLARED, given_, exact=False) == {"score": 1.0, "name": "n"}


def test_declarations_are_read() -> None:
    assert read_declared(None) == ()
    assert read_declared([{"OutputName": "a", "OutputType": "Integer"}, {"OutputName": "b"}]) == (
        OutputParameter("a", OutputType.INTEGER), OutputParameter("b", OutputType.STRING),
    )  # fmt: skip


@pytest.mark.parametrize(
    "value", ["x", 3, {}, [1], [{}], [{"OutputName": 1}], [{"OutputName": "a", "OutputType": "x"}]]
)
def test_what_declares_nothing_is_refused(value: Json) -> None:
    with pytest.raises(InvalidInputError):
        read_declared(value)


def test_the_wire_has_texts() -> None:
    assert as_wire_list({"a": 1, "b": "x", "c": True}) == [
        {"Name": "a", "Value": "1"}, {"Name": "b", "Value": "x"}, {"Name": "c", "Value": "true"},
    ]  # fmt: skip


@given(st.integers())
def test_numbers_survive_as_text(number: int) -> None:
    assert convert(convert(number, OutputType.STRING), OutputType.INTEGER) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_survive_as_text(number: float) -> None:
    assert convert(repr(number), OutputType.FLOAT) == number
