from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.features.schema import GroupSchema, read_schema
from stepmill.catalog.features.values import (
    EARLIEST_MICROS,
    LATEST_MICROS,
    check_record,
    event_time_text,
    micros_of_seconds,
    micros_of_text,
    text_of_micros,
    typed,
)
from stepmill.core.errors import InvalidInputError
from support.features import definition, group_request, record

AT = "2026-01-02T03:04:05Z"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def schema(*more: dict[str, Any], event_time: str = "String") -> GroupSchema:
    definitions = [definition("id", "Integral"), definition("at", event_time), *more]
    return read_schema(group_request(FeatureDefinitions=definitions))


PLAIN = schema(definition("n", "Integral"), definition("x", "Fractional"), definition("s"))


def test_a_record_is_checked() -> None:
    checked = check_record(PLAIN, record(id=7, at=AT, n=-3, x="1.5e3", s='it\'s "ü"'))
    assert checked.identifier == "7"
    assert checked.event_time == micros_of_text(AT)
    assert checked.values == {"id": "7", "at": AT, "n": "-3", "x": "1.5e3", "s": 'it\'s "ü"'}


def test_what_is_not_given_is_null() -> None:
    given: list[dict[str, Any]] = [
        *record(id=7, at=AT),
        {"FeatureName": "n"},
        {"FeatureName": "s", "ValueAsString": None},
    ]
    assert check_record(PLAIN, given).values.keys() == {"id", "at"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (record(at=AT), "no value for its record identifier feature 'id'"),
        (record(id=7), "no value for its event time feature 'at'"),
        (record(id="", at=AT), "'id' as type 'Integral' failed"),
        (record(id=7, at=""), "no value for its event time"),
        (record(id=7, at=AT, n="1.0"), "for the feature named 'n' as type 'Integral' failed"),
        (record(id=7, at=AT, n=2**63), "'n' as type 'Integral' failed"),
        (record(id=7, at=AT, n="9" * 100_000), "'n' as type 'Integral' failed"),
        (record(id=7, at=AT, n="１"), "'n' as type 'Integral' failed"),
        (record(id=7, at=AT, n="1_0"), "'n' as type 'Integral' failed"),
        (record(id=7, at=AT, x="high"), "'x' as type 'Fractional' failed"),
        (record(id=7, at=AT, x=" 1"), "'x' as type 'Fractional' failed"),
        (record(id=7, at=AT, x=""), "'x' as type 'Fractional' failed"),
        (record(id=7, at=AT, none=1), "'none' is not in the feature group"),
        (record(id=7, at=AT) + record(n=1) + record(n=2), "'n' is there more than once"),
        (record(id=7, at=AT, n=[1]), "'n' is no collection"),
        (
            [*record(id=7, at=AT), {"FeatureName": "n", "ValueAsString": "1", "ValueAsStringList": ["1"]}],
            "has both",
        ),
        (record(id=7, at=AT, s="x" * (350 * 1024)), "at most 358400 are possible"),
        (record(id=7, at=AT, s="ü" * (176 * 1024)), "at most 358400 are possible"),
    ],
)
def test_records_that_are_refused(given: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        check_record(PLAIN, given)


def test_a_long_identifier_is_refused() -> None:
    texts = read_schema(group_request(FeatureDefinitions=[definition("id"), definition("at")]))
    assert check_record(texts, record(id="ü" * 1024, at=AT)).identifier == "ü" * 1024
    with pytest.raises(InvalidInputError, match="at most 2048 bytes"):
        check_record(texts, record(id="ü" * 1024 + "x", at=AT))


def test_a_large_record_that_just_fits_is_taken() -> None:
    size = 350 * 1024 - len("id" + "7" + "at" + AT + "s")
    assert check_record(PLAIN, record(id=7, at=AT, s="x" * size))


VECTOR = definition(
    "v", "Fractional", CollectionType="Vector", CollectionConfig={"VectorConfig": {"Dimension": 2}}
)
MANY = schema(
    definition("l", "Integral", CollectionType="List"),
    definition("t", "Integral", CollectionType="Set"),
    VECTOR,
)


def test_collections_hold_several_values() -> None:
    values = check_record(MANY, record(id=7, at=AT, l=[1, 1], t=[2, 1, "02"], v=[0.5, 2])).values
    # A set has each value once, the first way in which it was written.
    assert (values["l"], values["t"], values["v"]) == (["1", "1"], ["2", "1"], ["0.5", "2"])
    features = MANY.by_name
    assert [typed(features[name], values[name]) for name in "ltv"] == [[1, 1], [2, 1], [0.5, 2.0]]
    assert check_record(MANY, record(id=7, at=AT, l=[])).values["l"] == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"l": "1"}, "'l' is a List: give ValueAsStringList"),
        ({"l": ["x"]}, "'l' as type 'Integral' failed"),
        ({"v": [1]}, "dimension 2, and 1 values were given"),
        ({"v": [1, 2, 3]}, "dimension 2, and 3 values were given"),
    ],
)
def test_collections_that_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        check_record(MANY, record(id=7, at=AT, **values))


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.001Z", 1000),
        ("1970-01-01T00:00:00.0000019Z", 1),
        ("1969-12-31T23:59:59.999Z", -1000),
        ("2020-02-29T12:00:00Z", 1_582_977_600_000_000),
        ("0001-01-01T00:00:00Z", EARLIEST_MICROS),
        ("9999-12-31T23:59:59.999999Z", LATEST_MICROS),
    ],
)
def test_event_times_as_texts(text: str, micros: int) -> None:
    assert micros_of_text(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05+00:00",
        "2026-02-30T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:60Z", "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z", "12026-01-02T03:04:05Z", "2026-01-02T03:04:05.Z", "2026-01-02t03:04:05z",
        "2026-01-02T03:04:05.1234567890Z", "1735689600", "２026-01-02T03:04:05Z", "2026-01-02T03:04:05Z\n",
        "",
    ],
)  # fmt: skip
def test_texts_that_are_no_event_times(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"not in the format yyyy-MM-dd'T'HH:mm:ssZ"):
        micros_of_text(text)


