"""Pages of a result, out of the object that holds it, without reading what comes before or after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

LARGEST_PAGE = 1000
_LONGEST_TOKEN = 18
# A value in quotes, which are doubled inside, or nothing: NULL. After it a comma, or the end of the line.
_VALUE = re.compile(rb'(?:"((?:[^"]|"")*)")?(,|\n)')
_MOST_BYTES_OF_PAGE = 64 * 1024 * 1024


@dataclass(frozen=True)
class ResultPage:
    """Some rows.

    Args:
        rows: Texts, or ``None`` for NULL.
        next_token: Of the page that follows; empty at the end.
    """

    rows: tuple[tuple[str | None, ...], ...]
    next_token: str = ""


def read_page(
    objects: ObjectStore, uri: S3Uri, token: str, limit: int, *, is_lines: bool = False
) -> ResultPage:
    """Return a page of a result.

    Args:
        objects: Where it is.
        uri: Its address.
        token: Of the page; empty: the first one.
        limit: Most rows.
        is_lines: Whether each line is one value, as those of SHOW and DESCRIBE are.

    Raises:
        InvalidInputError: If the token is none.
        NotFoundError: If the result is gone.
    """
    size = objects.head(uri).size_bytes
    begin = _offset(token, size)
    pieces = objects.chunks(uri, begin)
    buffer, position = b"", 0
    rows: list[tuple[str | None, ...]] = []
    row: list[str | None] = []
    consumed = begin
    for piece in pieces:
        buffer = buffer[position:] + piece
        position = 0
        while len(rows) < limit:
            found = _next(buffer, position, is_lines=is_lines)
            if found is None:
                break
            value, is_last, end = found
            consumed += end - position
            position = end
            row.append(value)
            if is_last:
                rows.append(tuple(row))
                row = []
        if len(rows) >= limit or consumed - begin > _MOST_BYTES_OF_PAGE:
            break
    return ResultPage(tuple(rows), str(consumed) if consumed < size and rows else "")


def _next(buffer: bytes, position: int, *, is_lines: bool) -> tuple[str | None, bool, int] | None:
    if is_lines:
        end = buffer.find(b"\n", position)
        return None if end < 0 else (buffer[position:end].decode(), True, end + 1)
    found = _VALUE.match(buffer, position)
    # A quote at the very end may be the first of two.
    if found is None:
        return None
    value = None if found[1] is None else found[1].replace(b'""', b'"').decode()
    return value, found[2] == b"\n", found.end()


def _offset(token: str, size: int) -> int:
    if not token:
        return 0
    if token.isascii() and token.isdecimal() and len(token) <= _LONGEST_TOKEN and int(token) <= size:
        return int(token)
    raise InvalidInputError("Invalid next token", where="NextToken")


def rows_of(pieces: Iterable[bytes]) -> Iterator[tuple[str | None, ...]]:
    r"""Yield the rows of a result that comes in pieces, the names of the columns first.

    Example:
        >>> list(rows_of([b'"a","b"\n"1', b'",\n']))
        [('a', 'b'), ('1', None)]
    """
    buffer, position = b"", 0
    row: list[str | None] = []
    for piece in pieces:
        buffer = buffer[position:] + piece
        position = 0
        while (found := _next(buffer, position, is_lines=False)) is not None:
            value, is_last, position = found
            row.append(value)
            if is_last:
                yield tuple(row)
                row = []
