"""The text of a value, as ``$string`` and ``&`` write it.

Source: the JSONata documentation, ``$string``: numbers have at most fifteen significant digits, functions are
empty texts, everything else is JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.values import Function, Value, fifteen_digits, is_number, number_text


def text_of(value: Value, *, is_pretty: bool = False) -> str:
    """Return the text of a value that is not undefined.

    Raises:
        QueryError: D3001, D1001, if it is, or holds, a number that is not finite.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Function):
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        raise QueryError("D3001", value=value)
    return "".join(_written(value, "\n" if is_pretty else ""))


def quoted(text: str) -> str:
    """Return a text as a JSON string, as ECMAScript writes it."""
    written = json.dumps(text, ensure_ascii=False)
    return written.replace("\x7f", "\x7f")


def _written(value: Value, line: str) -> Iterator[str]:
    """Yield the parts of a value's JSON. ``line`` ends a line and indents the next; if empty, none does."""
    if value is None:
        yield "null"
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield quoted(value)
    elif isinstance(value, int | float):
        yield number_text(fifteen_digits(value)) if is_number(value) else "null"
    elif isinstance(value, list):
        yield from _container(value, "[]", line)
    elif isinstance(value, dict):
        yield from _container(value, "{}", line)
    else:
        yield '""' if isinstance(value, Function) else "null"


def _container(value: Value, brackets: str, line: str) -> Iterator[str]:
    if not value:
        yield brackets
        return
    inner = line + "  " if line else ""
    yield brackets[0]
    separator = inner
    for item in value:
        yield separator
        separator = "," + inner
        if isinstance(value, dict):
            yield quoted(item) + (": " if line else ":")
            yield from _written(value[item], inner)
        else:
            yield from _written(item, inner)
    yield line + brackets[1]
