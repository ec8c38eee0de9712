"""Values as the fields of a form: ``Tags.member.1.Key=a``, how the query protocol sends parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from stepmill.aws.protocol.model import Plans, Slot, late_unary, slot
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.scalars import text_reader
from stepmill.core.service_documents import Reference, ServiceDocument

# A form of 1,000 metrics with 30 dimensions each does not come; one of so many fields is an attack.
_MOST_FIELDS = 50_000
_DEEPEST = 60


class Field:
    """What a form has under one name: a text, or fields below it."""

    __slots__ = ("below", "text")

    def __init__(self) -> None:
        self.text: str | None = None
        self.below: dict[str, Field] = {}


Reader: TypeAlias = Callable[[Field], Any]


def read_form(text: str) -> Field:
    """Return the fields of a form, nested as the dots in their names say.

    Raises:
        Unreadable: If the form is not UTF-8, nested too deep or too large.
    """
    root = Field()
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Unreadable("The form has too many fields, or is not UTF-8") from error
    for name, value in pairs:
        parts = name.split(".", _DEEPEST)
        if len(parts) > _DEEPEST:
            raise Unreadable("The form is nested too deep")
        field = root
        for part in parts:
            field = field.below.setdefault(part, Field())
        field.text = value
    return root


class FormReading:
    """Readers of the form fields of one service."""

    def __init__(self, document: ServiceDocument) -> None:
        self._document = document
        self.of: Plans[Reader] = Plans(self._make, late_unary)

    def structure(self, members: Mapping[str, Reference], *, union: bool = False) -> Reader:
        """Return a reader of these members. What is not among them is left out."""
        plan = {
            self._wire_name(slot(self._document, reference)) or name: (name, self.of(reference))
            for name, reference in members.items()
        }

        def read(field: Field) -> dict[str, Any]:
            found = {}
            for wire, below in field.below.items():
                if member := plan.get(wire):
                    name, read_member = member
                    try:
                        found[name] = read_member(below)
                    except Unreadable as error:
                        raise error.below(wire) from None
            if union and len(found) > 1:
                raise Unreadable(f"Only one of {', '.join(found)} can be given")
            return found

        return read

    def _wire_name(self, place: Slot) -> str:
        # A flattened list goes by the name of its elements, if they have one.
        if place.kind == "list" and place.flattened and place.shape.member:
            return place.shape.member.location_name or place.location_name
        return place.location_name

    def _make(self, reference: Reference) -> Reader:
        place = slot(self._document, reference)
        match place.kind:
            case "structure":
                return self.structure(place.shape.members, union=place.shape.union)
            case "list":
                assert place.shape.member
                name = "" if place.flattened else place.shape.member.location_name or "member"
                return _list_reader(name, self.of(place.shape.member))
            case "map":
                return self._map(place)
        read = text_reader(place.kind)

        def read_text(field: Field) -> Any:
            if field.text is None:
                raise Unreadable("A value is needed here, not a structure")
            return read(field.text)

        return read_text

    def _map(self, place: Slot) -> Reader:
        assert place.shape.key
        assert place.shape.value
        key = place.shape.key.location_name or "key"
        value = place.shape.value.location_name or "value"
        read_value = self.of(place.shape.value)
        wrapper = "" if place.flattened else "entry"

        def read(field: Field) -> dict[str, Any]:
            found = {}
            for index, entry in _numbered(field, wrapper):
                named, holds = entry.below.get(key), entry.below.get(value)
                if named is None or named.text is None or holds is None:
                    raise Unreadable(f"An entry needs {key} and {value}", (index,))
                try:
                    found[named.text] = read_value(holds)
                except Unreadable as error:
                    raise error.below(named.text) from None
            return found

        return read


def _numbered(field: Field, wrapper: str) -> list[tuple[str, Field]]:
    """Return the entries ``1``, ``2``, ... of a list in the order of their numbers."""
    if wrapper:
        field = field.below.get(wrapper, Field())
    try:
        return sorted(field.below.items(), key=_position)
    except ValueError as error:
        raise Unreadable("The entries of a list must be numbered") from error


def _position(entry: tuple[str, Field]) -> int:
    index = entry[0]
    if len(index) > 9 or not (index.isascii() and index.isdigit()):
        raise ValueError(index)
    return int(index)


def _list_reader(wrapper: str, read_element: Reader) -> Reader:
    def read(field: Field) -> list[Any]:
        found: list[Any] = []
        for index, below in _numbered(field, wrapper):
            try:
                found.append(read_element(below))
            except Unreadable as error:
                raise error.below(index) from None
        return found

    return read
