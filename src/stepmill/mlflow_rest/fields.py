"""Members of a request, each checked for its type when it is read. What is not read is passed over.

MLflow's client writes its messages as protobuf's JSON: 64-bit integers may be texts, and so are the numbers
that JSON does not know.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from stepmill.core.errors import InvalidInputError
from stepmill.core.http import Request
from stepmill.core.json import Json, read_json
from stepmill.mlflow_rest.errors import INVALID, MlflowError

_INT64 = 2**63
_INTEGER_LETTERS = 20
_MOST_FIELDS = 1000
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Fields:
    """Members of an object.

    Args:
        values: By name.
        where: What leads to it: ``metrics[3]``; empty for the request itself.
    """

    def __init__(self, values: Mapping[str, Json], where: str = "") -> None:
        self._values = values
        self._where = where

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, *, default: str | None = None) -> str:
        """Return a text.

        Args:
            name: Of the member.
            default: If there is none; ``None``: there must be one.

        Raises:
            MlflowError: If it is none, or not there.
        """
        value = self._values.get(name)
        if value is None:
            if default is None:
                raise self.missing(name)
            return default
        # A query knows no numbers, and neither do MLflow's ids.
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise self.wrong(name, "a string")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise self.wrong(name, "Unicode text") from None
        return value

    def integer(self, name: str, *, default: int | None = None) -> int:
        """Return a 64-bit integer. See ``text``."""
        value = self._values.get(name)
        if value is None:
            if default is None:
                raise self.missing(name)
            return default
        if isinstance(value, str) and len(value) <= _INTEGER_LETTERS and value.isascii():
            try:
                value = int(value)
            except ValueError:
                raise self.wrong(name, "an integer") from None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not -_INT64 < value < _INT64:
            raise self.wrong(name, "an integer")
        return value

    def number(self, name: str) -> float:
        """Return a number, perhaps none that JSON knows.

        Raises:
            MlflowError: If it is none, or not there.
        """
        value = self._values.get(name)
        if value is None:
            raise self.missing(name)
        if isinstance(value, str):
            if value in _SPECIAL:
                return _SPECIAL[value]
            raise self.wrong(name, "a valid double (64-bit floating point)")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(name, "a valid double (64-bit floating point)")
        try:
            return float(value)
        except OverflowError:
            raise self.wrong(name, "a valid double (64-bit floating point)") from None

    def texts(self, name: str) -> list[str]:
        """Return the texts of a list; a single one counts as a list.

        Raises:
            MlflowError: If it is none.
        """
        values = self._values.get(name)
        if values is None:
            return []
        if isinstance(values, str):
            values = [values]
        if not isinstance(values, Sequence):
            raise self.wrong(name, "a list of strings")
        named = {str(index): value for index, value in enumerate(values)}
        return [Fields(named, self._path(name)).text(index) for index in named]

    def objects(self, name: str, most: int) -> list[Fields]:
        """Return the objects of a list.

        Args:
            name: Of the member.
            most: So many may be in it.

        Raises:
            MlflowError: If it is none, or longer.
        """
        values = self._values.get(name)
        if values is None:
            return []
        if not isinstance(values, Sequence) or isinstance(values, str):
            raise self.wrong(name, "a list of objects")
        if len(values) > most:
            raise MlflowError(
                INVALID,
                f"A request can contain at most {most} {name}. Got {len(values)} {name}.",
                mend=f"Please split up {name} across multiple requests and try again.",
            )
        found: list[Fields] = []
        for index, value in enumerate(values):
            if not isinstance(value, Mapping):
                raise self.wrong(f"{name}[{index}]", "an object")
            found.append(Fields(value, f"{self._path(name)}[{index}]"))
        return found

    def part(self, name: str) -> Fields:
        """Return an object.

        Raises:
            MlflowError: If it is none, or not there.
        """
        value = self._values.get(name)
        if value is None:
            raise self.missing(name)
        if not isinstance(value, Mapping):
            raise self.wrong(name, "an object")
        return Fields(value, self._path(name))

    def is_true(self, name: str, *, default: bool = False) -> bool:
        """Return a truth value."""
        value = self._values.get(name)
        return default if value is None else value in (True, "true", "True", "1")

    def missing(self, name: str) -> MlflowError:
        """Return the error of a member that must be there."""
        return MlflowError(INVALID, f"Missing value for required parameter '{self._path(name)}'.")

    def wrong(self, name: str, expected: str) -> MlflowError:
        """Return the error of a member that is not what it must be."""
        shown = str(self._values.get(name))[:80]
        return MlflowError(
            INVALID,
            f"Invalid value {shown!r} for parameter '{self._path(name)}' supplied: it is not {expected}.",
        )

    def _path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name


def fields_of(request: Request) -> Fields:
    """Return what a request asks for: what its body says, with GET its query.

    Raises:
        MlflowError: If the body is no JSON object.
    """
    if request.method == "GET" or not request.body:
        return _of_query(request.query)
    try:
        document = read_json(request.body)
    except InvalidInputError as error:
        raise MlflowError("BAD_REQUEST", str(error)) from error
    if not isinstance(document, Mapping):
        raise MlflowError("BAD_REQUEST", "The body is no JSON object.")
    return Fields(document)


def _of_query(query: str) -> Fields:
    try:
        named = parse_qs(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise MlflowError("BAD_REQUEST", "The query cannot be read.") from None
    return Fields({name: values[0] if len(values) == 1 else values for name, values in named.items()})
