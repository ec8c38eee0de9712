"""DynamoDB's numbers: 38 significant digits, from 1E-130 to 9.99E+125, and an encoding that sorts.

Pure. Source: DynamoDB developer guide, "Naming rules and data types", section "Number".
"""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

from stepmill.core.errors import InvalidInputError

MOST_DIGITS = 38
GREATEST_EXPONENT = 125
SMALLEST_EXPONENT = -130

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
# A number of so many characters has too many digits, or is zeros only to be a nuisance.
_LONGEST = 400
# Sums of numbers in range, exactly: their digits lie between the greatest and the smallest exponent.
_EXACT = Context(prec=2 * (GREATEST_EXPONENT - SMALLEST_EXPONENT), Emax=MAX_EMAX, Emin=MIN_EMIN)
_NEGATIVE, _ZERO, _POSITIVE = b"\x7f", b"\x80", b"\x81"
_TOP_BYTE = 255
# Digits "0" to "9" to "9" to "0", so that the greater of two negative numbers sorts first.
_COMPLEMENT = bytes.maketrans(b"0123456789", b"9876543210")


def read_number(text: str) -> Decimal:
    """Return the number that a text stands for.

    Raises:
        InvalidInputError: If it stands for none, or for one out of range or with too many digits.
    """
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
        told = f": {text[:_LONGEST]}" if text else ""
        raise InvalidInputError(f"The parameter cannot be converted to a numeric value{told}")
    return checked(_EXACT.create_decimal(text))


def checked(number: Decimal) -> Decimal:
    """Return a number as it can be stored.

    Raises:
        InvalidInputError: If its magnitude is out of range, or it has more than 38 digits.
    """
    if not number:
        return Decimal(0)
    number = number.normalize(_EXACT)
    if number.adjusted() > GREATEST_EXPONENT:
        raise InvalidInputError(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if number.adjusted() < SMALLEST_EXPONENT:
        raise InvalidInputError(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    if len(number.as_tuple().digits) > MOST_DIGITS:
        raise InvalidInputError("Attempting to store more than 38 significant digits in a Number")
    return number


def write_number(number: Decimal) -> str:
    """Return a number as DynamoDB tells it: plain digits, no exponent, no zeros that say nothing.

    Example:
        >>> write_number(Decimal("1.50E+3"))
        '1500'
    """
    return format(number.normalize(_EXACT), "f") if number else "0"


def add(left: str, right: str, *, subtract: bool = False) -> str:
    """Return the sum, or the difference, of two stored numbers.

    Raises:
        InvalidInputError: If it cannot be stored.
    """
    operate = _EXACT.subtract if subtract else _EXACT.add
    return write_number(checked(operate(Decimal(left), Decimal(right))))


def encode_number(text: str) -> bytes:
    """Return bytes that sort as the stored number does among numbers.

    A sign, the exponent in one byte, and the digits; of negative numbers all of it upside down, with an end
    that is greater than any digit.
    """
    number = Decimal(text)
    if not number:
        return _ZERO
    number = number.normalize(_EXACT)
    digits = "".join(map(str, number.as_tuple().digits)).encode()
    exponent = number.adjusted() - SMALLEST_EXPONENT
    if number > 0:
        return _POSITIVE + bytes([exponent]) + digits
    return _NEGATIVE + bytes([_TOP_BYTE - exponent]) + digits.translate(_COMPLEMENT) + bytes([_TOP_BYTE])


def number_size(text: str) -> int:
    """Return how many bytes a stored number counts: one for two digits and one more, and one if negative."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
