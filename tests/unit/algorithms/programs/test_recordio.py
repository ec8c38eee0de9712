from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.algorithms.programs.recordio import (
    MAGIC,
    RecordError,
    frames,
    read_alike,
    read_record,
    read_records,
    write_record,
)

# What write_numpy_to_dense_tensor of the SDK writes for [[1, 2.5]] with the label 3.
FROM_THE_SDK = bytes.fromhex(
    "0a23d7ce2c0000000a160a0676616c756573120c120a0a080000803f0000204012120a0676616c756573120812060a0400004040"
)
WIDE = st.floats(width=32, allow_nan=False, allow_infinity=False)
FLOATS = st.lists(WIDE, min_size=1, max_size=20)


def frame(payload: bytes, part: int = 0) -> bytes:
    head = struct.pack("<II", MAGIC, part << 29 | len(payload))
    return head + payload + b"\0" * (-len(payload) % 4)


def field(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def feature(tensor: bytes, kind: int = 2) -> bytes:
    return field(1, field(1, b"values") + field(2, field(kind, tensor)))


@given(FLOATS, FLOATS)
def test_what_is_written_is_read(features: list[float], label: list[float]) -> None:
    written = write_record({"values": features}, {"values": label}) * 3
    records = list(read_records(written))
    assert len(records) == 3
    assert records[2].features["values"].values.tolist() == features
    assert records[2].label["values"].values.tolist() == label


def test_records_of_the_sdk_are_read() -> None:
    (record,) = read_records(frame(FROM_THE_SDK[8:]))
    assert record.features["values"].values.tolist() == [1.0, 2.5]
    assert record.label["values"].values.tolist() == [3.0]
    assert record.features["values"].keys is None


def test_sparse_records_have_keys_and_a_shape() -> None:
    tensor = field(1, np.array([1, 4], "<f4").tobytes()) + field(2, b"\x02\xac\x02") + field(3, b"\xe8\x07")
    (record,) = read_records(frame(feature(tensor)))
    found = record.features["values"]
    assert found.values.tolist() == [1.0, 4.0]
    assert found.keys is not None
    assert found.keys.tolist() == [2, 300]
    assert found.size == 1000


@pytest.mark.parametrize(
    ("kind", "packed"),
    [(2, np.array([-1.5], "<f4").tobytes()), (3, np.array([-1.5], "<f8").tobytes())],
)
def test_both_widths_of_numbers_are_read_packed_and_one_by_one(kind: int, packed: bytes) -> None:
    wire = 5 if kind == 2 else 1
    for tensor in (field(1, packed), bytes([1 << 3 | wire]) + packed):
        assert read_record(feature(tensor, kind)).features["values"].values.tolist() == [-1.5]


def test_integers_may_be_negative() -> None:
    minus_one = b"\xff" * 9 + b"\x01"
    assert read_record(feature(field(1, b"\x05" + minus_one), 7)).features["values"].values.tolist() == [
        5,
        -1,
    ]


def test_a_record_may_be_split_over_frames() -> None:
    first, last = b"abcd", b"efg"
    assert list(frames(frame(first, 1) + frame(last, 3))) == [first + struct.pack("<I", MAGIC) + last]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"abc", "ends within the head"),
        (b"PK\x03\x04" + b"\0" * 20, "this is not recordIO"),
        (frame(b"12345678")[:-3], "ends within a record of 8 bytes, after 5 of them"),
        (struct.pack("<II", MAGIC, 2**29 - 1), "ends within a record of 536870911 bytes, after 0"),
        (frame(b"abcd", 1), "split over several frames"),
        (frame(b"\x0a\x7fabc"), "ends within a field"),
        (frame(b"\xff" * 12), "number is too long"),
        (frame(b"\x80"), "ends within a number"),
        (frame(b"\x0b"), "unknown wire type 3"),
        (frame(feature(field(1, b"abc"))), "4-byte numbers has 3 bytes"),
        (frame(feature(field(1, b"\0" * 8) + field(2, b"\1"))), "1 keys and 2 values"),
        (frame(feature(field(1, b"\0" * 4) + field(2, b"\5") + field(3, b"\5"))), "key 5, beyond its shape"),
        (frame(feature(field(1, b"\0" * 4) + field(3, b"\xff" * 9 + b"\1"))), "too many"),
        (frame(feature(field(3, b"\xff\xff\x7f" * 8))), "too many"),
    ],
)
def test_what_is_broken_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        list(read_records(data))


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(data: bytes) -> None:
    for hostile in (data, frame(data), frame(feature(data[:60]))):
        try:
            records = list(read_records(hostile))
        except RecordError as error:
            assert str(error)
            continue
        for record in records:
            for tensor in (*record.features.values(), *record.label.values()):
                assert (tensor.values.ndim, tensor.values.dtype) == (1, np.float64)
                assert tensor.keys is None or tensor.keys.shape == tensor.values.shape


@given(FLOATS, st.integers(0, 200))
def test_a_file_that_is_cut_off_is_never_read_as_whole(values: list[float], at: int) -> None:
    whole = write_record({"values": values}, {})
    cut = whole[: at % len(whole)]
    if cut:
        with pytest.raises(RecordError):
            list(read_records(cut))


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(st.lists(WIDE, min_size=n, max_size=n), min_size=1, max_size=6)
    ),
    st.booleans(),
)
def test_records_that_are_alike_are_read_at_once(rows: list[list[float]], labelled: bool) -> None:
    label = {"values": [7.5]} if labelled else {}
    found = read_alike(b"".join(write_record({"values": row}, label) for row in rows))
    assert found is not None
    assert found[0].tolist() == rows
    assert (found[1] is None) is not labelled
    if labelled:
        assert found[1] is not None
        assert found[1].tolist() == [7.5] * len(rows)


@pytest.mark.parametrize(
    "records",
    [
        [write_record({"values": [1]}, {}), write_record({"values": [1, 2]}, {})],
        [write_record({"values": [1]}, {}), write_record({"values": [1]}, {"values": [1]})],
        [write_record({"other!": [1]}, {}), write_record({"values": [1]}, {})],
        [write_record({"values": [1]}, {}), write_record({"other!": [1]}, {})],
        [write_record({"values": [1]}, {"values": [1, 2]})],
        [write_record({"values": []}, {})],
        [],
    ],
)
def test_records_that_are_not_alike_are_not(records: list[bytes]) -> None:
    assert read_alike(b"".join(records)) is None


def test_framing_agrees_with_the_documented_layout() -> None:
    stream = io.BytesIO(write_record({"values": [1.0]}, {}))
    magic, length = struct.unpack("<II", stream.read(8))
    assert magic == 0xCED7230A
    assert len(stream.read()) == length + -length % 4
