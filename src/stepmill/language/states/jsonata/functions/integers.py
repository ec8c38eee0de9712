"""``$formatInteger`` and ``$parseInteger``: whole numbers as digits, words, Roman numerals or letters.

Source: XPath and XQuery Functions and Operators 3.1, ``fn:format-integer``, as JSONata's reference
implementation 2.0.6 follows it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import reduce

from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.functions.words import (
    from_letters,
    from_roman,
    from_words,
    to_letters,
    to_roman,
    to_words,
)
from stepmill.language.states.jsonata.running import Run
from stepmill.language.states.jsonata.values import UNDEFINED, Value, number_text, tidy

# The zeros of the scripts that have digits of their own.
_ZEROS = (
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50,
    0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
    0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
)  # fmt: skip
_KINDS = {
    "A": ("letters", "upper"),
    "a": ("letters", "lower"),
    "I": ("roman", "upper"),
    "i": ("roman", "lower"),
    "W": ("words", "upper"),
    "Ww": ("words", "title"),
    "w": ("words", "lower"),
}
_SUFFIXES = {"1": "st", "2": "nd", "3": "rd"}


@dataclass(frozen=True, slots=True)
class IntegerPicture:
    """How whole numbers are to look. ``separators``: at how many digits from the right which one stands."""

    kind: str
    case: str = "lower"
    is_ordinal: bool = False
    zero: int = 0x30
    mandatory: int = 0
    optional: int = 0
    separators: tuple[tuple[int, str], ...] = ()
    # Separators repeat at this distance; 0, if they stand where the picture says.
    every: int = 0
    token: str = ""
    # So many digits are read, where another number follows at once.
    read_width: int | None = None

    def with_mandatory(self, digits: int) -> IntegerPicture:
        """Return the picture with at least so many digits."""
        return replace(self, mandatory=digits)


def integer_picture(picture: str) -> IntegerPicture:
    """Return what a picture asks for.

    Raises:
        QueryError: D3131, if it mixes the digits of scripts.
    """
    primary, semicolon, modifier = picture.rpartition(";")
    if not semicolon:
        primary, modifier = picture, ""
    is_ordinal = modifier.startswith("o")
    if primary in _KINDS:
        kind, case = _KINDS[primary]
        return IntegerPicture(kind, case, is_ordinal)
    return _digits_picture(primary, is_ordinal)


def _digits_picture(primary: str, is_ordinal: bool) -> IntegerPicture:
    zero: int | None = None
    mandatory = optional = place = 0
    separators: list[tuple[int, str]] = []
    for char in reversed(primary):
        code = ord(char)
        group = next((each for each in _ZEROS if each <= code <= each + 9), None)
        if group is not None:
            mandatory += 1
            place += 1
            if zero not in (None, group):
                raise QueryError("D3131")
            zero = group
        elif char == "#":
            place += 1
            optional += 1
        else:
            separators.append((place, char))
    if mandatory == 0 or zero is None:
        return IntegerPicture("sequence", is_ordinal=is_ordinal, token=primary)
    return IntegerPicture(
        "decimal", "lower", is_ordinal, zero, mandatory, optional, tuple(separators), repeated(separators)
    )


def repeated(separators: list[tuple[int, str]]) -> int:
    """Return at which distance separators repeat; 0, if they do not."""
    if not separators or any(char != separators[0][1] for _, char in separators):
        return 0
    return regular_distance([place for place, _ in separators])


def regular_distance(places: list[int]) -> int:
    """Return the distance of which all places are the multiples; 0, if there is none."""
    distance = reduce(math.gcd, places, 0)
    if all(distance * each in places for each in range(1, len(places) + 1)):
        return distance
    return 0


def format_integer(run: Run, value: Value, picture: Value) -> Value:
    """``$formatInteger``: a whole number as a picture asks for."""
    if value is UNDEFINED:
        return UNDEFINED
    run.spend(len(picture) * 4)
    return integer_text(math.floor(value), integer_picture(picture))


def integer_text(value: int, picture: IntegerPicture) -> str:
    """Return a whole number as a picture asks for.

    Raises:
        QueryError: D3130, if the picture asks for a sequence that is not known.
    """
    size = abs(value)
    if picture.kind == "letters":
        text = to_letters(size, "A" if picture.case == "upper" else "a")
    elif picture.kind == "roman":
        text = to_roman(size)
        text = text.upper() if picture.case == "upper" else text
    elif picture.kind == "words":
        text = to_words(size, is_ordinal=picture.is_ordinal)
        text = {"upper": text.upper, "lower": text.lower}.get(picture.case, lambda: text)()
    elif picture.kind == "decimal":
        text = _decimal_text(size, picture)
    else:
        raise QueryError("D3130", value=picture.token)
    return f"-{text}" if value < 0 else text


def _decimal_text(size: int, picture: IntegerPicture) -> str:
    text = number_text(size).rjust(min(picture.mandatory, 10_000), "0")
    if picture.zero != 0x30:
        text = "".join(chr(ord(digit) + picture.zero - 0x30) for digit in text)
    if picture.every:
        text = grouped(text, picture.separators[0][1], picture.every)
    else:
        for place, char in reversed(picture.separators):
            at = max(0, len(text) - place)
            text = text[:at] + char + text[at:]
    if picture.is_ordinal:
        suffix = _SUFFIXES.get(text[-1], "th")
        text += "th" if text[-2:-1] == "1" else suffix
    return text


def grouped(digits: str, char: str, every: int) -> str:
    """Return digits with a character between groups of so many, from the right."""
    first = len(digits) % every or every
    return char.join([digits[:first], *(digits[at : at + every] for at in range(first, len(digits), every))])


def parse_integer(run: Run, value: Value, picture: Value) -> Value:
    """``$parseInteger``: the whole number that a text stands for, read as a picture says."""
    if value is UNDEFINED:
        return UNDEFINED
    run.spend((len(picture) + len(value)) * 4)
    return integer_value(value, integer_picture(picture))


def integer_value(text: str, picture: IntegerPicture) -> Value:
    """Return the whole number that a text stands for.

    Raises:
        QueryError: D3130, if the picture asks for a sequence that is not known.
    """
    if picture.kind == "letters":
        return from_letters(text, "A" if picture.case == "upper" else "a")
    if picture.kind == "roman":
        return from_roman(text if picture.case == "upper" else text.upper())
    if picture.kind == "words":
        return from_words(text.lower())
    if picture.kind == "sequence":
        raise QueryError("D3130", value=picture.token)
    digits = text[:-2] if picture.is_ordinal else text
    for char in {","} if picture.every else {char for _, char in picture.separators}:
        digits = digits.replace(char, "")
    if picture.zero != 0x30:
        digits = "".join(chr(ord(char) - picture.zero + 0x30) for char in digits if ord(char) >= picture.zero)
    return _leading_integer(digits)


def _leading_integer(digits: str) -> Value:
    sign = -1 if digits.startswith("-") else 1
    taken = ""
    for char in digits.lstrip("+-"):
        if char not in "0123456789":
            break
        taken += char
    return tidy(sign * int(taken[:400])) if taken else math.nan
