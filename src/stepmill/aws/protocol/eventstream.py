"""Event streams in answers: messages with a length, typed headers, a payload and two checksums.

No service that is served takes a stream of events from its clients.

Source: Smithy, "Amazon Event Stream": prelude of total and header length with its CRC-32, headers,
payload, CRC-32 of all before it; numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias
from zlib import crc32

from stepmill.aws.protocol.model import slot
from stepmill.aws.protocol.timestamps import Moment, moment_of
from stepmill.core.service_documents import RawShape, Reference, ServiceDocument

_PRELUDE = struct.Struct(">II")
_CHECKSUM = struct.Struct(">I")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Types of headers.
_TRUE, _FALSE, _INTEGER, _LONG, _BYTES, _STRING, _MOMENT = 0, 1, 4, 5, 6, 7, 8

Header: TypeAlias = "str | bytes | bool | int | datetime"
PayloadWriter: TypeAlias = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream."""

    headers: Mapping[str, Header]
    payload: bytes = b""


def encode(message: Message) -> bytes:
    """Return the bytes of a message."""
    headers = b"".join(_encode_header(name, value) for name, value in message.headers.items())
    total = 8 + 4 + len(headers) + len(message.payload) + 4
    prelude = _PRELUDE.pack(total, len(headers))
    content = prelude + _CHECKSUM.pack(crc32(prelude)) + headers + message.payload
    return content + _CHECKSUM.pack(crc32(content))


def _encode_header(name: str, value: Header) -> bytes:
    raw = name.encode()
    start = bytes((len(raw),)) + raw
    match value:
        case bool():
            return start + bytes((_TRUE if value else _FALSE,))
        case int() if -(1 << 31) <= value < 1 << 31:
            return start + struct.pack(">Bi", _INTEGER, value)
        case int():
            return start + struct.pack(">Bq", _LONG, value)
        case bytes():
            return start + struct.pack(">BH", _BYTES, len(value)) + value
        case datetime():
            return start + struct.pack(">Bq", _MOMENT, (value - _EPOCH) // timedelta(milliseconds=1))
    text = value.encode()
    return start + struct.pack(">BH", _STRING, len(text)) + text


class EventWriting:
    """Writes the events of one service's answers.

    Args:
        document: The model.
        content_type: Of payloads that are structures.
        structure: Makes the writer of a structure.
    """

    def __init__(
        self,
        document: ServiceDocument,
        content_type: str,
        structure: Callable[[Mapping[str, Reference]], PayloadWriter],
    ) -> None:
        self._document = document
        self._content_type = content_type
        self._structure = structure

    def stream(self, shape: RawShape) -> Callable[[Iterable[Mapping[str, Any]]], Iterator[bytes]]:
        """Return a writer of streams of these events: each a mapping of its name to its members."""
        plans = {
            name: self._event(name, slot(self._document, reference).shape)
            for name, reference in shape.members.items()
        }

        def write(events: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
            for event in events:
                for name, value in event.items():
                    if name in plans and value is not None:
                        yield encode(plans[name](value))

        return write

    def initial(self, payload: bytes) -> bytes:
        """Return the message that the JSON protocols send before the events: the other members."""
        headers = {
            ":message-type": "event",
            ":event-type": "initial-response",
            ":content-type": self._content_type,
        }
        return encode(Message(headers, payload))

    def _event(self, name: str, shape: RawShape) -> Callable[[Mapping[str, Any]], Message]:
        kind = "exception" if shape.exception else "event"
        headers: dict[str, Header] = {":message-type": kind, f":{kind}-type": name}
        in_headers = {
            member: slot(self._document, reference).kind
            for member, reference in shape.members.items()
            if reference.eventheader
        }
        content_type, write_payload = self._payload(shape, frozenset(in_headers))
        if content_type:
            headers[":content-type"] = content_type

        def write(value: Mapping[str, Any]) -> Message:
            more = {
                member: _header(kind, value[member])
                for member, kind in in_headers.items()
                if value.get(member) is not None
            }
            return Message({**headers, **more}, write_payload(value))

        return write

    def _payload(self, shape: RawShape, in_headers: frozenset[str]) -> tuple[str, PayloadWriter]:
        for member, reference in shape.members.items():
            if not reference.eventpayload:
                continue
            place = slot(self._document, reference)
            if place.kind in ("blob", "string"):
                content_type = "application/octet-stream" if place.kind == "blob" else "text/plain"
                return content_type, _of_member(member, _bytes)
            write = self._structure(place.shape.members)
            return self._content_type, _of_member(member, partial(_or_empty, write))
        rest = {name: reference for name, reference in shape.members.items() if name not in in_headers}
        if not rest:
            return "", lambda _: b""
        return self._content_type, self._structure(rest)


def _or_empty(write: PayloadWriter, value: Any) -> bytes:
    return write(value or {})


def _of_member(member: str, write: PayloadWriter) -> PayloadWriter:
    return lambda value: write(value.get(member))


def _bytes(value: bytes | str | None) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value or b"")


def _header(kind: str, value: Any) -> Header:
    if kind == "timestamp":
        moment: Moment = value
        return moment_of(moment)
    header: Header = value
    return header
