"""JSON: its Python types, a reader that fears no input, and one canonical text for hashing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from stepmill.core.errors import InvalidInputError

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
    JsonObject: TypeAlias = Mapping[str, Json]
else:
    # msgspec reads annotations at run time and knows no recursive types; JSON is all it decodes anyway.
    Json = Any
    JsonObject = dict[str, Any]

# Deeper documents are attacks, not pipelines: every walk over a document may recurse this far, well
# below CPython's own limit of 1,000 frames.
DEEPEST_NESTING = 200


def read_json(text: str | bytes, *, where: str = "") -> Json:
    """Read a JSON text strictly (RFC 8259).

    Raises:
        InvalidInputError: If the text is not JSON, not UTF-8, or nested deeper than
            ``DEEPEST_NESTING``.
    """
    try:
        value: Json = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidInputError(f"This is not valid JSON: {_fault(text, error)}.", where=where) from error
    # What has fewer brackets than that cannot be deeper: to count them costs far less than to walk.
    if _brackets(text) > DEEPEST_NESTING and _is_deeper_than(value, DEEPEST_NESTING):
        raise InvalidInputError(
            f"The document is nested deeper than {DEEPEST_NESTING} levels.", where=where, mend="Flatten it."
        )
    return value


def _brackets(text: str | bytes) -> int:
    return text.count("{") + text.count("[") if isinstance(text, str) else text.count(b"{") + text.count(b"[")


def _fault(text: str | bytes, error: Exception) -> str:
    """Return what is wrong with a text that is not JSON, with the line if that can be told."""
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    try:
        json.loads((text.encode() if isinstance(text, str) else text).decode())
    except UnicodeError:
        return "it is not UTF-8"
    except json.JSONDecodeError as second:
        said = second.msg[:1].lower() + second.msg[1:]
        return f"{said}, in line {second.lineno}, column {second.colno}"
    except (ValueError, RecursionError):
        pass
    # What Python reads, and RFC 8259 does not allow: NaN, for one.
    return str(error)


def object_of(value: Json) -> JsonObject:
    """Return an object; an empty one for what is none.

    Example:
        >>> object_of({"a": 1}), object_of([1]), object_of(None)
        ({'a': 1}, {}, {})
    """
    # A dictionary is known at once, and is what nearly all are; other mappings are looked up.
    return value if isinstance(value, dict | Mapping) else {}


def objects_of(value: Json) -> list[JsonObject]:
    """Return the objects in a list; none of what is no list.

    Example:
        >>> objects_of([{"a": 1}, 2, {}]), objects_of({"a": 1}), objects_of("ab")
        ([{'a': 1}, {}], [], [])
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [one for one in value if isinstance(one, Mapping)]


def write_json(value: object) -> str:
    """Return the compact JSON text of a value, keys in their order."""
    return msgspec.json.encode(value).decode()


def canonical_json(value: object) -> bytes:
    """Return one text for equal values: compact, keys sorted. For hashing and comparing."""
    return msgspec.json.encode(value, order="deterministic")


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of a value, in lower-case hexadecimal."""
    return sha256(canonical_json(value)).hexdigest()


def _is_deeper_than(value: Json, levels: int) -> bool:
    """Walk level by level, so that a hostile document cannot exhaust the stack."""
    layer: list[Json] = [value]
    for _ in range(levels):
        below: list[Json] = []
        for item in layer:
            if isinstance(item, Mapping):
                below.extend(item.values())
            elif isinstance(item, Sequence) and not isinstance(item, str):
                below.extend(item)
        if not below:
            return False
        layer = below
    return True
