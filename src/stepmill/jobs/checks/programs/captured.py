"""Inferences that an endpoint has captured: what they are for preprocessing scripts, and for the analyzer.

Source: developer guide, "Capture data from real-time endpoint" for the lines, "Preprocessing and
Postprocessing" for the names of the attributes, "Create a baseline": prediction columns come first.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .documents import object_of
from .errors import CustomerError
from .flattening import flattened

INPUT, OUTPUT = "endpointInput", "endpointOutput"
BATCH_OUTPUT, GROUND_TRUTH = "batchTransformOutput", "groundTruthData"
# As columns follow one another.
_ORDER = (OUTPUT, BATCH_OUTPUT, INPUT, GROUND_TRUTH)
_CAPTURE, _METADATA, _VERSION = "captureData", "eventMetadata", "eventVersion"
_POSITION = "_c"


class EventMetadata:
    """What is said of an inference: its id, its time, and the caller's own attributes."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.event_id = said.get("eventId")
        self.event_time = said.get("inferenceTime")
        self.custom_attribute = said.get("customAttributes")


class EventData:
    """What went in, or came out."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.encoding = said.get("encoding")
        self.data = said.get("data")
        self.observedContentType = said.get("observedContentType")
        self.mode = said.get("mode")

    def as_dict(self) -> dict[str, Any]:
        """Return what a script may have changed."""
        return {
            "encoding": self.encoding,
            "data": self.data,
            "observedContentType": self.observedContentType,
        }


class CapturedData:
    """One inference, as preprocessing scripts get it.

    Args:
        event_dict: The line of the captured data.
    """

    def __init__(self, event_dict: Mapping[str, Any]) -> None:
        self.event_dict = dict(event_dict)
        capture = object_of(self.event_dict.get(_CAPTURE))
        self.event_metadata = _made(EventMetadata, self.event_dict.get(_METADATA))
        self.endpoint_input = _made(EventData, capture.get(INPUT))
        self.endpoint_output = _made(EventData, capture.get(OUTPUT))
        self.batch_transform_output = _made(EventData, capture.get(BATCH_OUTPUT))
        self.ground_truth = _made(EventData, self.event_dict.get(GROUND_TRUTH))
        self.event_version = self.event_dict.get(_VERSION)

    def part(self, name: str) -> EventData | None:
        """Return a part, by its name in the line: ``endpointInput`` ..."""
        parts: dict[str, EventData | None] = {
            INPUT: self.endpoint_input,
            OUTPUT: self.endpoint_output,
            BATCH_OUTPUT: self.batch_transform_output,
            GROUND_TRUTH: self.ground_truth,
        }
        return parts[name]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a line of captured data, with what a script has changed."""
        capture = dict(object_of(self.event_dict.get(_CAPTURE)))
        for name in (INPUT, OUTPUT, BATCH_OUTPUT):
            part = self.part(name)
            if part is not None:
                capture[name] = part.as_dict()
        return {**self.event_dict, _CAPTURE: capture}

    def __str__(self) -> str:
        """Return the line."""
        return str(self.as_dict())


