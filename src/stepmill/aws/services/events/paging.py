"""Pages of EventBridge's listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from stepmill.aws.errors import ApiError

T = TypeVar("T")

LARGEST_PAGE = 100
_LONGEST_TOKEN = 9


def page_of(found: Sequence[T], given: Mapping[str, Any]) -> tuple[Sequence[T], dict[str, str]]:
    """Return the page that ``Limit`` and ``NextToken`` ask for, and the next token as a member.

    Example:
        >>> page_of(["a", "b", "c"], {"Limit": 2})
        (['a', 'b'], {'NextToken': '2'})

    Raises:
        ApiError: If the token is none.
    """
    text = str(given.get("NextToken") or "0")
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_TOKEN):
        raise ApiError(
            "ValidationException", f"{text[:80]!r} is no token of this listing.", where="NextToken"
        )
    begin, size = int(text), min(int(given.get("Limit") or LARGEST_PAGE), LARGEST_PAGE)
    end = begin + max(size, 1)
    return found[begin:end], {"NextToken": str(end)} if end < len(found) else {}
