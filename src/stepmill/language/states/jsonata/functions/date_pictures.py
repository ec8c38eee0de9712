"""The pictures of moments, ``[D01]/[M01]/[Y0001]``: read, written out, and turned around.

Source: XPath and XQuery Functions and Operators 3.1, ``fn:format-dateTime``, as JSONata's reference
implementation 2.0.6 follows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.functions.calendars import Moment
from stepmill.language.states.jsonata.functions.integers import IntegerPicture, integer_picture, integer_text

DAYS = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_DEFAULTS = {
    "Y": "1", "M": "1", "D": "1", "d": "1", "F": "n", "W": "1", "w": "1", "X": "1", "x": "1", "H": "1", "h":
    "1", "P": "n", "m": "01", "s": "01", "f": "1", "Z": "01:01", "z": "01:01", "C": "n", "E": "n",
}  # fmt: skip
_NUMBERED = "YMDdFWwXxHhmsf"


@dataclass(frozen=True, slots=True)
class Marker:
    """A part of a picture that stands for a part of a moment.

    ``names``: how a name is written, empty for a number. ``year_digits``: how many digits of the year are
    kept. ``widest``: how many letters of a name.
    """

    component: str
    names: str = ""
    modifier: str = ""
    integer: IntegerPicture | None = None
    year_digits: int | None = None
    widest: int | None = None


@lru_cache(maxsize=512)
def date_picture(picture: str) -> tuple[str | Marker, ...]:
    """Return the parts of a picture: literal texts, and markers.

    Raises:
        QueryError: D3131 to D3135, if it cannot be followed.
    """
    parts: list[str | Marker] = []

    def add_literal(text: str) -> None:
        if text:
            parts.append(text.replace("]]", "]"))

    start = at = 0
    while at < len(picture):
        if picture[at] != "[":
            at += 1
            continue
        add_literal(picture[start:at])
        if picture[at + 1 : at + 2] == "[":
            parts.append("[")
            at = start = at + 2
            continue
        end = picture.find("]", at)
        if end < 0:
            raise QueryError("D3135")
        parts.append(_marker("".join(picture[at + 1 : end].split())))
        at = start = end + 1
    add_literal(picture[start:])
    return tuple(_with_read_widths(parts))


def _marker(text: str) -> Marker:
    component, comma = text[:1], text.rfind(",")
    least = most = None
    presentation = text[1:]
    if comma >= 0:
        presentation = text[1:comma]
        low, dash, high = text[comma + 1 :].partition("-")
        least, most = _width(low), _width(high) if dash else None
    modifier = ""
    if len(presentation) > 1 and presentation[-1] in "atco":
        presentation, modifier = presentation[:-1], presentation[-1]
    if not presentation:
        if component not in _DEFAULTS:
            raise QueryError("D3132", value=component)
        presentation = _DEFAULTS[component]
    if presentation[0] in "nN":
        names = "lower" if presentation[0] == "n" else "title" if presentation[1:2] == "n" else "upper"
        return Marker(component, names, modifier, widest=most)
    if component in "Zz" and component:
        return Marker(component, "", modifier, integer_picture(presentation))
    if component not in _NUMBERED or not component:
        return Marker(component, "", modifier, widest=most)
    integer = integer_picture(f"{presentation};{modifier}" if modifier else presentation)
    if least is not None and integer.mandatory < least:
        integer = integer.with_mandatory(least)
    digits = None
    if component == "Y":
        if most is not None:
            digits, integer = most, integer.with_mandatory(most)
        elif integer.mandatory + integer.optional >= 2:
            digits = integer.mandatory + integer.optional
    return Marker(component, "", modifier, integer, digits, most)


def _width(text: str) -> int | None:
    digits = re.match(r"\d{1,4}", text)
    return int(digits[0]) if digits else None


def _with_read_widths(parts: list[str | Marker]) -> list[str | Marker]:
    """Return the parts; a number that another one follows at once is read with a fixed width."""
    done: list[str | Marker] = []
    for part, following in zip(parts, [*parts[1:], ""], strict=False):
        if not isinstance(part, Marker) or part.integer is None or not _is_numbered(following):
            done.append(part)
            continue
        integer = replace(part.integer, read_width=part.integer.mandatory)
        done.append(replace(part, integer=integer))
    return done


def _is_numbered(part: str | Marker) -> bool:
    return isinstance(part, Marker) and part.integer is not None and part.component in _NUMBERED


def date_text(millis: int, picture: str, offset: int) -> str:
    """Return a moment as a picture asks for.

    Args:
        millis: From 1970-01-01T00:00Z, in milliseconds.
        picture: With its markers in brackets.
        offset: Of the time zone, as ``hours * 100 + minutes``.
    """
    hours, minutes = _offset_parts(offset)
    moment = Moment(millis + (hours * 60 + minutes) * 60_000)
    return "".join(
        part if isinstance(part, str) else _part_text(moment, part, hours, minutes)
        for part in date_picture(picture)
    )


def _offset_parts(offset: int) -> tuple[int, int]:
    # As the reference does: hours are rounded down, and the minutes keep the sign.
    hours = offset // 100
    minutes = abs(offset) % 100
    return hours, -minutes if offset < 0 else minutes


def _part_text(moment: Moment, marker: Marker, hours: int, minutes: int) -> str:
    component = marker.component
    if component in ("Z", "z"):
        return _zone_text(marker, hours, minutes)
    if component == "P":
        text = "pm" if moment.part("H") >= 12 else "am"
        return text.upper() if marker.names == "upper" else text
    if component in ("C", "E"):
        return "ISO"
    value = moment.part(component)
    if component == "Y" and marker.year_digits is not None:
        value %= 10**marker.year_digits
    if not marker.names or component == "f":
        return integer_text(value, marker.integer or integer_picture("1"))
    if component in ("M", "x"):
        name = MONTHS[value - 1]
    elif component == "F":
        name = DAYS[value]
    else:
        raise QueryError("D3133", value=component)
    name = {"upper": name.upper, "lower": name.lower}.get(marker.names, lambda: name)()
    return name[: marker.widest] if marker.widest is not None else name


def _zone_text(marker: Marker, hours: int, minutes: int) -> str:
    integer = marker.integer or integer_picture("01:01")
    offset = hours * 100 + minutes
    if integer.every:
        text = integer_text(offset, integer)
    elif integer.mandatory in (1, 2):
        text = integer_text(hours, integer)
        if minutes:
            text += ":" + integer_text(minutes, integer_picture("00"))
    elif integer.mandatory in (3, 4):
        text = integer_text(offset, integer)
    else:
        raise QueryError("D3134", value=integer.mandatory)
    if offset == 0 and marker.modifier == "t":
        return "Z"
    return ("GMT" if marker.component == "z" else "") + ("+" if offset >= 0 else "") + text
