"""What an ``ItemReader`` asks for, read once from its documents.

Source: Step Functions developer guide, "ItemReader (Map)".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.jobs.items.lines import DELIMITERS
from stepmill.jobs.items.source import ItemReaderError
from stepmill.storage.objects.uri import S3Uri

CSV, JSON, JSONL, PARQUET, MANIFEST = "CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"
INVENTORY, ATHENA = "S3_INVENTORY", "ATHENA_DATA"
_LISTS = ":s3:listObjectsV2"


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A page of items that is asked for.

    Args:
        lists: Whether objects are listed, not one read.
        bucket: The bucket.
        key: Of the object; empty with ``lists``.
        prefix: With ``lists``: of the keys.
        start_after: With ``lists``: the key before the first.
        input_type: ``CSV``, ``JSON``, ``JSONL``, ``PARQUET``, ``MANIFEST``; empty: the objects themselves.
        headers: Given headers of CSV; empty: they are in the first row.
        delimiter: Of CSV.
        pointer: JSON pointer to the items of a JSON document.
        manifest: ``S3_INVENTORY``, ``ATHENA_DATA``; empty: no manifest.
        flattens: Whether the objects that are listed are read, and their items are the items.
        max_items: At most so many in all; 0: no limit.
    """

    lists: bool
    bucket: str
    key: str = ""
    prefix: str = ""
    start_after: str = ""
    input_type: str = ""
    headers: tuple[str, ...] = ()
    delimiter: str = ","
    pointer: str = ""
    manifest: str = ""
    flattens: bool = False
    max_items: int = 0


def read_request(payload: JsonObject) -> ReadRequest:
    """Return what the payload of a ``stepmill:readItems`` task asks for.

    Raises:
        ItemReaderError: If it cannot be read.
    """
    arguments = _object(payload, "arguments")
    config = _object(payload, "config")
    lists = _text(payload, "resource").endswith(_LISTS)
    bucket = _text(arguments, "Bucket")
    try:
        S3Uri(bucket, "")
    except InvalidInputError as error:
        raise ItemReaderError(error.what) from error
    if not lists and not _text(arguments, "Key"):
        raise ItemReaderError("The ItemReader names no Key.")
    return ReadRequest(
        lists=lists,
        bucket=bucket,
        key=_text(arguments, "Key"),
        prefix=_text(arguments, "Prefix"),
        start_after=_text(arguments, "StartAfter"),
        input_type=_text(config, "InputType") or ("" if lists else JSON),
        headers=_headers(config),
        delimiter=_delimiter(config),
        pointer=_text(config, "ItemsPointer"),
        manifest=_manifest(config),
        flattens=_text(config, "Transformation") == "LOAD_AND_FLATTEN",
        max_items=_max_items(config),
    )


def _manifest(config: JsonObject) -> str:
    named = _text(config, "ManifestType")
    if named not in ("", INVENTORY, ATHENA):
        raise ItemReaderError(f"ManifestType '{named[:80]}' is none of {INVENTORY}, {ATHENA}.")
    return named or (INVENTORY if _text(config, "InputType") == MANIFEST else "")


def _headers(config: JsonObject) -> tuple[str, ...]:
    headers = config.get("CSVHeaders")
    is_given = _text(config, "CSVHeaderLocation") == "GIVEN"
    if not is_given:
        return ()
    if not isinstance(headers, Sequence) or isinstance(headers, str) or not headers:
        raise ItemReaderError("CSVHeaderLocation is GIVEN, and CSVHeaders are no list of names.")
    return tuple(str(header) for header in headers)


def _delimiter(config: JsonObject) -> str:
    name = _text(config, "CSVDelimiter") or "COMMA"
    if name not in DELIMITERS:
        raise ItemReaderError(f"CSVDelimiter '{name[:80]}' is none of {', '.join(DELIMITERS)}.")
    return DELIMITERS[name]


def _max_items(config: JsonObject) -> int:
    value = config.get("MaxItems") or 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise ItemReaderError(f"MaxItems is {value!r}, not a whole number.")
    if value < 0:
        # As the service words it.
        raise ItemReaderError("field MaxItems must be positive")
    return value


def _object(document: JsonObject, name: str) -> JsonObject:
    value: Json = document.get(name) or {}
    if not isinstance(value, Mapping):
        raise ItemReaderError(f"{name} is no JSON object.")
    return value


def _text(document: JsonObject, name: str) -> str:
    value = document.get(name) or ""
    if not isinstance(value, str):
        raise ItemReaderError(f"{name} is {value!r}, not text.")
    return value
