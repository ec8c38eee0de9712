"""Items that are lines: JSON lines, and the records of text with delimiters.

Source: Step Functions developer guide, "ItemReader (Map)": parsing of text-delimited files.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject, read_json
from stepmill.jobs.items.source import ItemReaderError, Placed, number_in

# Opens a file at its beginning; whoever reads it closes it.
Opener: TypeAlias = Callable[[], BinaryIO]

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
# Source: the guide: headers of up to 10 KiB, items of up to 8 MB.
_LARGEST_HEADER = 10 * 1024
_LONGEST_LINE = 8 * 1024 * 1024

csv.field_size_limit(_LONGEST_LINE)


class JsonLines:
    """Each line is an item. Empty lines are none.

    Args:
        open_: Opens the file.
    """

    def __init__(self, open_: Opener) -> None:
        self._open = open_

    def items(self, cursor: JsonObject) -> Iterator[Placed]:
        """See ``ItemSource``."""
        with self._open() as file:
            lines = _Lines(file, number_in(cursor, "offset"))
            for line in lines:
                if not line.strip():
                    continue
                try:
                    item = read_json(line.encode())
                except InvalidInputError as error:
                    raise ItemReaderError(f"A line is not JSON: {error.what}") from error
                yield item, {"offset": lines.offset}


class DelimitedRecords:
    """Each record is an item: an object with a text for each header.

    What a record has beyond the headers is left out; what it lacks is empty.

    Args:
        open_: Opens the file.
        headers: Names of the fields; empty: the first record has them.
        delimiter: One character.
    """

    def __init__(self, open_: Opener, headers: Sequence[str] = (), delimiter: str = ",") -> None:
        self._open = open_
        self._headers = tuple(headers)
        self._delimiter = delimiter

    def items(self, cursor: JsonObject) -> Iterator[Placed]:
        """See ``ItemSource``."""
        with self._open() as file:
            lines = _Lines(file)
            records = self._records(lines)
            headers = self._headers or _header_of(records)
            offset = number_in(cursor, "offset")
            if offset > lines.offset:
                lines = _Lines(file, offset)
                records = self._records(lines)
            for record in records:
                if not record:
                    continue
                fields = (*record, *([""] * (len(headers) - len(record))))
                yield dict(zip(headers, fields, strict=False)), {"offset": lines.offset}

    def _records(self, lines: _Lines) -> Iterator[list[str]]:
        reader = csv.reader(lines, delimiter=self._delimiter, escapechar="\\")
        try:
            yield from reader
        except csv.Error as error:
            raise ItemReaderError(f"The file cannot be read as delimited text: {error}.") from error


class _Lines:
    """The lines of a file as text, and the offset of what was not read yet."""

    def __init__(self, file: BinaryIO, offset: int = 0) -> None:
        self._file = file
        self.offset = offset
        file.seek(offset)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(_LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        if len(line) > _LONGEST_LINE:
            raise ItemReaderError(f"A line is longer than {_LONGEST_LINE} bytes.")
        is_first = self.offset == 0
        self.offset += len(line)
        try:
            return line.decode("utf-8-sig" if is_first else "utf-8")
        except UnicodeDecodeError as error:
            raise ItemReaderError("The file is not text in UTF-8.") from error


def _header_of(records: Iterator[list[str]]) -> tuple[str, ...]:
    header = next((record for record in records if record), None)
    if header is None:
        raise ItemReaderError("The file is empty: there is no row with headers.")
    if sum(len(name) for name in header) > _LARGEST_HEADER:
        raise ItemReaderError(f"The headers are longer than {_LARGEST_HEADER} bytes.")
    return tuple(header)
