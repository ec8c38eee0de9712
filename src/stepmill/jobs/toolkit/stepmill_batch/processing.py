"""Filters records on their way to the model, joins them with what it answers, and filters that.

Source: API reference, DataProcessing; developer guide, "Associate Prediction Results with Input Records".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ObjectError, PathError
from .paths import Indexes, Path, Range

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
# Those whose records can be told apart, and so be filtered, joined or marked.
RECORD_TYPES = (CSV, JSON, JSON_LINES)
INPUT = "SageMakerInput"
OUTPUT = "SageMakerOutput"


def media_type(header: str) -> str:
    """Return a content type without its parameters.

    Example:
        >>> media_type("Text/CSV; charset=utf-8")
        'text/csv'
    """
    return header.partition(";")[0].strip().lower()


def stored_type(content_type: str, accept: str, *, join: bool) -> str:
    """Return the content type of what is filtered on its way out.

    Args:
        content_type: Of the records.
        accept: Of the answers; may be empty.
        join: Whether records are joined with the answers to them.
    """
    return content_type if join or not accept else media_type(accept)


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines that are not empty, without their ends."""
    return [line.rstrip(b"\r") for line in data.split(b"\n") if line.strip(b"\r")]


@dataclass(frozen=True)
class Processing:
    """What is done to records beside sending them.

    Args:
        input_filter: What of a record is sent.
        output_filter: What of the joined record is stored.
        join: Whether records are joined with what the model answers.
        is_csv: Whether records are rows of CSV; else they are JSON.
    """

    input_filter: Path
    output_filter: Path
    join: bool
    is_csv: bool

    def sent(self, record: bytes) -> bytes:
        """Return what of a record is sent.

        Raises:
            ObjectError: If the filter does not fit it, or it is not what it should be.
        """
        if self.input_filter.is_everything:
            return record
        try:
            if self.is_csv:
                return _selected_of_row(self.input_filter, record)
            return json_of(self.input_filter.select(parsed(record)))
        except PathError as error:
            raise ObjectError(str(error)) from error

    def stored(self, records: Sequence[bytes], body: bytes, content_type: str) -> list[bytes]:
        """Return what is stored for the records of one request.

        Args:
            records: As they stand in the object.
            body: What the model has answered to all of them.
            content_type: Of ``body``.

        Raises:
            ObjectError: If the answer has not one record for each that was sent, or a filter does not fit.
        """
        try:
            if self.gives_rows(content_type):
                return self._rows(records, body, content_type)
            return self._objects(records, body)
        except PathError as error:
            raise ObjectError(str(error)) from error

    def gives_rows(self, content_type: str) -> bool:
        """Return whether what is stored are rows of CSV, and not JSON.

        What is joined has the form of the records; answers alone have a form of their own.

        Args:
            content_type: Of the answers.
        """
        if self.join or content_type not in RECORD_TYPES:
            return self.is_csv
        return content_type == CSV

    def _rows(self, records: Sequence[bytes], body: bytes, content_type: str) -> list[bytes]:
        if content_type.startswith(JSON) and content_type != JSON_LINES:
            answers = [_as_row(value) for value in _json_answers(body, len(records))]
        else:
            answers = lines_of(body)
        _check_count(len(answers), len(records))
        joined = answers
        if self.join:
            joined = [b"%s,%s" % pair for pair in zip(records, answers)]
        if self.output_filter.is_everything:
            return joined
        return [_selected_of_row(self.output_filter, row) for row in joined]

    def _objects(self, records: Sequence[bytes], body: bytes) -> list[bytes]:
        answers = _json_answers(body, len(records))
        _check_count(len(answers), len(records))
        if self.join:
            answers = [_joined(parsed(record), answer) for record, answer in zip(records, answers)]
        return [json_of(self.output_filter.select(answer)) for answer in answers]


def fields(row: bytes) -> list[bytes]:
    """Return the fields of a row of CSV as they stand there, quotation marks and all.

    Example:
        >>> fields(b'1,"a,b",')
        [b'1', b'"a,b"', b'']
    """
    if b'"' not in row:
        return row.split(b",")
    found, begin, is_quoted = [], 0, False
    for place, character in enumerate(row):
        if character == 0x22:
            is_quoted = not is_quoted
        elif character == 0x2C and not is_quoted:
            found.append(row[begin:place])
            begin = place + 1
    return [*found, row[begin:]]


def _selected_of_row(path: Path, row: bytes) -> bytes:
    step = path.steps[0]
    if isinstance(step, Range) and step.end is None and step.start and step.start > 0 and b'"' not in row:
        # Without looking at what is kept: the usual way to leave out an identifier.
        parts = row.split(b",", step.start)
        if len(parts) > step.start:
            return parts[-1]
    cells = fields(row)
    if isinstance(step, Indexes) and len(step.indexes) > 1:
        try:
            return b",".join([cells[index] for index in step.indexes])
        except IndexError:
            pass  # said below
    found = path.select(cells)
    return b",".join(found) if isinstance(found, list) else bytes(found)


def _as_row(value: Any) -> bytes:
    return b",".join(map(_cell, value)) if isinstance(value, list) else _cell(value)


def _cell(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if any(character in text for character in ',"\r\n'):
        text = '"{}"'.format(text.replace('"', '""'))
    return text.encode("utf-8")


def _joined(record: Any, answer: Any) -> Any:
    if isinstance(record, dict):
        return {**record, OUTPUT: answer}
    return {INPUT: record, OUTPUT: answer}


def _json_answers(body: bytes, count: int) -> list[Any]:
    """Return the records of an answer: its lines if they are as many, else the elements of its array."""
    texts = [line for line in body.splitlines() if line.strip()]
    if len(texts) == count and (count > 1 or len(texts) == 1):
        try:
            return [parsed(line) for line in texts]
        except ObjectError:
            pass
    whole = parsed(body)
    if count == 1:
        return [whole]
    if isinstance(whole, list):
        return whole
    return [whole]


def _check_count(answered: int, sent: int) -> None:
    if answered != sent:
        raise ObjectError(
            f"The model has answered {answered} records to {sent}, so they cannot be joined or filtered one "
            "by one. Set BatchStrategy to SingleRecord, or Accept to what gives a line for each record."
        )


def parsed(text: bytes) -> Any:
    """Return the value that JSON stands for.

    Raises:
        ObjectError: If it is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        shown = text[:100].decode("utf-8", "replace")
        raise ObjectError(f"This is not JSON: {shown!r}: {error}") from error


def json_of(value: Any) -> bytes:
    """Return a value as JSON, on one line, without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
