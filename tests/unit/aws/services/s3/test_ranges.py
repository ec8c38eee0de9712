from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.aws.errors import ApiError
from stepmill.aws.services.s3.ranges import Extent, UnsatisfiableError, copy_extent, extent_of
from stepmill.storage.objects.info import ObjectInfo

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def info(size: int, runs: tuple[tuple[int, int], ...] = ()) -> ObjectInfo:
    return ObjectInfo("bucket", "k", size, NOW, part_runs=runs)


@given(st.integers(1, 500), st.integers(0, 600), st.integers(0, 600))
def test_a_range_is_what_a_slice_is(size: int, first: int, last: int) -> None:
    data = bytes(index % 256 for index in range(size))
    asked = {"Range": f"bytes={first}-{last}"}
    if last < first:
        assert extent_of(asked, info(size)) == Extent(0, size)
    elif first >= size:
        with pytest.raises(UnsatisfiableError) as caught:
            extent_of(asked, info(size))
        assert caught.value.size_bytes == size
    else:
        extent = extent_of(asked, info(size))
        assert data[extent.start : extent.end] == data[first : last + 1]
        assert extent.is_part


@given(st.integers(1, 500), st.integers(1, 600))
def test_a_suffix_is_what_a_slice_is(size: int, count: int) -> None:
    extent = extent_of({"Range": f"bytes=-{count}"}, info(size))
    assert (extent.start, extent.end) == (max(0, size - count), size)


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=", "bytes=-", "bytes=1-2,3-4", "bytes=1-2x", "bytes=--1", "items=1-2"],
)
def test_other_headers_are_passed_over(header: str) -> None:
    assert extent_of({"Range": header}, info(10)) == Extent(0, 10)


def test_huge_numbers_are_no_bug() -> None:
    assert extent_of({"Range": f"bytes=0-{'9' * 19}"}, info(10)) == Extent(0, 10, is_part=True)
    assert extent_of({"Range": f"bytes=0-{'9' * 5000}"}, info(10)) == Extent(0, 10)


def test_parts_follow_one_another() -> None:
    whole = info(2 * 7 + 3 * 5 + 1, ((2, 7), (3, 5), (1, 1)))
    extents = [extent_of({"PartNumber": number}, whole) for number in range(1, 7)]
    assert [extent.size_bytes for extent in extents] == [7, 7, 5, 5, 5, 1]
    assert [extent.start for extent in extents] == [0, 7, 14, 19, 24, 29]
    assert {extent.parts_count for extent in extents} == {6}
    for number in (0, 7, -1):
        with pytest.raises(UnsatisfiableError) as caught:
            extent_of({"PartNumber": number}, whole)
        assert caught.value.code == "InvalidPartNumber"


def test_an_object_in_one_piece_has_one_part() -> None:
    assert extent_of({"PartNumber": 1}, info(9)) == Extent(0, 9, is_part=True)
    assert extent_of({"PartNumber": 1}, info(0)) == Extent(0, 0)


def test_a_range_of_a_part_cannot_be_asked_for() -> None:
    with pytest.raises(ApiError):
        extent_of({"PartNumber": 1, "Range": "bytes=0-1"}, info(9))


def test_the_range_of_a_copy_must_be_one() -> None:
    assert copy_extent("bytes=2-4", 5) == (2, 5)
    for header, code in (
        ("bytes=2-5", "InvalidRange"),
        ("bytes=4-2", "InvalidArgument"),
        ("bytes=2-", "InvalidArgument"),
        ("bytes=-2", "InvalidArgument"),
        ("2-4", "InvalidArgument"),
    ):
        with pytest.raises(ApiError) as caught:
            copy_extent(header, 5)
        assert caught.value.code == code, header
