"""Cuts objects into records.

Source: API reference, TransformInput.SplitType; the formats of MXNet's RecordIO and TensorFlow's TFRecord.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, NamedTuple

from .errors import ObjectError

TOO_MUCH = "Too much data for max payload size"
_RECORDIO_MAGIC = 0xCED7230A
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)


class Record(NamedTuple):
    """One record of an object.

    Args:
        framed: As it stands in the object.
        bare: Without what its format puts around it.
    """

    framed: bytes
    bare: bytes


def lines(source: IO[bytes], limit_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Return the lines of an object that are not empty, with their numbers, without their ends.

    Args:
        source: The object.
        limit_bytes: A longer line is an error, before it is read.

    Raises:
        ObjectError: For a line that is too long.
    """
    number = 0
    while line := source.readline(limit_bytes + 3):
        number += 1
        text = line.rstrip(b"\r\n")
        if len(text) > limit_bytes:
            raise ObjectError(f"{TOO_MUCH}: line {number} has more than {limit_bytes} bytes.")
        if text:
            yield number, text


def recordio(source: IO[bytes], limit_bytes: int) -> Iterator[Record]:
    """Return the records of a RecordIO file. See ``lines``."""
    number = 0
    while True:
        number += 1
        framed: list[bytes] = []
        bare: list[bytes] = []
        while True:
            head = _read(source, 8, number, is_first=not framed)
            if not head:
                return
            magic, size = struct.unpack("<II", head)
            part, length = size >> 29, size & (1 << 29) - 1
            if magic != _RECORDIO_MAGIC or part > _LAST or (part in (_WHOLE, _FIRST)) != (not framed):
                raise ObjectError(f"Record {number} is no record of a RecordIO file.")
            _check(sum(map(len, bare)) + length, limit_bytes, number)
            data = _read(source, length + -length % 4, number)
            if framed and part in (_MIDDLE, _LAST):
                # The writer cuts a record where its data looks like the mark, and leaves that out.
                bare.append(head[:4])
            framed += [head, data]
            bare.append(data[:length])
            if part in (_WHOLE, _LAST):
                break
        yield Record(b"".join(framed), b"".join(bare))


def tfrecord(source: IO[bytes], limit_bytes: int) -> Iterator[Record]:
    """Return the records of a TFRecord file; their checksums are not looked at. See ``lines``."""
    number = 0
    while head := _read(source, 12, number + 1, is_first=True):
        number += 1
        (length,) = struct.unpack_from("<Q", head)
        _check(length, limit_bytes, number)
        data = _read(source, length + 4, number)
        yield Record(head + data, data[:length])


def whole(source: IO[bytes], limit_bytes: int) -> bytes:
    """Return a whole object.

    Raises:
        ObjectError: If it is larger than ``limit_bytes``.
    """
    body = source.read(limit_bytes + 1)
    if len(body) > limit_bytes:
        raise ObjectError(f"{TOO_MUCH}: the object has more than {limit_bytes} bytes, and SplitType is None.")
    return body


def _read(source: IO[bytes], size: int, number: int, *, is_first: bool = False) -> bytes:
    data = source.read(size)
    if len(data) < size and (data or not is_first):
        raise ObjectError(f"The object ends within record {number}.")
    return data


def _check(length: int, limit_bytes: int, number: int) -> None:
    if length > limit_bytes:
        raise ObjectError(f"{TOO_MUCH}: record {number} has {length} bytes, more than {limit_bytes}.")
