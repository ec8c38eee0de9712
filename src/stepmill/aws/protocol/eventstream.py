"""Event streams: messages with a length, typed headers, a payload and two checksums.

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
from uuid import UUID
from zlib import crc32

from stepmill.aws.protocol.model import slot
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.timestamps import Moment, moment_of
from stepmill.core.service_documents import RawShape, Reference, ServiceDocument

# Smithy's limits: 24 MiB of payload, 128 KiB of headers.
_MOST_HEADERS = 128 * 1024
_MOST_PAYLOAD = 24 * 1024 * 1024
_PRELUDE = struct.Struct(">II")
_CHECKSUM = struct.Struct(">I")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE, _FALSE, _BYTE, _SHORT, _INTEGER, _LONG, _BYTES, _STRING, _MOMENT, _UUID = range(10)

Header: TypeAlias = "str | bytes | bool | int | datetime | UUID"
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


def decode(pieces: Iterable[bytes]) -> Iterator[Message]:
    """Give the messages of a stream as they become whole.

    Raises:
        Unreadable: If a checksum is wrong, a message too large, or the stream ends within one.
    """
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= 12:
            total = _total_length(buffer)
            if len(buffer) < total:
                break
            yield _decode_one(bytes(buffer[:total]))
            del buffer[:total]
    if buffer:
        raise Unreadable("The event stream ends within a message")


def _total_length(buffer: bytearray) -> int:
    total, headers = _PRELUDE.unpack_from(buffer)
    if _CHECKSUM.unpack_from(buffer, 8)[0] != crc32(buffer[:8]):
        raise Unreadable("The checksum of an event's prelude is wrong")
    if headers > _MOST_HEADERS or not 16 + headers <= total <= 16 + headers + _MOST_PAYLOAD:
        raise Unreadable("An event of the stream is too large")
    return int(total)


def _decode_one(raw: bytes) -> Message:
    if _CHECKSUM.unpack_from(raw, len(raw) - 4)[0] != crc32(raw[:-4]):
        raise Unreadable("The checksum of an event is wrong")
    end = 12 + _PRELUDE.unpack_from(raw)[1]
    try:
        return Message(_decode_headers(raw[12:end]), raw[end:-4])
    except (struct.error, IndexError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise Unreadable("The headers of an event cannot be read") from error


def _encode_header(name: str, value: Header) -> bytes:
    raw = name.encode()
    start = bytes((len(raw),)) + raw
    match value:
        case bool():
            return start + bytes((_TRUE if value else _FALSE,))
        case int():
            return start + struct.pack(
                ">Bi" if -(1 << 31) <= value < 1 << 31 else ">Bq",
                _INTEGER if -(1 << 31) <= value < 1 << 31 else _LONG,
                value,
            )
        case str():
            text = value.encode()
            return start + struct.pack(">BH", _STRING, len(text)) + text
        case bytes():
            return start + struct.pack(">BH", _BYTES, len(value)) + value
        case datetime():
            return start + struct.pack(">Bq", _MOMENT, (value - _EPOCH) // timedelta(milliseconds=1))
    return start + bytes((_UUID,)) + value.bytes


def _decode_headers(raw: bytes) -> dict[str, Header]:
    headers: dict[str, Header] = {}
    position = 0
    while position < len(raw):
        end = position + 1 + raw[position]
        name = raw[position + 1 : end].decode()
        headers[name], position = _decode_value(raw, raw[end], end + 1)
    return headers


def _decode_value(raw: bytes, kind: int, at: int) -> tuple[Header, int]:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in _NUMBERS:
        number = _NUMBERS[kind]
        return int(number.unpack_from(raw, at)[0]), at + number.size
    if kind in (_BYTES, _STRING):
        end = at + 2 + int(struct.unpack_from(">H", raw, at)[0])
        if end > len(raw):
            raise IndexError(end)
        return (raw[at + 2 : end].decode() if kind == _STRING else raw[at + 2 : end]), end
    if kind == _MOMENT:
        return _EPOCH + timedelta(milliseconds=struct.unpack_from(">q", raw, at)[0]), at + 8
    if kind == _UUID:
        return UUID(bytes=raw[at : at + 16]), at + 16
    raise Unreadable("A header of an event has a type that is not known")


_NUMBERS = {
    _BYTE: struct.Struct(">b"),
    _SHORT: struct.Struct(">h"),
    _INTEGER: struct.Struct(">i"),
    _LONG: struct.Struct(">q"),
}


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
