"""Lists of IAM in pages: ``Marker``, ``MaxItems``, ``IsTruncated``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

_DEFAULT_ITEMS = 100
_T = TypeVar("_T")


def paged(
    given: Mapping[str, Any],
    items: Iterable[_T],
    name_of: Callable[[_T], str],
    member: str,
    write: Callable[[_T], Any],
) -> dict[str, Any]:
    """Return the answer of a List operation.

    Args:
        given: The call's parameters: ``Marker`` is the name that the page before ended with.
        items: All, sorted by name.
        name_of: Name of an item.
        member: Of the answer, that holds the items.
        write: Item -> what is answered of it.
    """
    after = given.get("Marker", "")
    limit = given.get("MaxItems", _DEFAULT_ITEMS)
    rest = [item for item in items if name_of(item) > after]
    page = rest[:limit]
    answer: dict[str, Any] = {member: [write(item) for item in page], "IsTruncated": len(rest) > limit}
    if len(rest) > limit:
        answer["Marker"] = name_of(page[-1])
    return answer
