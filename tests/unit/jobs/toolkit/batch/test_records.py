"""Records on their whole way: as many come out as went in, in their order, however they are cut."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.toolkit.stepmill_batch.paths import read_path
from stepmill.jobs.toolkit.stepmill_batch.processing import CSV, JSON_LINES, Processing
from stepmill.jobs.toolkit.stepmill_batch.requests import Cutting, Request

cells = st.text("ab 1.é", min_size=1, max_size=4)
rows = st.lists(st.tuples(cells, cells, cells), max_size=30)
ends = st.sampled_from(["\n", "\r\n"])
limits = st.integers(40, 200)
values = st.none() | st.booleans() | st.integers(-99, 99) | st.text('ab"é\n', max_size=4)
objects = st.lists(st.fixed_dictionaries({"id": st.integers(0, 9), "x": values}), max_size=30)


def cutting(content_type: str, limit: int, *, single: bool, processing: Processing | None) -> Cutting:
    return Cutting("Line", single, limit, content_type, processing)


def requests(cut: Cutting, data: bytes) -> list[Request]:
    found = list(cut.requests(io.BytesIO(data)))
    assert all(len(one.body) <= cut.limit_bytes for one in found)
    return found


class Numbering:
    """A model that answers each line with its number, from the first request on."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, body: bytes, form: str = "{}") -> bytes:
        lines = [line for line in body.split(b"\n") if line]
        self.count += len(lines)
        numbers = range(self.count - len(lines), self.count)
        return "".join(f"{form.format(number)}\n" for number in numbers).encode()


@given(rows, ends, limits, st.booleans(), st.booleans())
def test_rows_alone(
    given_rows: list[tuple[str, str, str]], end: str, limit: int, single: bool, ends_with_one: bool
) -> None:
    text = end.join(",".join(row) for row in given_rows) + (end if ends_with_one else "")
    model = Numbering()
    answers = b"".join(
        model(one.body)
        for one in requests(cutting(CSV, limit, single=single, processing=None), text.encode())
    )
    assert answers.split() == [str(number).encode() for number in range(len(given_rows))]


@given(rows, ends, limits, st.booleans())
def test_rows_filtered_and_joined(
    given_rows: list[tuple[str, str, str]], end: str, limit: int, single: bool
) -> None:
    processing = Processing(read_path("$[1:]"), read_path("$[0,-1]"), join=True, is_csv=True)
    data = end.join(",".join(row) for row in given_rows).encode()
    model, seen, stored = Numbering(), [], []
    for one in requests(cutting(CSV, limit, single=single, processing=processing), data):
        seen += one.body.decode().split("\n")
        stored += processing.stored(one.records, model(one.body), CSV)
    assert seen == [f"{second},{third}" for _, second, third in given_rows]
    assert stored == [f"{row[0]},{number}".encode() for number, row in enumerate(given_rows)]


@given(objects, limits, st.booleans())
def test_objects_filtered_and_joined(given_objects: list[dict[str, Any]], limit: int, single: bool) -> None:
    processing = Processing(read_path("$.x"), read_path("$['id','SageMakerOutput']"), join=True, is_csv=False)
    data = "\n".join(map(json.dumps, given_objects)).encode()
    model, seen, stored = Numbering(), [], []
    for one in requests(cutting(JSON_LINES, limit, single=single, processing=processing), data):
        seen += [json.loads(line) for line in one.body.split(b"\n")]
        stored += processing.stored(one.records, model(one.body, '{{"n": {}}}'), JSON_LINES)
    assert seen == [one["x"] for one in given_objects]
    assert [json.loads(line) for line in stored] == [
        {"id": one["id"], "SageMakerOutput": {"n": number}} for number, one in enumerate(given_objects)
    ]


def recordio(data: bytes) -> bytes:
    head = struct.pack("<II", 0xCED7230A, len(data))
    return head + data + bytes(-len(data) % 4)


def tfrecord(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + b"crc1" + data + b"crc2"


@pytest.mark.parametrize(("split", "framed"), [("RecordIO", recordio), ("TFRecord", tfrecord)])
@given(data=st.data())
def test_binary_records(split: str, framed: Any, data: st.DataObject) -> None:
    records = data.draw(st.lists(st.binary(max_size=20), max_size=20))
    limit = data.draw(st.integers(40, 200))
    whole = b"".join(map(framed, records))
    alone = requests(Cutting(split, True, limit), whole)
    assert [one.body for one in alone] == records
    together = requests(Cutting(split, False, limit), whole)
    assert b"".join(one.body for one in together) == whole
    # As many as fit: no two neighbours could have gone together.
    sizes = [len(one.body) for one in together]
    firsts = [one.lines.first for one in together if one.lines]
    for size, first in zip(sizes, firsts[1:], strict=False):
        assert size + len(framed(records[first - 1])) > limit
