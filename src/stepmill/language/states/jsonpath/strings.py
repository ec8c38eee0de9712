"""Backslashes in the strings of paths."""

from __future__ import annotations

import re

from stepmill.language.states.jsonpath.errors import PathSyntaxError

_ESCAPE = re.compile(r"\\(u.{0,4}|.)?", re.DOTALL)
_MEANINGS = {"r": "\r", "f": "\f", "t": "\t", "n": "\n", "b": "\b"}


def unescape(text: str) -> str:
    r"""Return what a quoted string means.

    Raises:
        PathSyntaxError: If ``\u`` is not followed by four hexadecimal digits.

    Example:
        >>> unescape(r"it\'s \u0041")
        "it's A"
    """
    if "\\" not in text:
        return text
    # Two escapes may make one character beyond U+FFFF; half of one is no character.
    return _ESCAPE.sub(_meaning, text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _meaning(escape: re.Match[str]) -> str:
    body = escape[1]
    if not body:
        return ""
    if body[0] != "u":
        return _MEANINGS.get(body, body)
    digits = body[1:]
    if len(digits) < 4:
        return ""
    try:
        return chr(int(digits, 16))
    except ValueError:
        raise PathSyntaxError(f"Unable to parse unicode value: {digits}") from None
