"""Values as JSON: what requests hold is read by their shapes, what answers hold is written by theirs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from stepmill.aws.protocol.model import Plans, Slot, late_unary, slot
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.scalars import in_range, read_blob, special_float, write_blob, write_float
from stepmill.aws.protocol.timestamps import epoch, from_epoch, from_text, moment_writer
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import read_json
from stepmill.core.service_documents import Reference, ServiceDocument

Reader: TypeAlias = Callable[[Any], Any]
Writer: TypeAlias = Callable[[Any], Any]


def read_document(body: bytes) -> Any:
    """Return the JSON value of a body; an empty one stands for an object without members.

    Raises:
        Unreadable: If it is not JSON, or nested too deep.
    """
    if not body:
        return {}
    try:
        return read_json(body)
    except InvalidInputError as error:
        raise Unreadable(error.what) from error


class JsonReading:
    """Readers of the JSON values of one service."""

    def __init__(self, document: ServiceDocument) -> None:
        self._document = document
        self.of: Plans[Reader] = Plans(self._make, late_unary)

    def structure(self, members: Mapping[str, Reference], *, union: bool = False) -> Reader:
        """Return a reader of objects with these members. What is null, or not among them, is left out."""
        plan = {
            slot(self._document, reference).location_name or name: (name, self.of(reference))
            for name, reference in members.items()
        }

        def read(value: Any) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise Unreadable(_unexpected(value))
            found = {}
            for key, below in value.items():
                if below is not None and (member := plan.get(key)):
                    name, read_member = member
                    try:
                        found[name] = read_member(below)
                    except Unreadable as error:
                        raise error.below(key) from None
            if union and len(found) > 1:
                raise Unreadable(f"Only one of {', '.join(found)} can be given")
            return found

        return read

    def _make(self, reference: Reference) -> Reader:
        place = slot(self._document, reference)
        match place.kind:
            case "structure" if place.shape.document:
                return _as_it_is
            case "structure":
                return self.structure(place.shape.members, union=place.shape.union)
            case "list":
                assert place.shape.member
                return _list_reader(self.of(place.shape.member))
            case "map":
                assert place.shape.value
                return _map_reader(self.of(place.shape.value))
        return _READERS[place.kind]


def _list_reader(read_element: Reader) -> Reader:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Unreadable(_unexpected(value))
        found: list[Any] = []
        for below in value:
            try:
                found.append(None if below is None else read_element(below))
            except Unreadable as error:
                raise error.below(str(len(found) + 1)) from None
        return found

    return read


def _map_reader(read_value: Reader) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unreadable(_unexpected(value))
        found = {}
        for key, below in value.items():
            try:
                found[key] = None if below is None else read_value(below)
            except Unreadable as error:
                raise error.below(key) from None
        return found

    return read


def _read_string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise Unreadable(_not_converted(value, "a String"))


def _read_integer(value: Any) -> int:
    return in_range("integer", _whole(value, "an Integer"))


def _read_long(value: Any) -> int:
    return in_range("long", _whole(value, "a Long"))


def _whole(value: Any, wanted: str) -> int:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise Unreadable(_not_converted(value, wanted))


def _read_float(value: Any) -> float:
    if type(value) in (int, float):
        return value  # type: ignore[no-any-return]
    if isinstance(value, str):
        return special_float(value)
    raise Unreadable(_not_converted(value, "a Double"))


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Unreadable(_not_converted(value, "a Boolean"))


def _read_timestamp(value: Any) -> datetime:
    if type(value) in (int, float):
        return from_epoch(value)
    if isinstance(value, str):
        return from_text(value)
    raise Unreadable(_not_converted(value, "a Timestamp"))


def _read_blob(value: Any) -> bytes:
    return read_blob(_read_string(value))


def _as_it_is(value: Any) -> Any:
    return value


_READERS: dict[str, Reader] = {
    "string": _read_string,
    "character": _read_string,
    "integer": _read_integer,
    "long": _read_long,
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "timestamp": _read_timestamp,
    "blob": _read_blob,
}


def _unexpected(value: Any) -> str:
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    if isinstance(value, list):
        return "Start of list found where not expected"
    return "Unexpected field type"


def _not_converted(value: Any, wanted: str) -> str:
    if isinstance(value, dict | list):
        return _unexpected(value)
    if isinstance(value, bool):
        return f"{str(value).upper()}_VALUE can not be converted to {wanted}"
    kind = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}.get(type(value), "The value")
    return f"{kind} can not be converted to {wanted}"


class JsonWriting:
    """Writers of the JSON values of one service: they give what ``write_json`` takes."""

    def __init__(self, document: ServiceDocument) -> None:
        self._document = document
        self.of: Plans[Writer] = Plans(self._make, late_unary)

    def structure(self, members: Mapping[str, Reference]) -> Writer:
        """Return a writer of objects with these members; ``None`` and what the model lacks is left out."""
        plan = {
            name: (slot(self._document, reference).location_name or name, self.of(reference))
            for name, reference in members.items()
        }

        def write(value: Mapping[str, Any]) -> dict[str, Any]:
            written = {}
            for name, below in value.items():
                if below is not None and (member := plan.get(name)):
                    key, write_member = member
                    written[key] = below if write_member is _as_it_is else write_member(below)
            return written

        return write

    def _make(self, reference: Reference) -> Writer:
        place = slot(self._document, reference)
        match place.kind:
            case "structure":
                return _as_it_is if place.shape.document else self.structure(place.shape.members)
            case "list":
                assert place.shape.member
                return _list_writer(self.of(place.shape.member))
            case "map":
                assert place.shape.value
                return _map_writer(self.of(place.shape.value))
            case "timestamp":
                return _moment_writer(place)
        return _WRITERS.get(place.kind, _as_it_is)


def _list_writer(write_element: Writer) -> Writer:
    if write_element is _as_it_is:
        return list

    def write(value: Sequence[Any]) -> list[Any]:
        return [None if below is None else write_element(below) for below in value]

    return write


def _map_writer(write_value: Writer) -> Writer:
    if write_value is _as_it_is:
        return dict

    def write(value: Mapping[str, Any]) -> dict[str, Any]:
        return {key: None if below is None else write_value(below) for key, below in value.items()}

    return write


def _moment_writer(place: Slot) -> Writer:
    return moment_writer(place.timestamp_format) if place.timestamp_format else epoch


def _write_float(value: float) -> float | str:
    return value if math.isfinite(value) else write_float(value)


_WRITERS: dict[str, Writer] = {"float": _write_float, "double": _write_float, "blob": write_blob}
