"""What keeps a text from being JSON, in the words of the parser that the service uses.

Source: Jackson, ``ParserBase``, ``ReaderBasedJsonParser``: texts of their errors.
"""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(r"[^\W\d]\w*")
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
# Texts are repeated up to here.
_MOST_SHOWN = 500


def json_fault(text: str) -> str:
    """Return what is wrong with a text that is no JSON.

    Example:
        >>> json_fault("not json").partition(":")[0]
        "Unrecognized token 'not'"
    """
    if not text.strip():
        return f"No content to map due to end-of-input{_place(text, 0)}"
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _fault(text, error)
    except (ValueError, RecursionError):
        pass
    return f"The text is no JSON that can be taken{_place(text, 0)}"


def _fault(text: str, error: json.JSONDecodeError) -> str:
    position = error.pos
    if position >= len(text.rstrip()):
        return f"Unexpected end-of-input{_place(text, len(text))}"
    token = _TOKEN.match(text, position)
    if token is not None and error.msg == "Expecting value":
        shown = token[0][:_MOST_SHOWN]
        return f"Unrecognized token '{shown}': was expecting {_VALUES}{_place(text, token.end())}"
    character = text[position]
    wanted = {
        "Expecting property name enclosed in double quotes": "was expecting double-quote to start field name",
        "Expecting ':' delimiter": "was expecting a colon to separate field name and value",
        "Expecting ',' delimiter": "was expecting comma to separate Object entries",
    }.get(error.msg, f"expected a valid value {_VALUES}")
    return (
        f"Unexpected character ('{character}' (code {ord(character)})): {wanted}{_place(text, position + 1)}"
    )


def _place(text: str, position: int) -> str:
    before = text[:position]
    line = before.count("\n") + 1
    column = position - (before.rfind("\n") + 1) + 1
    return f'\n at [Source: (String)"{text[:_MOST_SHOWN]}"; line: {line}, column: {column}]'
