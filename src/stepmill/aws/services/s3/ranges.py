"""Parts of an object that are asked for: byte ranges, and the parts in which it was put.

Source: RFC 9110, section 14; S3 API reference, GetObject: one range at a time, others are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.storage.objects.info import ObjectInfo

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})")
_COPY_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{1,19})")


@dataclass(frozen=True)
class Extent:
    """Bytes of an object.

    Args:
        start: Of the first one.
        end: Behind the last one.
        is_part: Whether less than the object was asked for, so the answer says which bytes it has.
        parts_count: In how many parts the object was put, if one was asked for and there are any.
    """

    start: int
    end: int
    is_part: bool = False
    parts_count: int | None = None

    @property
    def size_bytes(self) -> int:
        """How many bytes."""
        return self.end - self.start


class UnsatisfiableError(ApiError):
    """There are no such bytes; the answer tells how many there are."""

    def __init__(self, size_bytes: int, asked: str, code: str = "InvalidRange") -> None:
        super().__init__(
            code,
            "The requested range is not satisfiable",
            status=416,
            members={"RangeRequested": asked[:100], "ActualObjectSize": size_bytes},
        )
        self.size_bytes = size_bytes


def extent_of(parameters: Mapping[str, Any], info: ObjectInfo) -> Extent:
    """Return which bytes of an object a call asks for.

    Raises:
        UnsatisfiableError: If there are none of them.
        ApiError: If it asks for a range and a part.
    """
    header, number = parameters.get("Range"), parameters.get("PartNumber")
    if number is not None:
        if header is not None:
            raise ApiError(
                "InvalidRequest", "Cannot specify both Range header and partNumber query parameter"
            )
        return _part(info, number)
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match[1] or match[2]):
        return Extent(0, info.size_bytes)
    return _range(info, match[1], match[2], match[0])


def copy_extent(text: str, size_bytes: int) -> tuple[int, int]:
    """Return first byte, and that behind the last, of ``x-amz-copy-source-range``.

    Raises:
        ApiError: If it is not of the form ``bytes=first-last``, or there are no such bytes.
    """
    match = _COPY_RANGE.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        raise ApiError(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
            "the zero-based offsets of the first and last bytes to copy",
            members={"ArgumentName": "x-amz-copy-source-range", "ArgumentValue": text[:100]},
        )
    if int(match[2]) >= size_bytes:
        raise ApiError(
            "InvalidRange",
            f"Range specified is not valid for source object of size: {size_bytes}",
            status=416,
        )
    return int(match[1]), int(match[2]) + 1


def _range(info: ObjectInfo, first: str, last: str, asked: str) -> Extent:
    size = info.size_bytes
    if not first:
        wanted = min(int(last), size)
        if not wanted:
            raise UnsatisfiableError(size, asked)
        return Extent(size - wanted, size, is_part=True)
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:  # not a range at all: passed over
        return Extent(0, size)
    if start >= size:
        raise UnsatisfiableError(size, asked)
    return Extent(start, end, is_part=True)


def _part(info: ObjectInfo, number: int) -> Extent:
    start, before = 0, 0
    for count, size in info.part_runs or ((1, info.size_bytes),):
        if before < number <= before + count:
            start += (number - 1 - before) * size
            total = sum(count for count, _ in info.part_runs) or None
            return Extent(start, start + size, is_part=size > 0, parts_count=total)
        start += count * size
        before += count
    raise UnsatisfiableError(info.size_bytes, f"part {number}", "InvalidPartNumber")
