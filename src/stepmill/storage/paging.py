"""Tokens that name a place in a sorted listing, so that the next page begins where the last one ended.

A place, not a count of rows: what is created or deleted meanwhile neither repeats nor hides a row.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, TypeAlias

import msgspec

from stepmill.core.errors import InvalidInputError

_Int64: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


def encode_place(order: str, value: int | str, name: str) -> str:
    """Return the token of the place behind the row with this sort value and this name.

    Args:
        order: What the listing is sorted by, and in which direction.
        value: What the row is sorted by.
        name: Decides between rows with equal values.
    """
    return base64.urlsafe_b64encode(msgspec.json.encode((order, value, name))).decode()


def decode_place(token: str, order: str, *, text: bool) -> tuple[int | str, str]:
    """Return the sort value and the name from a token. It comes from a client: anything may be in it.

    Args:
        token: As ``encode_place`` gave it.
        order: What the listing is sorted by now.
        text: Whether the value is a string, not an integer.

    Raises:
        InvalidInputError: If it is no token, or one of another order.
    """
    try:
        document = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        made_for, value, name = msgspec.json.decode(document, type=tuple[str, _Int64 | str, str])
    except (binascii.Error, UnicodeError, msgspec.DecodeError) as error:
        raise _refused(token) from error
    if made_for != order or isinstance(value, str) is not text:
        raise _refused(token)
    return value, name


def _refused(token: str) -> InvalidInputError:
    return InvalidInputError(
        f"{token[:100]!r} is no token of this listing.",
        mend="Give the token of the page before, and otherwise the same arguments as for that page.",
    )
