"""Attributes of messages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.aws.services.sqs.attributes import (
    attributes_md5,
    read_attributes,
    size_of,
    text_md5,
    write_attributes,
)
from stepmill.core.errors import InvalidInputError

_names = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
_values = st.one_of(
    st.builds(lambda text: {"DataType": "String", "StringValue": text}, st.text(min_size=1)),
    st.builds(lambda number: {"DataType": "Number.int", "StringValue": str(number)}, st.integers()),
    st.builds(lambda data: {"DataType": "Binary", "BinaryValue": data}, st.binary(min_size=1)),
)


def text(value: str, kind: str = "String") -> dict[str, Any]:
    return {"DataType": kind, "StringValue": value}


def test_digests_are_those_of_the_service() -> None:
    # Answered by SQS for this attribute.
    kept = read_attributes({"timestamp": text("1493147359900", "Number")}, "MessageAttributes")
    assert attributes_md5(kept) == "235c5c510d26fb653d073faed50ae77c"
    assert text_md5("") == "d41d8cd98f00b204e9800998ecf8427e"
    assert attributes_md5({}) == ""


def test_the_order_of_names_does_not_matter() -> None:
    one = read_attributes({"a": text("1"), "b": text("2")}, "M")
    two = read_attributes({"b": text("2"), "a": text("1")}, "M")
    assert attributes_md5(one) == attributes_md5(two)
    assert attributes_md5(one) != attributes_md5(read_attributes({"a": text("1"), "b": text("3")}, "M"))


@given(st.dictionaries(_names, _values, max_size=10))
def test_they_come_back_as_they_were_sent(given_ones: dict[str, Any]) -> None:
    try:
        kept = read_attributes(given_ones, "MessageAttributes")
        size_of(kept)
    except UnicodeEncodeError:
        return
    assert write_attributes(kept, ["All"]) == given_ones


def test_some_are_asked_for() -> None:
    kept = read_attributes({"a": text("1"), "a.b": text("2"), "c": text("3")}, "M")
    assert set(write_attributes(kept, ["a"])) == {"a"}
    assert set(write_attributes(kept, ["a.*", "c"])) == {"a.b", "c"}
    assert set(write_attributes(kept, [".*"])) == set(write_attributes(kept, ["All"])) == set(kept)
    assert write_attributes(kept, []) == {}


@pytest.mark.parametrize(
    "attributes",
    [
        {"": text("1")},
        {"AWS.x": text("1")},
        {"amazon.x": text("1")},
        {"a..b": text("1")},
        {"a.": text("1")},
        {"a b": text("1")},
        {"a": text("")},
        {"a": text("1", "Text")},
        {"a": text("one", "Number")},
        {"a": {"DataType": "Binary", "BinaryValue": b""}},
        {"a": {"DataType": "Binary"}},
        {"a": {"DataType": "String", "BinaryValue": b"x"}},
        {f"a{number}": text("1") for number in range(11)},
    ],
)
def test_what_cannot_be_an_attribute_is_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_attributes(attributes, "MessageAttributes")
    assert caught.value.where.startswith("MessageAttributes")


def test_their_bytes_count() -> None:
    assert size_of(read_attributes({"ab": text("cde")}, "M")) == 2 + len("String") + 3
