"""Tokens name a place; they come back from clients, who may have written anything into them."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.storage.paging import decode_place, encode_place

_NAMES = st.text(st.characters(exclude_categories=["Cs"]))
_NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(_NUMBERS, _NAMES)
def test_a_number_survives(value: int, name: str) -> None:
    assert decode_place(encode_place("created+", value, name), "created+", text=False) == (value, name)


@given(_NAMES, _NAMES)
def test_a_text_survives(value: str, name: str) -> None:
    assert decode_place(encode_place("name-", value, name), "name-", text=True) == (value, name)


@given(_NAMES)
def test_a_token_fits_into_an_address_line(name: str) -> None:
    token = encode_place("name+", name, name)
    assert token.isascii()
    assert not set(token) & set("+/ \n")


@given(
    st.one_of(st.text(), st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode())), st.booleans()
)
def test_anything_else_is_refused_in_our_words(token: str, text: bool) -> None:
    with pytest.raises(InvalidInputError, match="no token of this listing"):
        decode_place(token, "created+", text=text)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        ["created+", 1],
        ["created+", 1, "n", "more"],
        ["created-", 1, "n"],
        ["created+", "1", "n"],
        ["created+", 1.5, "n"],
        ["created+", True, "n"],
        ["created+", None, "n"],
        ["created+", 1, None],
        ["created+", 2**63, "n"],
        ["created+", -(2**63) - 1, "n"],
        ["created+", 10**400, "n"],
        {"created+": 1},
    ],
)
def test_a_token_of_another_shape_is_refused(document: object) -> None:
    token = base64.urlsafe_b64encode(msgspec.json.encode(document)).decode()
    with pytest.raises(InvalidInputError):
        decode_place(token, "created+", text=False)


def test_a_number_is_no_text() -> None:
    with pytest.raises(InvalidInputError):
        decode_place(encode_place("name+", 1, "n"), "name+", text=True)
