"""Pages of Glue's listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from stepmill.aws.errors import ApiError

T = TypeVar("T")

LARGEST_PAGE = 1000
_LONGEST_TOKEN = 9


def page_of(found: Sequence[T], given: Mapping[str, Any]) -> tuple[Sequence[T], dict[str, str]]:
    """Return the page that ``MaxResults`` and ``NextToken`` ask for, and the next token as a member.

    Example:
        >>> page_of(["a", "b", "c"], {"MaxResults": 2})
        (['a', 'b'], {'NextToken': '2'})

    Raises:
        ApiError: If the token is none.
    """
    token = str(given.get("NextToken") or "0")
    if not (token.isascii() and token.isdecimal() and len(token) <= _LONGEST_TOKEN):
        raise ApiError("InvalidInputException", "The next token is none of this listing.", where="NextToken")
    begin = int(token)
    end = begin + min(int(given.get("MaxResults") or LARGEST_PAGE), LARGEST_PAGE)
    return found[begin:end], {"NextToken": str(end)} if end < len(found) else {}