SECONDS = schema(event_time="Fractional")


@pytest.mark.parametrize(
    ("text", "micros"),
    [("0", 0), ("1.5", 1_500_000), ("-1.25", -1_250_000), ("1.735689600123456E9", 1_735_689_600_123_456)],
)
def test_event_times_as_seconds(text: str, micros: int) -> None:
    assert check_record(SECONDS, record(id=1, at=text)).event_time == micros


@pytest.mark.parametrize("text", ["1e20", "-1e20", "NaN", "inf", "-Infinity", "253402300800", "1e999"])
def test_seconds_beyond_all_years_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="years 1 to 9999"):
        check_record(SECONDS, record(id=1, at=text))


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05Z", "now"])
def test_a_text_is_no_number_of_seconds(text: str) -> None:
    with pytest.raises(InvalidInputError, match="'at' as type 'Fractional' failed"):
        check_record(SECONDS, record(id=1, at=text))


@given(st.integers(EARLIEST_MICROS, LATEST_MICROS))
def test_a_moment_comes_back_from_its_text(micros: int) -> None:
    text = text_of_micros(micros)
    assert micros_of_text(text) == micros
    assert datetime.fromisoformat(text) == EPOCH + timedelta(microseconds=micros)


@given(st.integers(-(10**15), 10**15))
def test_a_moment_comes_back_from_its_seconds(micros: int) -> None:
    assert micros_of_seconds(float(event_time_text(SECONDS, micros))) == micros


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        check_record(PLAIN, record(id=1, at=AT, x=text, n=text))
    except InvalidInputError as error:
        assert "failed" in error.what
    else:
        assert int(text) == float(text)
