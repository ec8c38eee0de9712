"""What a process of queries and whoever asks it say to one another: frames of a kind and some bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import BinaryIO

_HEAD = struct.Struct(">BI")
# A frame is a piece of a result, or a request with all the names of its files.
LARGEST_FRAME = 256 * 1024 * 1024


class Kind(IntEnum):
    """Of a frame."""

    READY = 1  # JSON: a process can take a request; what its sandbox lacks
    REQUEST = 2  # JSON
    COLUMNS = 3  # JSON: names and types of the result
    DATA = 4  # bytes of the result
    FAILED = 5  # JSON: what is wrong
    DONE = 6  # JSON: the count of rows


class ClosedError(Exception):
    """The other side is gone."""


def write_frame(write: Callable[[bytes], object], kind: Kind, data: bytes) -> None:
    """Write a frame.

    Args:
        write: Takes all bytes that it is given.
        kind: What it is.
        data: At most ``LARGEST_FRAME`` bytes.
    """
    write(_HEAD.pack(kind, len(data)))
    write(data)


def read_frame(file: BinaryIO) -> tuple[Kind, bytes]:
    """Read a frame from a buffered file.

    Raises:
        ClosedError: If the file ends.
    """
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise ClosedError
    kind, size = _HEAD.unpack(head)
    if size > LARGEST_FRAME:
        raise ClosedError
    data = file.read(size)
    if len(data) < size:
        raise ClosedError
    return Kind(kind), data
