"""How objects become requests."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.toolkit.stepmill_batch.errors import ObjectError
from stepmill.jobs.toolkit.stepmill_batch.paths import read_path
from stepmill.jobs.toolkit.stepmill_batch.processing import Processing
from stepmill.jobs.toolkit.stepmill_batch.requests import Cutting

MAGIC = struct.pack("<I", 0xCED7230A)


def cut(
    data: bytes, split: str = "Line", *, single: bool = False, limit: int = 20
) -> list[tuple[bytes, str]]:
    cutting = Cutting(split, is_single=single, limit_bytes=limit)
    return [(one.body, str(one.lines)) for one in cutting.requests(io.BytesIO(data))]


def part(data: bytes, kind: int = 0) -> bytes:
    return MAGIC + struct.pack("<I", kind << 29 | len(data)) + data + b"\0" * (-len(data) % 4)


def tf(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + b"crc1" + data + b"crc2"


class TestLines:
    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (b"", []),
            (b"\n\r\n\n", []),
            (b"1\n2\n", [(b"1\n2", "lines 1 to 2")]),
            (b"1\n\n\n2", [(b"1\n2", "lines 1 to 4")]),
            (b"aaaaaaaaaa\nbbbbbbbbb\nc\n", [(b"aaaaaaaaaa\nbbbbbbbbb", "lines 1 to 2"), (b"c", "line 3")]),
            (b"a" * 20 + b"\nb", [(b"a" * 20, "line 1"), (b"b", "line 2")]),
            (b"a" * 20, [(b"a" * 20, "line 1")]),
        ],
    )
    def test_several_together(self, data: bytes, expected: list[tuple[bytes, str]]) -> None:
        assert cut(data) == expected

    def test_one_by_one(self) -> None:
        assert cut(b"1\r\n\n3", single=True) == [(b"1", "line 1"), (b"3", "line 3")]

    @pytest.mark.parametrize("single", [True, False])
    def test_line_that_is_too_long(self, single: bool) -> None:
        with pytest.raises(ObjectError, match="Too much data for max payload size: line 2"):
            cut(b"1\n" + b"x" * 21 + b"\n", single=single)

    @given(
        st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b""))),
        st.integers(20, 60),
    )
    def test_no_line_is_lost_and_no_payload_too_large(self, lines: list[bytes], limit: int) -> None:
        requests = cut(b"\n".join(lines), limit=limit)
        assert all(len(body) <= limit for body, _ in requests)
        sent = [line for body, _ in requests for line in body.split(b"\n")]
        assert sent == [line for line in lines if line]

    def test_filtered_lines_keep_the_records(self) -> None:
        processing = Processing(read_path("$[1:]"), read_path("$"), join=True, is_csv=True)
        cutting = Cutting(
            "Line", is_single=False, limit_bytes=6, content_type="text/csv", processing=processing
        )
        found = list(cutting.requests(io.BytesIO(b"i,1,2\r\nj,3,4\n\nk,5,6")))
        assert [(one.body, one.records, str(one.lines)) for one in found] == [
            (b"1,2", (b"i,1,2",), "line 1"),
            (b"3,4", (b"j,3,4",), "line 2"),
            (b"5,6", (b"k,5,6",), "line 4"),
        ]

    def test_line_that_a_filter_does_not_fit_is_named(self) -> None:
        processing = Processing(read_path("$[2]"), read_path("$"), join=False, is_csv=True)
        cutting = Cutting(
            "Line", is_single=True, limit_bytes=99, content_type="text/csv", processing=processing
        )
        with pytest.raises(ObjectError, match=r"line 2: .*no index 2"):
            list(cutting.requests(io.BytesIO(b"1,2,3\n1,2\n")))


class TestWhole:
    def test_object_in_one_request(self) -> None:
        assert cut(b"a\nb\n", "None") == [(b"a\nb\n", "None")]
        assert cut(b"", "None") == [(b"", "None")]

    def test_object_that_is_too_large(self) -> None:
        with pytest.raises(ObjectError, match="SplitType is None"):
            cut(b"x" * 21, "None")

    @pytest.mark.parametrize(
        ("content_type", "body", "records"),
        [
            ("application/json", b"[2,3]", (b"[1,\n2,3]",)),
            ("text/csv", b"2\n4", (b"1,2", b"3,4")),
        ],
    )
    def test_filtered(self, content_type: str, body: bytes, records: tuple[bytes, ...]) -> None:
        is_csv = content_type == "text/csv"
        processing = Processing(read_path("$[1:]"), read_path("$"), join=True, is_csv=is_csv)
        cutting = Cutting("None", False, 99, content_type, processing)
        data = b"1,2\r\n3,4\n" if is_csv else b"[1,\n2,3]"
        (found,) = cutting.requests(io.BytesIO(data))
        assert (found.body, found.records) == (body, records)


class TestBinary:
    def test_recordio(self) -> None:
        data = part(b"abcde") + part(b"") + part(b"xyz")
        assert cut(data, "RecordIO", single=True, limit=99) == [
            (b"abcde", "record 1"),
            (b"", "record 2"),
            (b"xyz", "record 3"),
        ]
        # 16, 8 and 12 bytes with what is around them.
        assert cut(data, "RecordIO", limit=24) == [
            (part(b"abcde") + part(b""), "records 1 to 2"),
            (part(b"xyz"), "record 3"),
        ]

    def test_recordio_that_was_cut_at_its_mark(self) -> None:
        data = part(b"abcd", 1) + part(b"efgh", 2) + part(b"i", 3)
        assert cut(data, "RecordIO", single=True, limit=99) == [
            (b"abcd" + MAGIC + b"efgh" + MAGIC + b"i", "record 1")
        ]

    def test_tfrecord(self) -> None:
        data = tf(b"abc") + tf(b"de")
        assert cut(data, "TFRecord", single=True) == [(b"abc", "record 1"), (b"de", "record 2")]
        assert cut(data, "TFRecord", limit=99) == [(data, "records 1 to 2")]

    @pytest.mark.parametrize(
        ("data", "split"),
        [
            (part(b"abc")[:-2], "RecordIO"),
            (MAGIC, "RecordIO"),
            (b"nonsense", "RecordIO"),
            (part(b"x", 2), "RecordIO"),
            (part(b"x", 1) + part(b"y", 0), "RecordIO"),
            (part(b"x", 1), "RecordIO"),
            (tf(b"abc")[:-1], "TFRecord"),
            (b"123", "TFRecord"),
        ],
    )
    def test_broken(self, data: bytes, split: str) -> None:
        with pytest.raises(ObjectError, match=r"ends within record|is no record"):
            cut(data, split, limit=99)

    @pytest.mark.parametrize(
        ("data", "split"), [(struct.pack("<Q", 1 << 60) + b"crc1", "TFRecord"), (part(b"x" * 30), "RecordIO")]
    )
    def test_hostile_length_is_not_read(self, data: bytes, split: str) -> None:
        with pytest.raises(ObjectError, match="Too much data for max payload size: record 1"):
            cut(data, split)
