"""The paths of ``Std:JsonGet``: ``a.b[0].c``, ``a['key with.dots'][1]``. Pure.

Source: ``JsonGet.json_path`` of the ``sagemaker`` SDK; the developer guide, "Property Files".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json

_ELEMENT = re.compile(
    r"\[(?P<index>[0-9]{1,9})\]|\['(?P<single>[^']*)'\]|\[\"(?P<double>[^\"]*)\"\]|(?P<key>[^.\[\]'\"]+)"
)
_MOST_KEYS_SHOWN = 12


def parse_path(path: str) -> tuple[str | int, ...]:
    """Take a path apart into keys and positions.

    Raises:
        InvalidInputError: If it is none.

    Example:
        >>> parse_path("a['b.c'][0].d")
        ('a', 'b.c', 0, 'd')
    """
    elements: list[str | int] = []
    at = 0
    while at < len(path):
        dotted = path[at] == "." and bool(elements)
        match = _ELEMENT.match(path, at + dotted)
        # A dot stands before each key that is written plainly, except the first, and nowhere else.
        plain = match is not None and match["key"] is not None
        if match is None or plain != (dotted or (plain and not elements)):
            raise _bad_path(path, at)
        elements.append(int(match["index"]) if match["index"] else _key(match))
        at = match.end()
    if not elements:
        raise _bad_path(path, 0)
    return tuple(elements)


def look_up(document: Json, path: str, *, where: str = "") -> Json:
    """Return what stands at a path of a document.

    Raises:
        InvalidInputError: If that is no path.
        NotFoundError: If nothing stands there; names what does.

    Example:
        >>> look_up({"metrics": {"mse": [1.5]}}, "metrics.mse[0]")
        1.5
    """
    found, walked = document, ""
    for element in parse_path(path):
        elements = _elements(found)
        if isinstance(element, int) and element < len(elements):
            found = elements[element]
        elif isinstance(element, str) and isinstance(found, Mapping) and element in found:
            found = found[element]
        else:
            raise _missing(path, element, found, walked, where)
        walked = _written(walked, element)
    return found


def _key(match: re.Match[str]) -> str:
    return next(text for text in (match["single"], match["double"], match["key"]) if text is not None)


def _elements(value: Json) -> Sequence[Json]:
    """Return the elements of a list; none for anything else."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _bad_path(path: str, at: int) -> InvalidInputError:
    return InvalidInputError(
        f"{path[:200]!r} is not a path (character {at + 1}).",
        mend="Write it as a.b[0].c, and a key with dots or brackets as a['key with.dots'].",
    )


def _written(walked: str, element: str | int) -> str:
    if isinstance(element, int):
        return f"{walked}[{element}]"
    if re.fullmatch(r"[^.\[\]'\"]+", element):
        return f"{walked}.{element}" if walked else element
    return f"{walked}['{element}']"


def _missing(path: str, element: str | int, found: Json, walked: str, where: str) -> NotFoundError:
    place = f"at {walked!r}" if walked else "at the top"
    mend = ""
    if isinstance(found, Mapping):
        keys = [str(key) for key in found]
        shown = ", ".join(repr(key) for key in keys[:_MOST_KEYS_SHOWN]) or "none"
        more = f" and {len(keys) - _MOST_KEYS_SHOWN} more" if len(keys) > _MOST_KEYS_SHOWN else ""
        there = f"the keys {place} are {shown}{more}"
        if near := get_close_matches(str(element), keys, 1):
            mend = f"Did you mean {_written(walked, near[0])!r}?"
        elif dotted := next((key for key in keys if "." in key and f"{path}.".startswith(f"{key}.")), None):
            mend = f"A key with dots is written {_written(walked, dotted)!r}."
    elif isinstance(found, Sequence) and not isinstance(found, str):
        there = f"the list {place} has {len(found)} elements"
    else:
        there = f"{place} stands {'null' if found is None else type(found).__name__}, which holds nothing"
    return NotFoundError(f"There is nothing at {path!r}: {there}.", where=where, mend=mend)
