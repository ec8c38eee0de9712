"""Lists of Lambda in pages: ``Marker``, ``MaxItems``, ``NextMarker``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from stepmill.aws.errors import ApiError
from stepmill.aws.services.lambda_.configuration import INVALID

# Lambda gives at most so many functions in a page, whatever is asked for.
_PAGE = 50
_T = TypeVar("_T")


def paged(
    given: Mapping[str, Any], member: str, items: Sequence[_T], write: Callable[[_T], Any]
) -> dict[str, Any]:
    """Return the answer of a List operation.

    Args:
        given: The call's parameters.
        member: Of the answer, that holds the items.
        items: All, in an order that stays.
        write: Item -> what is answered of it.

    Raises:
        ApiError: If the marker is none.
    """
    start = _read(given.get("Marker") or "")
    page = items[start : start + min(given.get("MaxItems", _PAGE), _PAGE)]
    end = start + len(page)
    more = {"NextMarker": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return {member: [write(item) for item in page], **more}


def _read(marker: str) -> int:
    try:
        text = base64.b64decode(marker, altchars=b"-_", validate=True).decode("ascii")
        start = int(text or "0")
    except (ValueError, binascii.Error):
        start = -1
    if start < 0:
        raise ApiError(INVALID, f"{marker[:100]!r} is no marker of a page.", where="Marker")
    return start
