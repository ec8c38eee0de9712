"""JSON is read strictly, and nothing that is read can exhaust the stack."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import (
    DEEPEST_NESTING,
    Json,
    canonical_json,
    digest,
    object_of,
    objects_of,
    read_json,
    write_json,
)

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read_back(value: object) -> None:
    assert read_json(write_json(value)) == value
    assert json.loads(write_json(value)) == value


@given(st.dictionaries(st.text(), values))
def test_the_canonical_text_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_json(turned) == canonical_json(value)
    assert digest(turned) == digest(value)


@pytest.mark.parametrize("text", ["", "{", "nul", "NaN", "[1,]", '"\\ud800"', b"\xff", "{'a': 1}", "1 2"])
def test_what_is_not_json_is_refused_with_its_place(text: str | bytes) -> None:
    with pytest.raises(InvalidInputError, match="not valid JSON") as caught:
        read_json(text, where="input.json")
    assert caught.value.where == "input.json"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "a": 1,\n}', "in line 3, column 1"),
        ("{'a': 1}", "in line 1, column 2"),
        (b"\xff\xfe", "not UTF-8"),
        ("NaN", "malformed"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_it_is_said_what_is_no_json_and_where(text: str | bytes, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        read_json(text)


@pytest.mark.parametrize("levels", [DEEPEST_NESTING + 1, 100_000])
def test_a_document_nested_too_deep_is_refused(levels: int) -> None:
    with pytest.raises(InvalidInputError):
        read_json("[" * levels + "]" * levels)


def test_the_deepest_allowed_nesting_is_read() -> None:
    text = "[" * DEEPEST_NESTING + "]" * DEEPEST_NESTING
    assert write_json(read_json(text)) == text


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(text: bytes) -> None:
    try:
        read_json(text)
    except InvalidInputError:
        pass


@given(values)
def test_whatever_a_client_sent_is_taken_as_objects_or_as_none(value: Json) -> None:
    assert object_of(value) == (value if isinstance(value, dict) else {})
    assert objects_of(value) == (
        [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    )
