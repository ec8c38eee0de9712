"""Functions on strings. A character is a code point.

Source: the JSONata documentation, "String functions"; its reference implementation 2.0.6.
"""

from __future__ import annotations

import base64
import binascii
import math
import re

from stepmill.language.states.jsonata.errors import QueryError, internal_error
from stepmill.language.states.jsonata.running import Run
from stepmill.language.states.jsonata.texts import text_of
from stepmill.language.states.jsonata.values import UNDEFINED, Value

_BLANKS = re.compile(r"[ \t\n\r]+")
_ESCAPES = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPED_RUN = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
# What stays as it is, beside letters and digits.
_COMPONENT = "-_.!~*'()"
_WHOLE = _COMPONENT + ";/?:@&=+$,#"
_UNSAFE = {safe: re.compile(f"[^A-Za-z0-9{re.escape(safe)}]+") for safe in (_COMPONENT, _WHOLE)}


def string(run: Run, value: Value, is_pretty: Value) -> Value:
    """``$string``: the text of a value."""
    if value is UNDEFINED:
        return UNDEFINED
    text = text_of(value, is_pretty=is_pretty is True)
    run.hold_text(len(text))
    return text


def substring(_: Run, text: Value, start: Value, length: Value) -> Value:
    """``$substring``: the characters from an index on; a negative index counts from the end."""
    if text is UNDEFINED:
        return UNDEFINED
    first = 0 if start is UNDEFINED or math.isnan(start) else math.trunc(max(-(2**53), min(2**53, start)))
    if len(text) + first < 0:
        first = 0
    if length is UNDEFINED:
        return text[first:]
    if not length > 0:
        return ""
    taken = start + length if start >= 0 else len(text) + start + length
    if len(text) + start < 0:
        taken = length
    end = math.trunc(min(taken, len(text)))
    begin = first if first >= 0 else len(text) + first
    return text[begin : max(begin, end)]


def before(_: Run, text: Value, chars: Value) -> Value:
    """``$substringBefore``: what stands before the first occurrence; the whole text, if there is none."""
    return UNDEFINED if text is UNDEFINED else text.partition(_chars(chars))[0] if _chars(chars) else ""


def after(_: Run, text: Value, chars: Value) -> Value:
    """``$substringAfter``: what stands behind the first occurrence; the whole text, if there is none."""
    if text is UNDEFINED:
        return UNDEFINED
    wanted = _chars(chars)
    if not wanted:
        return text
    _, found, rest = text.partition(wanted)
    return rest if found else text


def _chars(chars: Value) -> str:
    return "undefined" if chars is UNDEFINED else str(chars)


def lowercase(_: Run, text: Value) -> Value:
    """``$lowercase``: the text in small letters."""
    return UNDEFINED if text is UNDEFINED else text.lower()


def uppercase(_: Run, text: Value) -> Value:
    """``$uppercase``: the text in capital letters."""
    return UNDEFINED if text is UNDEFINED else text.upper()


def length(_: Run, text: Value) -> Value:
    """``$length``: how many characters a text has."""
    return UNDEFINED if text is UNDEFINED else len(text)


def trim(_: Run, text: Value) -> Value:
    """``$trim``: the text without blanks around it, and with single ones within."""
    return UNDEFINED if text is UNDEFINED else _BLANKS.sub(" ", text).strip(" ")


def pad(run: Run, text: Value, width: Value, char: Value) -> Value:
    """``$pad``: the text made as long as the width, on the right; on the left, if the width is negative."""
    if text is UNDEFINED:
        return UNDEFINED
    if width is UNDEFINED:
        return text
    missing = math.trunc(abs(width)) - len(text) if math.isfinite(width) else 0
    if missing <= 0:
        return text
    filler = " " if char is UNDEFINED or char == "" else char
    run.hold_text(missing + len(text))
    padding = (filler * (missing // len(filler) + 1))[:missing]
    return text + padding if width > 0 else padding + text


def join(run: Run, parts: Value, separator: Value) -> Value:
    """``$join``: the texts in one, with a separator between them."""
    if parts is UNDEFINED:
        return UNDEFINED
    between = "" if separator is UNDEFINED else separator
    run.hold_text(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


def base64_encode(run: Run, text: Value) -> Value:
    """``$base64encode``: the text's UTF-8 bytes in Base64."""
    if text is UNDEFINED:
        return UNDEFINED
    run.hold_text(len(text) * 4 // 3)
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def base64_decode(_: Run, text: Value) -> Value:
    """``$base64decode``: the text whose UTF-8 bytes the Base64 holds.

    Raises:
        QueryError: If it is not Base64. AWS calls that an internal error.
    """
    if text is UNDEFINED:
        return UNDEFINED
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise internal_error() from error


def encode_component(_: Run, text: Value) -> Value:
    """``$encodeUrlComponent``: the text as a part of a URL."""
    return _encoded(text, _COMPONENT, "encodeUrlComponent")


def encode_url(_: Run, text: Value) -> Value:
    """``$encodeUrl``: the text as a URL."""
    return _encoded(text, _WHOLE, "encodeUrl")


def _encoded(text: Value, safe: str, name: str) -> Value:
    if text is UNDEFINED:
        return UNDEFINED
    try:
        return _UNSAFE[safe].sub(_escaped, text)
    except UnicodeEncodeError as error:
        raise QueryError("D3140", value=text, functionName=name) from error


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _unescaped(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("%", "")).decode()


def decode_component(_: Run, text: Value) -> Value:
    """``$decodeUrlComponent``: the text that a part of a URL stands for."""
    return _decoded(text, "", "decodeUrlComponent")


def decode_url(_: Run, text: Value) -> Value:
    """``$decodeUrl``: the text that a URL stands for. Escaped delimiters stay escaped."""
    return _decoded(text, ";/?:@&=+$,#", "decodeUrl")


def _decoded(text: Value, kept: str, name: str) -> Value:
    """Return a text with its escapes undone.

    Raises:
        QueryError: D3140, if an escape is not two digits, or the bytes are not UTF-8.
    """
    if text is UNDEFINED:
        return UNDEFINED
    if text.count("%") != len(_ESCAPES.findall(text)):
        raise QueryError("D3140", value=text, functionName=name)
    held = _ESCAPES.sub(
        lambda escape: "%25" + escape[0][1:] if chr(int(escape[0][1:], 16)) in kept else escape[0], text
    )
    try:
        return _ESCAPED_RUN.sub(_unescaped, held)
    except UnicodeDecodeError as error:
        raise QueryError("D3140", value=text, functionName=name) from error


def format_error(_: Run, message: Value) -> Value:
    """``$error``: fails with a message.

    Raises:
        QueryError: D3137, always.
    """
    raise QueryError(
        "D3137", message=message if isinstance(message, str) and message else "$error() function evaluated"
    )


def assertion(_: Run, condition: Value, message: Value) -> Value:
    """``$assert``: fails with a message, if a condition is false.

    Raises:
        QueryError: D3141, if it is.
    """
    if condition is True:
        return UNDEFINED
    raise QueryError(
        "D3141", message=message if isinstance(message, str) and message else "$assert() statement failed"
    )
