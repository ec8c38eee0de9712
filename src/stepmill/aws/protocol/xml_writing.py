"""Values as XML in answers: of the REST services and of those with the query protocol."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from xml.sax.saxutils import escape as _escape

from stepmill.aws.protocol.model import Plans, Slot, slot
from stepmill.aws.protocol.scalars import text_writer
from stepmill.core.service_documents import Reference, ServiceDocument, XmlNamespace

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

# Writes a value as an element, its text appended to the parts of a document.
Writer: TypeAlias = Callable[[Any, list[str]], None]

_TO_ESCAPE = re.compile('[&<>"\r]')
# What XML 1.0 cannot hold, not even escaped.
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def escape(text: str) -> str:
    """Return text as XML has it in elements and attributes; what XML cannot hold becomes U+FFFD."""
    if _IMPOSSIBLE.search(text):
        text = _IMPOSSIBLE.sub("\ufffd", text)
    if _TO_ESCAPE.search(text):
        return _escape(text, {'"': "&quot;", "\r": "&#13;"})
    return text


def element(name: str, text: str) -> str:
    """Return an element that holds text."""
    return f"<{name}>{escape(text)}</{name}>"


def declared(namespace: XmlNamespace | None) -> str:
    """Return the attribute that declares a namespace; empty if there is none."""
    if namespace is None or not namespace.uri:
        return ""
    prefix = f":{namespace.prefix}" if namespace.prefix else ""
    return f' xmlns{prefix}="{escape(namespace.uri)}"'


class XmlWriting:
    """Writers of the XML elements of one service.

    Args:
        document: The model.
        timestamp_format: Of moments for which the model names none.
    """

    def __init__(self, document: ServiceDocument, timestamp_format: str = "iso8601") -> None:
        self._document = document
        self._timestamp_format = timestamp_format
        self._plans: Plans[Writer] = Plans(self._make, _late)

    def of(self, reference: Reference, name: str) -> Writer:
        """Return a writer of elements of that name."""
        return self._plans((reference, name))

    def members(self, members: Mapping[str, Reference]) -> Writer:
        """Return a writer of the members alone, without an element around them."""
        plan = {
            name: self._member(slot(self._document, reference), reference, name)
            for name, reference in members.items()
            if not reference.xml_attribute
        }

        def write(value: Mapping[str, Any], out: list[str]) -> None:
            for name, below in value.items():
                if below is not None and (write_member := plan.get(name)):
                    write_member(below, out)

        return write

    def structure(self, members: Mapping[str, Reference], name: str, namespace: str) -> Writer:
        """Return a writer of elements of that name with these members, some of them attributes.

        Args:
            members: The members.
            name: Of the element.
            namespace: Its declaration: see ``declared``.
        """
        write_members = self.members(members)
        attributes = {
            member: slot(self._document, reference).location_name or member
            for member, reference in members.items()
            if reference.xml_attribute
        }
        if not attributes:
            return _wrapped(name, namespace, write_members)

        def write(value: Mapping[str, Any], out: list[str]) -> None:
            shown = "".join(
                f' {wire}="{escape(str(value[member]))}"'
                for member, wire in attributes.items()
                if value.get(member) is not None
            )
            out.append(f"<{name}{namespace}{shown}>")
            write_members(value, out)
            out.append(f"</{name}>")

        return write

    def _member(self, place: Slot, reference: Reference, name: str) -> Writer:
        if place.kind == "list" and place.flattened and place.shape.member:
            # Named as clients read it: by the element if it has a name of its own.
            name = place.shape.member.location_name or place.location_name or name
            return _each(self.of(place.shape.member, name))
        return self.of(reference, place.location_name or name)

    def _make(self, key: tuple[Reference, str]) -> Writer:
        reference, name = key
        place = slot(self._document, reference)
        match place.kind:
            case "structure":
                return self.structure(place.shape.members, name, declared(place.xml_namespace))
            case "list":
                assert place.shape.member
                inner = self.of(place.shape.member, place.shape.member.location_name or "member")
                return _wrapped(name, declared(place.xml_namespace), _each(inner))
            case "map":
                return self._map(place, name)
        write = text_writer(place.kind, place.timestamp_format or self._timestamp_format)
        start, end = f"<{name}{declared(place.xml_namespace)}>", f"</{name}>"
        return lambda value, out: out.append(start + escape(write(value)) + end)

    def _map(self, place: Slot, name: str) -> Writer:
        assert place.shape.key
        assert place.shape.value
        write_key = self.of(place.shape.key, place.shape.key.location_name or "key")
        write_value = self.of(place.shape.value, place.shape.value.location_name or "value")
        start, end = (f"<{name}>", f"</{name}>") if place.flattened else ("<entry>", "</entry>")

        def write(value: Mapping[str, Any], out: list[str]) -> None:
            for key, below in value.items():
                if below is not None:
                    out.append(start)
                    write_key(key, out)
                    write_value(below, out)
                    out.append(end)

        return write if place.flattened else _wrapped(name, declared(place.xml_namespace), write)


def _each(write_element: Writer) -> Writer:
    def write(value: Sequence[Any], out: list[str]) -> None:
        for below in value:
            if below is not None:
                write_element(below, out)

    return write


def _wrapped(name: str, namespace: str, inner: Writer) -> Writer:
    start, end = f"<{name}{namespace}>", f"</{name}>"

    def write(value: Any, out: list[str]) -> None:
        out.append(start)
        inner(value, out)
        out.append(end)

    return write


def _late(find: Callable[[], Writer]) -> Writer:
    return lambda value, out: find()(value, out)
