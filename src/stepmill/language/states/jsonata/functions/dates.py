"""``$now``, ``$millis``, ``$fromMillis`` and ``$toMillis``.

Source: the JSONata documentation, "Date/Time functions"; its reference implementation 2.0.6.
"""

from __future__ import annotations

import math
import re

from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.functions.calendars import (
    FURTHEST_MILLIS,
    MILLIS_A_DAY,
    Moment,
    date_of,
    days_before,
)
from stepmill.language.states.jsonata.functions.date_pictures import (
    DAYS,
    MONTHS,
    Marker,
    date_picture,
    date_text,
)
from stepmill.language.states.jsonata.functions.integers import IntegerPicture, integer_value
from stepmill.language.states.jsonata.functions.words import WORD_VALUES
from stepmill.language.states.jsonata.regexes import linear_match
from stepmill.language.states.jsonata.running import Run
from stepmill.language.states.jsonata.values import UNDEFINED, Value

ISO_PICTURE = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"
_ISO = re.compile(
    r"(?P<Y>\d{4})(-(?P<M>[01]\d))?(-(?P<D>[0-3]\d))?(T(?P<H>[0-2]\d):(?P<m>[0-5]\d):(?P<s>[0-5]\d))?"
    r"(\.(?P<f>\d+))?(?P<zone>[+-][0-2]\d:?[0-5]\d|Z)?",
    re.ASCII,
)
_WHOLE = re.compile(r"\s*([-+]?\d{1,6})")
_LONGEST_TIMESTAMP = 512


def millis(run: Run) -> Value:
    """``$millis``: the moment of the evaluation, in milliseconds from 1970-01-01T00:00Z."""
    return run.surroundings.now_millis


def now(run: Run, picture: Value, timezone: Value) -> Value:
    """``$now``: the moment of the evaluation, as a text."""
    return from_millis(run, run.surroundings.now_millis, picture, timezone)


def from_millis(run: Run, value: Value, picture: Value, timezone: Value) -> Value:
    """``$fromMillis``: a moment as a picture asks for; as ISO 8601, without one.

    Raises:
        QueryError: D3131 to D3135, if the picture cannot be followed; D3110, if no calendar has the moment.
    """
    if value is UNDEFINED:
        return UNDEFINED
    offset = 0
    if timezone is not UNDEFINED and (whole := _WHOLE.match(timezone)):
        offset = int(whole[1])
    if not math.isfinite(value) or abs(value) > FURTHEST_MILLIS:
        raise QueryError("D3110", value=value)
    chosen = ISO_PICTURE if picture is UNDEFINED else picture
    run.spend(len(chosen) * 4)
    return date_text(math.floor(value), chosen, offset)


def to_millis(run: Run, timestamp: Value, picture: Value) -> Value:
    """``$toMillis``: the moment that a text stands for: ISO 8601, or as a picture says.

    Raises:
        QueryError: D3110, if it is not ISO 8601; D3136, if the picture leaves a gap.
    """
    if timestamp is UNDEFINED:
        return UNDEFINED
    if picture is not UNDEFINED:
        return _parsed(run, timestamp, picture)
    found = _ISO.fullmatch(timestamp)
    moment = _iso_millis(found) if found else None
    if moment is None:
        raise QueryError("D3110", value=timestamp)
    return moment


def _iso_millis(found: re.Match[str]) -> int | None:
    year, month, day = int(found["Y"]), int(found["M"] or 1), int(found["D"] or 1)
    hour, minute, second = int(found["H"] or 0), int(found["m"] or 0), int(found["s"] or 0)
    days = days_before(year, month, day)
    if not 1 <= month <= 12 or not 1 <= day <= 31 or hour > 24 or (hour == 24 and (minute or second)):
        return None
    fraction = int(((found["f"] or "") + "000")[:3])
    result = days * MILLIS_A_DAY + ((hour * 60 + minute) * 60 + second) * 1000 + fraction
    zone = found["zone"]
    if zone and zone != "Z":
        digits = zone.replace(":", "")
        minutes = int(digits[1:3]) * 60 + int(digits[3:5])
        result -= (minutes if digits[0] == "+" else -minutes) * 60_000
    return result


def _parsed(run: Run, timestamp: str, picture: str) -> Value:
    run.spend((len(picture) + len(timestamp)) * 4)
    parts = date_picture(picture)
    if len(timestamp) > _LONGEST_TIMESTAMP:
        return UNDEFINED
    found = linear_match("".join(f"({_pattern(part)})" for part in parts), timestamp)
    if found is None:
        return UNDEFINED
    components: dict[str, Value] = {}
    for part, text in zip(parts, found.groups(), strict=True):
        if isinstance(part, Marker):
            components[part.component] = _component_value(part, text)
    return _moment(run, components) if components else UNDEFINED


