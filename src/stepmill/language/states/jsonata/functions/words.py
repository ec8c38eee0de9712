"""Whole numbers as English words, Roman numerals and letters, and back."""

from __future__ import annotations

import math
import re

from stepmill.language.states.jsonata.values import tidy

_FEW = (
    "Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven",
    "Twelve", "Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen",
)  # fmt: skip
_ORDINALS = (
    "Zeroth", "First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth",
    "Tenth", "Eleventh", "Twelfth", "Thirteenth", "Fourteenth", "Fifteenth", "Sixteenth", "Seventeenth",
    "Eighteenth", "Nineteenth",
)  # fmt: skip
_TENS = ["Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"]
_MAGNITUDES = ["Thousand", "Million", "Billion", "Trillion"]
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10,
    "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_ROMAN_VALUES = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}
# Beyond this, a numeral would be longer than anyone reads.
_LARGEST_ROMAN = 1_000_000


def _values() -> dict[str, int]:
    values = {word.lower(): value for words in (_FEW, _ORDINALS) for value, word in enumerate(words)}
    for place, word in enumerate(_TENS):
        values[word.lower()] = values[word.lower()[:-1] + "ieth"] = (place + 2) * 10
    values |= {"hundred": 100, "hundredth": 100}
    for place, word in enumerate(_MAGNITUDES):
        values[word.lower()] = values[word.lower() + "th"] = 1000 ** (place + 1)
    return values


WORD_VALUES = _values()


def to_words(value: int, *, is_ordinal: bool) -> str:
    """Return a number in words.

    Example:
        >>> to_words(1121, is_ordinal=False), to_words(30, is_ordinal=True)
        ('One Thousand, One Hundred and Twenty-One', 'Thirtieth')
    """
    return _worded(value, is_behind=False, is_ordinal=is_ordinal)


def _worded(value: int, *, is_behind: bool, is_ordinal: bool) -> str:
    if value <= 19:
        return (" and " if is_behind else "") + (_ORDINALS if is_ordinal else _FEW)[value]
    if value < 100:
        tens, rest = divmod(value, 10)
        text = (" and " if is_behind else "") + _TENS[tens - 2]
        if rest:
            return f"{text}-{_worded(rest, is_behind=False, is_ordinal=is_ordinal)}"
        return text[:-1] + "ieth" if is_ordinal else text
    if value < 1000:
        count, rest = divmod(value, 100)
        text = f"{_FEW[count]} Hundred"
    else:
        magnitude = min((len(str(value)) - 1) // 3, len(_MAGNITUDES))
        count, rest = divmod(value, 1000**magnitude)
        text = f"{_worded(count, is_behind=False, is_ordinal=False)} {_MAGNITUDES[magnitude - 1]}"
    text = (", " if is_behind else "") + text
    if rest:
        return text + _worded(rest, is_behind=True, is_ordinal=is_ordinal)
    return text + "th" if is_ordinal else text


def from_words(text: str) -> int | float:
    """Return the number that words, in small letters, stand for; not a number, where a word is not known."""
    segments: list[int | float] = [0]
    for word in re.split(r",\s|\sand\s|[\s\\-]", text):
        value: int | float = WORD_VALUES.get(word, math.nan)
        if value < 100:
            top = segments.pop()
            if top >= 1000:
                segments.append(top)
                top = 0
            segments.append(top + value)
        else:
            segments.append(segments.pop() * value)
    return tidy(sum(segments))


def to_roman(value: int) -> str:
    """Return a number as a Roman numeral, in small letters."""
    numeral = ""
    value = min(value, _LARGEST_ROMAN)
    for size, letters in _ROMAN:
        count, value = divmod(value, size)
        numeral += letters * count
    return numeral


def from_roman(numeral: str) -> int | float:
    """Return the number that a Roman numeral, in capital letters, stands for."""
    total, largest = 0, 1
    for letter in reversed(numeral):
        value = _ROMAN_VALUES.get(letter)
        if value is None:
            return math.nan
        if value < largest:
            total -= value
        else:
            largest = value
            total += value
    return total


def to_letters(value: int, first: str) -> str:
    """Return a number as letters: a, b, ... z, aa, ab ..."""
    letters = ""
    while value > 0:
        value, place = divmod(value - 1, 26)
        letters = chr(ord(first) + place) + letters
    return letters


def from_letters(letters: str, first: str) -> int | float:
    """Return the number that letters stand for."""
    total = 0
    for letter in letters[:256]:
        total = total * 26 + ord(letter) - ord(first) + 1
    return tidy(total)
