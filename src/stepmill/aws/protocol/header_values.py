"""Values in headers: single ones, lists with commas, JSON in base64, and headers that share a prefix."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from stepmill.aws.protocol.json_values import read_document
from stepmill.aws.protocol.model import Slot, slot
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.scalars import TextReader, TextWriter, read_blob, text_reader, text_writer
from stepmill.core.json import write_json
from stepmill.core.service_documents import Reference, ServiceDocument

HeaderReader: TypeAlias = Callable[[str], Any]
HeaderWriter: TypeAlias = Callable[[Any], str]

# An element of a list: quoted, with escapes, or without commas.
_ELEMENT = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*?))\s*(?:,|\Z)')
# Dates of HTTP have a comma of their own.
_DATES = re.compile(r"[^,]+,[^,]+")
_TO_QUOTE = re.compile(r'[",\\]|^\s|\s$')
# A line break would end the header, and begin another one.
_BREAKS = re.compile(r"[\r\n\x00]")


def header_reader(document: ServiceDocument, reference: Reference) -> HeaderReader:
    """Return what reads a member from a header."""
    place = slot(document, reference)
    if reference.jsonvalue:
        return _read_json
    if place.kind == "list":
        assert place.shape.member
        element = slot(document, place.shape.member)
        return _list_reader(element, text_reader(element.kind))
    return text_reader(place.kind)


def header_writer(document: ServiceDocument, reference: Reference) -> HeaderWriter:
    """Return what writes a member as a header; line breaks become spaces."""
    place = slot(document, reference)
    if reference.jsonvalue:
        return _write_json
    if place.kind == "list":
        assert place.shape.member
        element = slot(document, place.shape.member)
        quotes = element.kind == "string"
        return _list_writer(text_writer(element.kind, element.timestamp_format or "rfc822"), quotes=quotes)
    write = text_writer(place.kind, place.timestamp_format or "rfc822")
    return lambda value: _BREAKS.sub(" ", write(value))


def read_prefixed(prefix: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that begin with a prefix, by the rest of their name."""
    prefix = prefix.lower()
    return {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}


def write_prefixed(prefix: str, value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return headers whose names begin with a prefix."""
    return [(_BREAKS.sub("", prefix + name), _BREAKS.sub(" ", str(text))) for name, text in value.items()]


def _list_reader(element: Slot, read: TextReader) -> HeaderReader:
    if element.kind == "timestamp" and element.timestamp_format.lower() in ("", "rfc822"):
        return lambda text: [read(date.strip()) for date in _DATES.findall(text)]
    return lambda text: [read(part) for part in _split(text)]


def _split(text: str) -> list[str]:
    parts = []
    position = 0
    while position < len(text):
        matched = _ELEMENT.match(text, position)
        if not matched:
            raise Unreadable("The header is not a list")
        quoted, plain = matched.groups()
        parts.append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        position = matched.end()
    return parts


def _list_writer(write: TextWriter, *, quotes: bool) -> HeaderWriter:
    def quote(text: str) -> str:
        if quotes and _TO_QUOTE.search(text):
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return text

    def write_list(value: Sequence[Any]) -> str:
        return ", ".join(quote(_BREAKS.sub(" ", write(below))) for below in value)

    return write_list


def _read_json(text: str) -> Any:
    return read_document(read_blob(text))


def _write_json(value: object) -> str:
    return b64encode(write_json(value).encode()).decode()
