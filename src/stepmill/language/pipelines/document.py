"""From what a caller hands over to a JSON object, strictly: no key twice, nothing that is not JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import msgspec

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.collector import Collector
from stepmill.language.pipelines.places import ROOT, Place, show

# Source: botocore, shape PipelineDefinition, maximum.
MOST_BYTES = 1_048_576


def load(document: str | bytes | JsonObject, collector: Collector) -> JsonObject | None:
    """Return the document as a JSON object; ``None``, with a finding, if it is none."""
    try:
        text = document if isinstance(document, str | bytes) else _written(document)
        value = read_json(text)
    except InvalidInputError as error:
        collector.add(Code.NOT_JSON, ROOT, error.what, error.mend)
        return None
    size_bytes = len(text) if isinstance(text, bytes) else len(text.encode())
    if size_bytes > MOST_BYTES:
        message = f"The document has {size_bytes:,} bytes; AWS allows {MOST_BYTES:,}."
        collector.add(Code.AWS_LIMIT, ROOT, message)
    if isinstance(document, str | bytes):
        _find_duplicate_keys(text, collector)
    if not isinstance(value, Mapping):
        collector.add(Code.WRONG_TYPE, ROOT, f"A definition is an object, not {show(value)}.")
        return None
    return value


def _written(document: object) -> str:
    try:
        return write_json(document)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidInputError(f"This cannot be written as JSON: {error}.") from error


class _Doubled(dict[str, Json]):
    """An object in which a key stands twice."""

    keys_twice: tuple[str, ...] = ()


def _find_duplicate_keys(text: str | bytes, collector: Collector) -> None:
    """Read the text once more, because a reader of JSON keeps the last of equal keys in silence."""
    found: list[_Doubled] = []

    def pairs_hook(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        plain = dict(pairs)
        if len(plain) == len(pairs):
            return plain
        doubled = _Doubled(plain)
        times = Counter(key for key, _ in pairs)
        doubled.keys_twice = tuple(key for key in plain if times[key] > 1)
        found.append(doubled)
        return doubled

    # Numbers are not looked at: an integer of thousands of digits costs time, and CPython refuses it.
    value = json.loads(text, object_pairs_hook=pairs_hook, parse_int=len, parse_float=len)
    if found:
        _report(value, collector)


def _report(value: Json, collector: Collector) -> None:
    waiting: list[tuple[Place, Json]] = [(ROOT, value)]
    while waiting:
        place, item = waiting.pop()
        if isinstance(item, _Doubled):
            for key in item.keys_twice:
                collector.add(Code.DUPLICATE_KEY, place / key, f"{show(key)} stands twice in one object.")
        if isinstance(item, Mapping):
            waiting.extend((place / key, below) for key, below in item.items())
        elif isinstance(item, list):
            waiting.extend((place / index, below) for index, below in enumerate(item))
