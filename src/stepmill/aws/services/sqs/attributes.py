"""Attributes of messages: checked, kept as JSON, digested as SQS and its clients do. Pure.

Source: SQS developer guide, "Amazon SQS message metadata" and "Calculating the MD5 message digest for
message attributes".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from hashlib import md5
from typing import Any

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject

MOST_ATTRIBUTES = 10

_NAME = re.compile(r"(?!(?i:aws\.|amazon\.))(?!.*\.\.)[a-zA-Z0-9_.-]{1,256}(?<!\.)")
_TYPE = re.compile(r"(?P<kind>String|Number|Binary)(?:\.[^\x00]{1,249})?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_TEXT, _BYTES = b"\x01", b"\x02"


def text_md5(text: str) -> str:
    """Return the digest of a text, as clients check it.

    Example:
        >>> text_md5("hello")
        '5d41402abc4b2a76b9719d911017c592'
    """
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def read_attributes(
    given: Mapping[str, Mapping[str, Any]] | None, where: str, *, most: int = MOST_ATTRIBUTES
) -> JsonObject:
    """Return attributes as they are kept: binary values in base64.

    Args:
        given: Name -> ``DataType`` with ``StringValue`` or ``BinaryValue``.
        where: The member that has them.
        most: How many there may be.

    Raises:
        InvalidInputError: If there are too many, or one cannot be taken.
    """
    attributes = given or {}
    if len(attributes) > most:
        raise InvalidInputError(
            f"A message has at most {most} attributes, not {len(attributes)}.", where=where
        )
    return {name: _read(name, value, f"{where}.{name[:100]}") for name, value in attributes.items()}


def write_attributes(kept: JsonObject, names: Iterable[str]) -> dict[str, Any]:
    """Return those of the kept attributes that are asked for by name, by a beginning (``a.*``) or all.

    Example:
        >>> write_attributes({"a.b": {"DataType": "String", "StringValue": "x"}}, ["a.*"])
        {'a.b': {'DataType': 'String', 'StringValue': 'x'}}
    """
    asked = list(names)
    return {name: _write(value) for name, value in kept.items() if _is_asked(name, asked)}


def attributes_md5(kept: JsonObject) -> str:
    """Return the digest of attributes; empty if there are none."""
    if not kept:
        return ""
    digest = md5(usedforsecurity=False)
    for name in sorted(kept):
        attribute = _object(kept[name])
        for text in (name, str(attribute["DataType"])):
            _add(digest, text.encode())
        if "BinaryValue" in attribute:
            digest.update(_BYTES)
            _add(digest, base64.b64decode(str(attribute["BinaryValue"])))
        else:
            digest.update(_TEXT)
            _add(digest, str(attribute["StringValue"]).encode())
    return digest.hexdigest()


def size_of(kept: JsonObject) -> int:
    """Return how many bytes of a message its attributes are."""
    return sum(
        len(name.encode()) + sum(len(str(part).encode()) for part in _object(value).values())
        for name, value in kept.items()
    )


def _add(digest: Any, data: bytes) -> None:
    digest.update(len(data).to_bytes(4, "big"))
    digest.update(data)


def _read(name: str, value: Mapping[str, Any], where: str) -> JsonObject:
    if not _NAME.fullmatch(name):
        raise InvalidInputError(f"{name[:100]!r} cannot be the name of an attribute.", where=where)
    match = _TYPE.fullmatch(str(value["DataType"]))
    if match is None:
        raise InvalidInputError(
            f"{str(value['DataType'])[:100]!r} is no type of an attribute.",
            where=f"{where}.DataType",
            mend="Use String, Number or Binary, and a label of your own after a dot.",
        )
    kept: dict[str, Json] = {"DataType": value["DataType"]}
    if match["kind"] == "Binary":
        binary = value.get("BinaryValue")
        if not binary:
            raise InvalidInputError("An attribute must have a value.", where=f"{where}.BinaryValue")
        kept["BinaryValue"] = base64.b64encode(binary).decode()
        return kept
    text = value.get("StringValue")
    if not text:
        raise InvalidInputError("An attribute must have a value.", where=f"{where}.StringValue")
    if match["kind"] == "Number" and not _NUMBER.fullmatch(text):
        raise InvalidInputError(f"{text[:40]!r} is no number.", where=f"{where}.StringValue")
    kept["StringValue"] = text
    return kept


def _write(value: Json) -> dict[str, Any]:
    attribute: dict[str, Any] = dict(_object(value))
    if "BinaryValue" in attribute:
        attribute["BinaryValue"] = base64.b64decode(str(attribute["BinaryValue"]))
    return attribute


def _is_asked(name: str, asked: list[str]) -> bool:
    return any(
        each in ("All", ".*", name) or (each.endswith(".*") and name.startswith(each[:-1])) for each in asked
    )


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