def _pattern(part: str | Marker) -> str:
    if isinstance(part, str):
        return re.escape(part)
    if part.component in ("Z", "z"):
        separator = part.integer.separators[0][1] if part.integer and part.integer.every else ""
        minutes = f"{re.escape(separator)}[0-9]+" if separator else ""
        return ("GMT" if part.component == "z" else "") + "[-+][0-9]+" + minutes
    if part.component == "f":
        return "[0-9]+"
    if part.integer is None:
        if part.component not in ("M", "x", "F", "P"):
            raise QueryError("D3133", value=part.component)
        return "[a-zA-Z]+"
    return _integer_pattern(part.integer)


def _integer_pattern(picture: IntegerPicture) -> str:
    is_upper = picture.case == "upper"
    match picture.kind:
        case "letters":
            return "[A-Z]+" if is_upper else "[a-z]+"
        case "roman":
            return "[MDCLXVI]+" if is_upper else "[mdclxvi]+"
        case "words":
            # Each word is taken whole: there is one way only to read a text.
            words = "|".join(sorted(WORD_VALUES, key=len, reverse=True))
            return f"(?:{words})(?:(?:, | and |[- ])(?:{words}))*"
        case "decimal":
            width = f"{{{picture.read_width}}}" if picture.read_width else "+"
            return f"[0-9]{width}" + ("(?:th|st|nd|rd)" if picture.is_ordinal else "")
    raise QueryError("D3130", value=picture.token)


def _component_value(part: Marker, text: str) -> Value:
    if part.component in ("Z", "z"):
        return _zone_minutes(part, text)
    if part.component == "f":
        return int((text + "00")[:3])
    if part.integer is not None:
        return integer_value(text, part.integer)
    if part.component == "P":
        return {"am": 0, "AM": 0, "pm": 1, "PM": 1}.get(text, UNDEFINED)
    names = DAYS if part.component == "F" else ("", *MONTHS)
    cut = [name[: part.widest] if part.widest else name for name in names]
    return cut.index(text) if text in cut and text else UNDEFINED


def _zone_minutes(part: Marker, text: str) -> int:
    text = text[3:] if part.component == "z" else text
    separator = part.integer.separators[0][1] if part.integer and part.integer.every else ""
    if separator:
        hours, _, minutes = text.partition(separator)
        return int(hours) * 60 + int(minutes)
    return int(text[:3]) * 60 + int(text[3:] or 0)


def _moment(run: Run, components: dict[str, Value]) -> Value:
    """Return the moment that the parts make; those left out at the front are today's, those behind the least.

    Raises:
        QueryError: D3136, if one in the middle is left out, or the parts count in weeks.
    """
    given = "".join(
        each for each in components if components[each] is not UNDEFINED and components[each] != 0
    )
    has_day_of_year = _is_type(given, "YXMxWwdD", "Yd")
    has_weeks = _is_type(given, "YXMxWwdD", "Xxw") or _is_type(given, "YXMxWwdD", "XW")
    is_date = _is_type(given, "YXMxWwdD", "YMD")
    is_half_day = not _is_type(given, "PHhmsf", "Hmsf") and _is_type(given, "PHhmsf", "Phmsf")
    order = ("YD" if has_day_of_year and not is_date else "XxwF" if has_weeks else "YMD") + (
        "Phmsf" if is_half_day else "Hmsf"
    )
    _fill_in(run, components, order)
    if has_weeks and not is_date:
        raise QueryError("D3136")
    month, day = components.get("M") or 1, components.get("D", 1)
    if has_day_of_year and not is_date:
        _, month, day = date_of(days_before(components["Y"], 1, 1) + components["d"] - 1)
    hour = components.get("H", 0)
    if is_half_day:
        hour = (0 if components["h"] == 12 else components["h"]) + (12 if components.get("P") == 1 else 0)
    numbers = [components["Y"], month, day, hour, components["m"], components["s"], components["f"]]
    if not all(isinstance(each, int) and abs(each) < 10**9 for each in numbers):
        return UNDEFINED
    year, month, day, hour, minute, second, fraction = numbers
    moment = (
        days_before(year, month, day) * MILLIS_A_DAY + ((hour * 60 + minute) * 60 + second) * 1000 + fraction
    )
    zone = components.get("Z") or components.get("z") or 0
    return moment - zone * 60_000


def _is_type(given: str, letters: str, wanted: str) -> bool:
    """Return whether parts are given, and all of them are among the wanted ones."""
    present = {letter for letter in letters if letter in given}
    return bool(present) and present <= set(wanted)


def _fill_in(run: Run, components: dict[str, Value], order: str) -> None:
    today = Moment(run.surroundings.now_millis)
    has_begun = has_ended = False
    for letter in order:
        if components.get(letter, UNDEFINED) is UNDEFINED:
            if has_begun:
                components[letter] = 1 if letter in "MDd" else 0
                has_ended = True
            else:
                components[letter] = int(today.part("H") >= 12) if letter == "P" else today.part(letter)
        else:
            has_begun = True
            if has_ended:
                raise QueryError("D3136")
