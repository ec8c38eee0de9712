"""A REST request: members are in the path, the query, headers and the body, as the model binds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from stepmill.aws.protocol.header_values import header_reader, read_prefixed
from stepmill.aws.protocol.model import slot
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.routes import Route, read_query
from stepmill.aws.protocol.scalars import TextReader, text_reader
from stepmill.aws.wire import Request
from stepmill.core.service_documents import RawShape, Reference, ServiceDocument

BodyReader: TypeAlias = Callable[[bytes], Any]
# Puts what it finds in a request (its labels and its query decoded) among the parameters.
_Part: TypeAlias = Callable[[Request, Mapping[str, str], Mapping[str, list[str]], dict[str, Any]], None]


class BodyReading(Protocol):
    """Reads bodies of one service: JSON or XML."""

    def members(self, members: Mapping[str, Reference]) -> BodyReader:
        """Return a reader of the members that a body holds."""
        ...

    def payload(self, reference: Reference) -> BodyReader:
        """Return a reader of a body that is one structure."""
        ...


class Unbindable(Unreadable):
    """What is wrong is in the path, the query or a header, not in the body."""

    def below(self, name: str) -> Unbindable:
        """Return the same, told from one level further out."""
        return Unbindable(self.text, (*self.place, name))


class RestInput:
    """Reads the requests of one operation."""

    def __init__(
        self, document: ServiceDocument, reference: Reference | None, route: Route, body: BodyReading
    ) -> None:
        self._document = document
        self._route = route
        self._parts: list[_Part] = []
        self._body: Callable[[Request], dict[str, Any]] | None = None
        if reference:
            shape = document.shape(reference.shape)
            self._bind(shape, reference.payload or shape.payload, body)

    def __call__(self, request: Request) -> dict[str, Any]:
        """Return the parameters of a request.

        Raises:
            Unreadable: If a value is not of its kind.
        """
        try:
            labels = self._route.values(request.path)
            query = read_query(request.query)
        except Unreadable as error:
            raise Unbindable(error.text) from None
        found: dict[str, Any] = {}
        for part in self._parts:
            part(request, labels, query, found)
        if self._body:
            found.update(self._body(request))
        return found

    def _bind(self, shape: RawShape, payload: str, body: BodyReading) -> None:
        in_body: dict[str, Reference] = {}
        # A map of all parameters has also those that are members of their own.
        taken = frozenset(self._route.query)
        for name, reference in shape.members.items():
            if reference.location:
                self._parts.append(_part(self._document, name, reference, taken))
            elif name != payload:
                in_body[name] = reference
        if payload:
            self._body = self._payload(payload, shape.members[payload], body)
        elif in_body:
            read_members = body.members(in_body)
            self._body = lambda request: read_members(request.body)

    def _payload(
        self, name: str, reference: Reference, body: BodyReading
    ) -> Callable[[Request], dict[str, Any]]:
        place = slot(self._document, reference)
        if place.kind == "blob":
            # An empty body of a stream is an empty object, of another payload none at all.
            return lambda request: (
                {name: request.stream}
                if request.stream is not None
                else {name: request.body}
                if request.body or place.streaming
                else {}
            )
        if place.kind in ("string", "character"):
            return lambda request: {name: _decoded(request.body)} if request.body else {}
        read_payload = body.payload(reference)
        return lambda request: {name: read_payload(request.body)} if request.body else {}


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("The body is not UTF-8") from error


def _read(name: str, read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except Unreadable as error:
        raise Unbindable(error.text, (*error.place, name)) from None


def _part(document: ServiceDocument, name: str, reference: Reference, taken: frozenset[str]) -> _Part:
    wire = reference.location_name or name
    match reference.location:
        case "uri":
            return _label(name, wire, text_reader(slot(document, reference).kind))
        case "header":
            return _header(name, wire.lower(), header_reader(document, reference))
        case "headers":
            return _prefixed(name, reference.location_name)
        case "querystring":
            return _query(document, name, wire, reference, taken)
    raise AssertionError(f"A request has no {reference.location}.")


def _label(name: str, wire: str, read: TextReader) -> _Part:
    def part(
        _r: Request, labels: Mapping[str, str], _q: Mapping[str, list[str]], found: dict[str, Any]
    ) -> None:
        if wire in labels:
            found[name] = _read(name, read, labels[wire])

    return part


def _header(name: str, wire: str, read: Callable[[str], Any]) -> _Part:
    def part(
        request: Request, _l: Mapping[str, str], _q: Mapping[str, list[str]], found: dict[str, Any]
    ) -> None:
        if (value := request.headers.get(wire)) is not None:
            found[name] = _read(name, read, value)

    return part


def _prefixed(name: str, prefix: str) -> _Part:
    def part(
        request: Request, _l: Mapping[str, str], _q: Mapping[str, list[str]], found: dict[str, Any]
    ) -> None:
        if values := read_prefixed(prefix, request.headers):
            found[name] = values

    return part


def _query(
    document: ServiceDocument, name: str, wire: str, reference: Reference, taken: frozenset[str]
) -> _Part:
    place = slot(document, reference)
    if place.kind == "map":
        return _query_map(document, name, place.shape, taken)
    if place.kind == "list":
        assert place.shape.member
        element = text_reader(slot(document, place.shape.member).kind)

        def read(values: list[str]) -> Any:
            return [element(value) for value in values]
    else:
        single = text_reader(place.kind)

        def read(values: list[str]) -> Any:
            return single(values[0])

    def part(
        _r: Request, _l: Mapping[str, str], query: Mapping[str, list[str]], found: dict[str, Any]
    ) -> None:
        if wire in query:
            found[name] = _read(name, read, query[wire])

    return part


def _query_map(document: ServiceDocument, name: str, shape: RawShape, taken: frozenset[str]) -> _Part:
    assert shape.value
    in_lists = slot(document, shape.value).kind == "list"

    def part(
        _r: Request, _l: Mapping[str, str], query: Mapping[str, list[str]], found: dict[str, Any]
    ) -> None:
        values = {
            key: list(texts) if in_lists else texts[0] for key, texts in query.items() if key not in taken
        }
        if values:
            found[name] = values

    return part
