"""Values that are one text on the wire: in forms, XML elements, headers, paths and queries."""

from __future__ import annotations

import binascii
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.timestamps import from_text, moment_writer

TextReader: TypeAlias = Callable[[str], Any]
TextWriter: TypeAlias = Callable[[Any], str]

_WHOLE = re.compile(r"[+-]?\d{1,20}\Z", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:[eE][+-]?\d{1,4})?\Z", re.ASCII)
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
# Kind -> bits of its whole numbers, as Smithy defines them.
_BITS = {"integer": 32, "long": 64}


def in_range(kind: str, value: int) -> int:
    """Return a whole number that its kind can hold.

    Raises:
        Unreadable: If it cannot.
    """
    most = 1 << (_BITS[kind] - 1)
    if not -most <= value < most:
        raise Unreadable(f"{value} is out of the range of {'an Integer' if kind == 'integer' else 'a Long'}")
    return value


def read_blob(text: str) -> bytes:
    """Return the bytes of a base64 text.

    Raises:
        Unreadable: If it is none.
    """
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("The value is not valid base64") from error


def write_blob(value: object) -> str:
    """Return the base64 text of bytes; a text stands for its UTF-8."""
    raw = value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]
    return b64encode(raw).decode()


def special_float(text: object) -> float:
    """Return the number that is no number or has no end: ``NaN``, ``Infinity``, ``-Infinity``.

    Raises:
        Unreadable: If the text is none of them.
    """
    if isinstance(text, str) and text in _SPECIAL:
        return _SPECIAL[text]
    raise Unreadable(f"{str(text)[:60]!r} can not be converted to a Double")


def write_float(value: float) -> str | float:
    """Return a number as it is, and those without digits by their name."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _read_whole(kind: str, text: str) -> int:
    if not _WHOLE.match(text):
        raise Unreadable(
            f"{text[:60]!r} can not be converted to {'an Integer' if kind == 'integer' else 'a Long'}"
        )
    return in_range(kind, int(text))


def _read_float(text: str) -> float:
    return float(text) if _NUMBER.match(text) else special_float(text)


def _read_boolean(text: str) -> bool:
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    raise Unreadable(f"{text[:60]!r} can not be converted to a Boolean")


def _write_text(value: object) -> str:
    return value if type(value) is str else str(value)


def _write_boolean(value: object) -> str:
    return "true" if value else "false"


def _write_float(value: float) -> str:
    return str(write_float(value))


_READERS: dict[str, TextReader] = {
    "string": str,
    "character": str,
    "integer": partial(_read_whole, "integer"),
    "long": partial(_read_whole, "long"),
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    # Services take any of the formats, whichever their model prefers.
    "timestamp": from_text,
    "blob": read_blob,
}
_WRITERS: dict[str, TextWriter] = {
    "boolean": _write_boolean,
    "float": _write_float,
    "double": _write_float,
    "blob": write_blob,
}


def text_reader(kind: str) -> TextReader:
    """Return what reads values of a kind from their text.

    Raises:
        KeyError: If values of the kind are no single text.
    """
    return _READERS[kind]


def text_writer(kind: str, timestamp_format: str) -> TextWriter:
    """Return what writes values of a kind as text.

    Args:
        kind: The shape's type.
        timestamp_format: What a ``timestamp`` is written in.
    """
    if kind == "timestamp":
        write = moment_writer(timestamp_format)
        return lambda value: str(write(value))
    return _WRITERS.get(kind, _write_text)
