"""Functions that look through strings for a string or a pattern.

A pattern is a regular expression, or any function that gives matches as one does.

Source: the JSONata documentation, "String functions", "Regular expressions";
its reference implementation 2.0.6.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

from stepmill.language.states.jsonata.calls import call
from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.regexes import Regex
from stepmill.language.states.jsonata.running import Run
from stepmill.language.states.jsonata.values import UNDEFINED, Function, Value, is_number, sequence


def _matches(run: Run, pattern: Value, text: str) -> Iterator[dict[str, Value]]:
    """Yield the matches in a text, each as the object that a matcher gives."""
    if isinstance(pattern, Regex):
        for found in pattern.matches(text, run):
            groups = [UNDEFINED if group is None else group for group in found.groups()]
            yield {"match": found[0], "start": found.start(), "end": found.end(), "groups": groups}
        return
    found = _checked(call(pattern, [text], UNDEFINED, run))
    while found is not UNDEFINED:
        yield found
        run.spend(1)
        found = _checked(call(found.get("next", UNDEFINED), [], UNDEFINED, run))


def _checked(found: Value) -> Value:
    if found is UNDEFINED:
        return found
    if not isinstance(found, dict) or not (
        is_number(found.get("start"))
        or is_number(found.get("end"))
        or isinstance(found.get("groups"), list)
        or isinstance(found.get("next"), Function)
    ):
        raise QueryError("T1010")
    return found


def _limited(matches: Iterator[dict[str, Value]], limit: Value) -> Iterator[dict[str, Value]]:
    return matches if limit is UNDEFINED else islice(matches, _at_most(limit))


def _at_most(limit: int | float) -> int:
    return math.ceil(min(limit, 2**31))


def contains(run: Run, text: Value, pattern: Value) -> Value:
    """``$contains``: whether a string or a pattern occurs in a text."""
    if text is UNDEFINED or pattern is UNDEFINED:
        return UNDEFINED
    if isinstance(pattern, str):
        return pattern in text
    return next(_matches(run, pattern, text), None) is not None


def match(run: Run, text: Value, pattern: Value, limit: Value) -> Value:
    """``$match``: what a pattern finds in a text: the match, its index, its groups.

    Raises:
        QueryError: D3040, if the limit is negative.
    """
    if text is UNDEFINED:
        return UNDEFINED
    if limit is not UNDEFINED and limit < 0:
        raise QueryError("D3040", value=limit)
    found = sequence()
    for each in _limited(_matches(run, pattern, text), limit):
        found.append({
            "match": each.get("match", UNDEFINED),
            "index": each.get("start", UNDEFINED),
            "groups": each.get("groups", UNDEFINED),
        })  # fmt: skip
        run.hold(len(found))
    return found


def split(run: Run, text: Value, separator: Value, limit: Value) -> Value:
    """``$split``: the parts of a text between separators.

    Raises:
        QueryError: D3020, if the limit is negative.
    """
    if text is UNDEFINED:
        return UNDEFINED
    if limit is not UNDEFINED and limit < 0:
        raise QueryError("D3020", value=limit)
    most = None if limit is UNDEFINED else math.trunc(min(limit, 2**31))
    if isinstance(separator, str):
        run.hold(text.count(separator) + 1)
        return (text.split(separator) if separator else list(text))[:most]
    parts: list[Value] = []
    start = 0
    for found in _limited(_matches(run, separator, text), limit):
        parts.append(text[start : int(found["start"])])
        start = int(found["end"])
        run.hold(len(parts))
    if limit is UNDEFINED or len(parts) < limit:
        parts.append(text[start:])
    return parts


def replace(run: Run, text: Value, pattern: Value, replacement: Value, limit: Value) -> Value:
    """``$replace``: a text with what a string or a pattern finds replaced.

    Raises:
        QueryError: D3010, if the string is empty; D3011, if the limit is negative; D3012, if a function gives
            anything but a string.
    """
    if text is UNDEFINED:
        return UNDEFINED
    if pattern == "":
        raise QueryError("D3010", value=pattern)
    if limit is not UNDEFINED and limit < 0:
        raise QueryError("D3011", value=limit)
    if isinstance(pattern, str):
        return _replaced_string(run, text, pattern, replacement, limit)
    parts: list[str] = []
    size = position = 0
    for found in _limited(_matches(run, pattern, text), limit):
        start = int(found["start"])
        put = (
            _substitute(replacement, found)
            if isinstance(replacement, str)
            else _called(run, replacement, found)
        )
        parts += [text[position:start], put]
        position = start + len(found["match"])
        size += start - position + len(put) + len(found["match"])
        run.hold_text(size)
    return "".join(parts) + text[position:]


def _replaced_string(run: Run, text: str, wanted: str, replacement: Value, limit: Value) -> str:
    times = text.count(wanted)
    if limit is not UNDEFINED:
        times = min(times, _at_most(limit))
    # A function is not called for a string: JSONata's implementation writes it out as a text.
    put = replacement if isinstance(replacement, str) else ""
    run.hold_text(len(text) + times * (len(put) - len(wanted)))
    return text.replace(wanted, put, times)


def _called(run: Run, replacement: Value, found: dict[str, Value]) -> str:
    put = call(replacement, [found], UNDEFINED, run)
    if not isinstance(put, str):
        raise QueryError("D3012", value=put)
    return put


def _substitute(replacement: str, found: dict[str, Value]) -> str:
    """Return a replacement with ``$0``, ``$1`` ... put in: the match, and what its groups took."""
    groups = found.get("groups")
    taken: list[Value] = groups if isinstance(groups, list) else []
    digits = len(str(len(taken))) if taken else 1
    parts: list[str] = []
    position = 0
    while (at := replacement.find("$", position)) >= 0 and position < len(replacement):
        parts.append(replacement[position:at])
        position = at + 1
        following = replacement[position : position + 1]
        if following == "$":
            parts.append("$")
            position += 1
        elif following == "0":
            parts.append(found["match"])
            position += 1
        else:
            index = _leading_number(replacement[position : position + digits])
            if index is not None and digits > 1 and index > len(taken):
                index = _leading_number(replacement[position : position + digits - 1])
            if index is None:
                parts.append("$")
                continue
            if 0 < index <= len(taken) and taken[index - 1] is not UNDEFINED:
                parts.append(taken[index - 1])
            position += len(str(index))
    parts.append(replacement[position:])
    return "".join(parts)


def _leading_number(text: str) -> int | None:
    digits = ""
    for char in text:
        if char not in "0123456789":
            break
        digits += char
    return int(digits) if digits else None