def read_captured(line: str, where: str) -> CapturedData:
    """Read a line of captured data.

    Raises:
        CustomerError: If it is none.
    """
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CustomerError(f"{where}: this is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get(_CAPTURE), dict):
        raise CustomerError(f"{where}: this is no captured data: an object with captureData is expected.")
    return CapturedData(document)


def captured_row(row: Sequence[str | None] | Mapping[str, str | None]) -> CapturedData:
    """Return a row of a data set as if it had come in at an endpoint that answered nothing.

    Args:
        row: Its values, which become CSV, or a record, which becomes JSON.
    """
    if isinstance(row, Mapping):
        encoding, content_type, data = "JSON", "application/json", json.dumps(row)
    else:
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(["" if cell is None else cell for cell in row])
        encoding, content_type, data = "CSV", "text/csv", text.getvalue()
    common = {"encoding": encoding, "observedContentType": content_type}
    return CapturedData(
        {
            _CAPTURE: {
                INPUT: {**common, "mode": "INPUT", "data": data},
                OUTPUT: {**common, "mode": "OUTPUT", "data": ""},
            },
            _METADATA: {},
            _VERSION: "0",
        }
    )


def records_of(
    captured: CapturedData, where: str, *, sides: Sequence[str] = (), prefixed: bool = False
) -> Iterator[dict[str, str | None]]:
    """Return the records of an inference; of a request for several predictions each.

    Args:
        captured: The inference.
        where: It stands, for errors.
        sides: Which parts of it count; empty: all.
        prefixed: Whether names tell which part a value comes from: ``endpointOutput_0``. Else values without
            names are called ``_c0``, ``_c1`` ..., those of the output first.

    Raises:
        CustomerError: If a part cannot be read, or the parts have different numbers of records.
    """
    parts = {}
    for name in _ORDER:
        part = captured.part(name)
        if part is not None and (not sides or name in sides or name == GROUND_TRUTH):
            parts[name] = _rows(part, f"{where}, {name}")
    counts = {len(rows) for rows in parts.values() if rows}
    if len(counts) > 1:
        raise CustomerError(
            f"{where}: input and output have {' and '.join(map(str, sorted(counts)))} records, and which "
            "belong together is not known. Give a record_preprocessor_script."
        )
    for number in range(max(counts, default=0)):
        values = {name: rows[number] for name, rows in parts.items() if rows}
        yield flattened(values, where) if prefixed else _joined(values, where)


def _joined(values: Mapping[str, Any], where: str) -> dict[str, str | None]:
    found: dict[str, Any] = {}
    position = 0
    for value in values.values():
        if isinstance(value, dict):
            named = value
        else:
            named = {f"{_POSITION}{position + index}": one for index, one in enumerate(value)}
            position += len(value)
        if twice := next((name for name in named if name in found), None):
            raise CustomerError(
                f"{where}: input and output both have {twice[:100]!r}. Give a record_preprocessor_script."
            )
        found |= named
    return flattened(found, where)


def positional(names: Sequence[str]) -> bool:
    """Return whether columns have no names of their own."""
    return list(names) == [f"{_POSITION}{index}" for index in range(len(names))]


def _rows(part: EventData, where: str) -> list[Any]:
    """Return the records of a part: each a list of values, or a dict."""
    text, kind = _decoded(part, where)
    if not text.strip():
        return []
    try:
        if kind == "CSV":
            return [[cell or None for cell in row] for row in csv.reader(text.splitlines()) if row]
        if kind == "JSONLINES":
            return [_record(json.loads(line)) for line in text.splitlines() if line.strip()]
        value = json.loads(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise CustomerError(f"{where}: the data is not {kind}: {str(error)[:200]}") from error
    if isinstance(value, list) and value and all(isinstance(one, dict | list) for one in value):
        return value
    return [_record(value)]


def _record(value: Any) -> Any:
    return value if isinstance(value, dict | list) else [value]


def _decoded(part: EventData, where: str) -> tuple[str, str]:
    """Return the text of a part, and whether it is CSV, JSON or JSON Lines."""
    data, encoding = part.data, str(part.encoding or "").upper()
    content_type = str(part.observedContentType or "").partition(";")[0].strip().lower()
    if data is None:
        return "", "CSV"
    if isinstance(data, dict | list):
        return json.dumps(data), "JSON"
    text = str(data)
    if encoding == "BASE64":
        try:
            text = base64.b64decode(text, validate=True).decode("utf-8")
        except ValueError as error:
            raise CustomerError(
                f"{where}: the data is no text. Give a record_preprocessor_script, or capture its content "
                "type as CSV or JSON: CaptureContentTypeHeader."
            ) from error
    if content_type in ("application/jsonlines", "application/x-jsonlines"):
        return text, "JSONLINES"
    if encoding in ("CSV", "JSON"):
        return text, encoding
    return text, "JSON" if "json" in content_type else "CSV"


def _made(kind: Any, said: object) -> Any:
    return kind(said) if isinstance(said, dict) else None
