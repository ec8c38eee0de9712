"""Conditions of statements: operators, sets, keys that are absent.

Source: IAM user guide, "IAM JSON policy elements: Condition operators", "Conditions with multiple context
keys or values", "Set operators for multivalued context keys".
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Final, TypeAlias

from stepmill.catalog.permissions.circumstances import Circumstances
from stepmill.catalog.permissions.patterns import Pattern, tokens_of
from stepmill.catalog.permissions.templates import Fixed, Template
from stepmill.core.clock import aware

# Whether a value of the request is as a value of the policy says.
_Wanted: TypeAlias = Template | Fixed
_Compare: TypeAlias = Callable[[str, _Wanted, Circumstances], bool]

_FOR_ALL, _FOR_ANY = "ForAllValues:", "ForAnyValue:"
_IF_EXISTS = "IfExists"
_NULL = "Null"
_ARN_PARTS = 6
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_EPOCH = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class Condition:
    """One operator with one key.

    Args:
        operator: ``StringLike``, ``ForAnyValue:StringEqualsIfExists``.
        key: ``s3:prefix``.
        values: Any of them will do; of a negated operator none may.
    """

    operator: str
    key: str
    values: tuple[Template | Fixed, ...]

    def holds(self, circumstances: Circumstances) -> bool:
        """Return whether it holds.

        Raises:
            UnknownKeyError: If nothing is known of its key, or of a variable in it.
        """
        given = circumstances.values(self.key)
        name = self.operator.removeprefix(_FOR_ALL).removeprefix(_FOR_ANY)
        if name == _NULL:
            return any(
                (value.plain(circumstances) or "").lower() == str(not given).lower() for value in self.values
            )
        plain = name.removesuffix(_IF_EXISTS)
        compare, is_negated = OPERATORS[plain]

        def fits(value: str) -> bool:
            return any(compare(value, wanted, circumstances) for wanted in self.values) is not is_negated

        if self.operator.startswith(_FOR_ALL):
            return all(map(fits, given))
        if not given:
            return name != plain or (is_negated and not self.operator.startswith(_FOR_ANY))
        return any(map(fits, given))


def is_operator(name: str) -> bool:
    """Return whether that is an operator's name."""
    plain = name.removeprefix(_FOR_ALL).removeprefix(_FOR_ANY)
    return plain == _NULL or plain.removesuffix(_IF_EXISTS) in OPERATORS


def _equals(value: str, wanted: _Wanted, circumstances: Circumstances) -> bool:
    return value == wanted.plain(circumstances)


def _equals_ignoring_case(value: str, wanted: _Wanted, circumstances: Circumstances) -> bool:
    text = wanted.plain(circumstances)
    return text is not None and value.casefold() == text.casefold()


def _like(value: str, wanted: _Wanted, circumstances: Circumstances) -> bool:
    return wanted.matches(value, circumstances)


def _arn_like(value: str, wanted: _Wanted, circumstances: Circumstances) -> bool:
    text = wanted.plain(circumstances)
    if text is None:
        return False
    # Part by part: a star does not reach over a colon, but in the last one.
    parts, patterns = value.split(":", _ARN_PARTS - 1), text.split(":", _ARN_PARTS - 1)
    return len(parts) == len(patterns) == _ARN_PARTS and all(
        Pattern.of(tokens_of(pattern)).matches(part) for part, pattern in zip(parts, patterns, strict=True)
    )


def _bool(value: str, wanted: _Wanted, circumstances: Circumstances) -> bool:
    text = wanted.plain(circumstances)
    return text is not None and value.lower() == text.lower()


def _binary(value: str, wanted: _Wanted, circumstances: Circumstances) -> bool:
    try:
        return b64decode(value, validate=True) == b64decode(wanted.plain(circumstances) or "", validate=True)
    except (Base64Error, ValueError):
        return False


def _address(value: str, wanted: _Wanted, circumstances: Circumstances) -> bool:
    try:
        return ip_address(value) in ip_network(wanted.plain(circumstances) or "", strict=False)
    except ValueError:
        return False


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    except InvalidOperation:
        return None


def _moment(text: str) -> Decimal | None:
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    try:
        moment = datetime.fromisoformat(text)
        return Decimal(aware(moment).timestamp())
    except (ValueError, OverflowError):
        return None


def _ordered(
    read: Callable[[str], Decimal | None],
    holds: Callable[[Decimal, Decimal], bool],
    value: str,
    wanted: _Wanted,
    circumstances: Circumstances,
) -> bool:
    one, other = read(value), read(wanted.plain(circumstances) or "")
    return one is not None and other is not None and holds(one, other)


_ORDERS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "LessThan": Decimal.__lt__,
    "LessThanEquals": Decimal.__le__,
    "GreaterThan": Decimal.__gt__,
    "GreaterThanEquals": Decimal.__ge__,
    "Equals": Decimal.__eq__,
}

# Name -> compares two values, and whether the operator says that they are not so.
OPERATORS: Final[Mapping[str, tuple[_Compare, bool]]] = {
    "StringEquals": (_equals, False),
    "StringNotEquals": (_equals, True),
    "StringEqualsIgnoreCase": (_equals_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_equals_ignoring_case, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnLike": (_arn_like, False),
    "ArnNotLike": (_arn_like, True),
    "Bool": (_bool, False),
    "BinaryEquals": (_binary, False),
    "IpAddress": (_address, False),
    "NotIpAddress": (_address, True),
    **{
        f"{kind}{name}": (partial(_ordered, read, holds), False)
        for kind, read in (("Numeric", _number), ("Date", _moment))
        for name, holds in _ORDERS.items()
    },
    "NumericNotEquals": (partial(_ordered, _number, _ORDERS["Equals"]), True),
    "DateNotEquals": (partial(_ordered, _moment, _ORDERS["Equals"]), True),
}
