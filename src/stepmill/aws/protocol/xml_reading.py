"""Values as XML in requests. Documents with a type declaration are refused: entities are attacks here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias
from xml.parsers import expat

from stepmill.aws.protocol.model import Plans, Slot, late_unary, slot
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.scalars import text_reader
from stepmill.core.json import DEEPEST_NESTING
from stepmill.core.service_documents import Reference, ServiceDocument

# The largest request in use, the end of an upload of 10,000 parts, has some 80,000 elements.
MOST_ELEMENTS = 200_000

Reader: TypeAlias = Callable[["Element"], Any]
# Flattened lists and maps are read from all elements of their name.
ListReader: TypeAlias = Callable[[list["Element"]], Any]


class Element:
    """An XML element; names are without their prefix, those of attributes with it."""

    __slots__ = ("attributes", "children", "name", "texts")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.texts: list[str] = []

    @property
    def text(self) -> str:
        """The text between its tags."""
        return "".join(self.texts)


def read_xml(body: bytes) -> Element:
    """Return the root element of a document.

    Raises:
        Unreadable: If it is not well-formed, declares a type or entities, is nested too deep or too large.
    """
    parser = expat.ParserCreate()
    stack = [Element("", {})]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS or len(stack) > DEEPEST_NESTING:
            raise Unreadable(f"The XML has more than {MOST_ELEMENTS} elements or {DEEPEST_NESTING} levels")
        element = Element(name.rpartition(":")[2], attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].texts.append(data)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_declaration
    parser.EntityDeclHandler = _refuse_declaration
    parser.buffer_text = True
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable(f"The XML is not well-formed: {error}") from error
    return stack[0].children[0]


def _refuse_declaration(*_: object) -> NoReturn:
    raise Unreadable("A document type declaration is not allowed in XML")


class XmlReading:
    """Readers of the XML elements of one service."""

    def __init__(self, document: ServiceDocument) -> None:
        self._document = document
        self.of: Plans[Reader] = Plans(self._make, late_unary)

    def structure(self, members: Mapping[str, Reference], *, union: bool = False) -> Reader:
        """Return a reader of elements with these members. What is not among them is left out."""
        attributes = {}
        plan: dict[str, tuple[str, ListReader]] = {}
        for name, reference in members.items():
            place = slot(self._document, reference)
            wire = place.location_name or name
            if reference.xml_attribute:
                attributes[wire] = (name, text_reader(place.kind))
            elif place.flattened and place.kind in ("list", "map"):
                plan.update(
                    dict.fromkeys((wire, *self._element_names(place)), (name, self._flattened(place)))
                )
            else:
                plan[wire] = (name, _single(self.of(reference)))

        def read(element: Element) -> dict[str, Any]:
            groups: dict[str, list[Element]] = {}
            for child in element.children:
                if child.name in plan:
                    groups.setdefault(child.name, []).append(child)
            found: dict[str, Any] = {}
            for wire, children in groups.items():
                name, read_member = plan[wire]
                found[name] = _read_below(children, wire, read_member)
            for wire, (name, read_text) in attributes.items():
                if wire in element.attributes:
                    found[name] = _read_below(element.attributes[wire], wire, read_text)
            if union and len(found) > 1:
                raise Unreadable(f"Only one of {', '.join(found)} can be given")
            return found

        return read

    def _element_names(self, place: Slot) -> tuple[str, ...]:
        element = place.shape.member
        return (element.location_name,) if element and element.location_name else ()

    def _make(self, reference: Reference) -> Reader:
        place = slot(self._document, reference)
        match place.kind:
            case "structure":
                return self.structure(place.shape.members, union=place.shape.union)
            case "list" | "map":
                read_all = self._flattened(place)
                return lambda element: read_all(element.children)
        read = text_reader(place.kind)
        if place.kind in ("string", "character"):
            return lambda element: read(element.text)
        return lambda element: read(element.text.strip())

    def _flattened(self, place: Slot) -> ListReader:
        if place.kind == "list":
            assert place.shape.member
            return _list_reader(self.of(place.shape.member))
        assert place.shape.key
        assert place.shape.value
        key = place.shape.key.location_name or "key"
        value = place.shape.value.location_name or "value"
        return _map_reader(key, self.of(place.shape.key), value, self.of(place.shape.value))


def _single(read: Reader) -> ListReader:
    return lambda elements: read(elements[-1])


def _read_below(value: Any, name: str, read: Callable[[Any], Any]) -> Any:
    try:
        return read(value)
    except Unreadable as error:
        raise error.below(name) from None


def _list_reader(read_element: Reader) -> ListReader:
    def read(elements: list[Element]) -> list[Any]:
        return [_read_below(below, str(index), read_element) for index, below in enumerate(elements, 1)]

    return read


def _map_reader(key: str, read_key: Reader, value: str, read_value: Reader) -> ListReader:
    def read(entries: list[Element]) -> dict[str, Any]:
        found = {}
        for entry in entries:
            parts = {child.name: child for child in entry.children}
            if key not in parts or value not in parts:
                raise Unreadable(f"An entry needs {key} and {value}")
            name = read_key(parts[key])
            found[name] = _read_below(parts[value], str(name), read_value)
        return found

    return read
