"""Placeholders of a call's expressions: ``#n`` for names, ``:v`` for values, and whether they are used. Pure.

Source: DynamoDB developer guide, "Expression attribute names" and "Expression attribute values".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stepmill.catalog.dynamodb.values import Value, read_value
from stepmill.core.errors import InvalidInputError

NAMES, VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"

_LARGEST_NAME = 255
_WITHOUT_VALUES = "ProjectionExpression"
_NAME = re.compile(r"#[A-Za-z0-9_]+", re.ASCII)
_VALUE = re.compile(r":[A-Za-z0-9_]+", re.ASCII)


class Placeholders:
    """What the placeholders of one call stand for.

    Args:
        names: ``#n`` -> name; ``None`` if the call gives none at all.
        values: ``:v`` -> value; likewise.

    Raises:
        InvalidInputError: If one is not a placeholder, or a value cannot be taken.
    """

    def __init__(self, names: Mapping[str, str] | None, values: Mapping[str, Any] | None) -> None:
        self._names = dict(names or {})
        self._values: dict[str, Value] = {}
        self._used: set[str] = set()
        for what, given, form in ((NAMES, names, _NAME), (VALUES, values, _VALUE)):
            if given is not None and not given:
                raise InvalidInputError(f"{what} must not be empty")
            for key in given or ():
                if not form.fullmatch(key) or len(key) > _LARGEST_NAME:
                    raise InvalidInputError(
                        f'{what} contains invalid key: Syntax error; key: "{key[:_LARGEST_NAME]}"'
                    )
        for key, value in (values or {}).items():
            try:
                self._values[key] = read_value(value)
            except InvalidInputError as error:
                raise InvalidInputError(
                    f"{VALUES} contains invalid value: {error.what} for key {key}"
                ) from None

    def name(self, placeholder: str) -> str:
        """Return the name that a placeholder stands for.

        Raises:
            KeyError: If it stands for none.
        """
        self._used.add(placeholder)
        return self._names[placeholder]

    def value(self, placeholder: str) -> Value:
        """Return the value that a placeholder stands for.

        Raises:
            KeyError: If it stands for none.
        """
        self._used.add(placeholder)
        return self._values[placeholder]

    def check(self, expressions: Mapping[str, str | None]) -> None:
        """Hold them against the expressions that the call could have, after these were read.

        Args:
            expressions: Name -> text, ``None`` if not given. In a projection there are no values.

        Raises:
            InvalidInputError: If there are placeholders and no expression, or one was not used.
        """
        if self._names and all(text is None for text in expressions.values()):
            raise InvalidInputError(f"{NAMES} can only be specified when using expressions")
        takers = [name for name in expressions if name != _WITHOUT_VALUES]
        if self._values and all(expressions[name] is None for name in takers):
            told = f": {' and '.join(takers)} {'is' if len(takers) == 1 else 'are'} null" if takers else ""
            raise InvalidInputError(f"{VALUES} can only be specified when using expressions{told}")
        for what, given in ((NAMES, self._names), (VALUES, self._values)):
            if unused := [key for key in given if key not in self._used]:
                raise InvalidInputError(
                    f"Value provided in {what} unused in expressions: keys: {{{', '.join(sorted(unused))}}}"
                )
