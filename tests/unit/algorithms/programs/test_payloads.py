from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.algorithms.programs.errors import (
    EmptyRequestError,
    NotAcceptableError,
    RequestError,
    UnsupportedContentError,
)
from stepmill.algorithms.programs.payloads import read_request, write_answer
from stepmill.algorithms.programs.recordio import read_records, write_record

JSON, LINES, RECORDIO = "application/json", "application/jsonlines", "application/x-recordio-protobuf"
SPARSE = {"data": {"features": {"keys": [1, 3], "shape": [4], "values": [1, 4]}}}
DENSE = {"data": {"features": {"values": [0, 1.0, 0, 4]}}}
ROWS = [{"score": 0.5, "label": 1}, {"score": 0.25, "label": 0}]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps({"instances": [{"features": [0, 1, 0, 4]}]}), JSON),
        (json.dumps({"instances": [DENSE]}), JSON),
        (json.dumps({"instances": [SPARSE]}), JSON),
        (json.dumps(SPARSE), LINES),
        (json.dumps({"features": [0, 1, 0, 4]}) + "\n\n", LINES),
        ("0,1,0,4\n", "text/csv"),
        ("9,0,1,0,4", "text/csv; label_size=1"),
        (write_record({"values": [0, 1, 0, 4]}, {}), RECORDIO),
    ],
)
def test_all_documented_forms_mean_the_same(body: str | bytes, content_type: str) -> None:
    data = body.encode() if isinstance(body, str) else body
    assert read_request(data, content_type, 4).tolist() == [[0, 1, 0, 4]]


@pytest.mark.parametrize(
    ("body", "content_type", "error", "status"),
    [
        ("", "text/csv", EmptyRequestError, 204),
        (" \n", JSON, EmptyRequestError, 204),
        ("1,2", "text/plain", UnsupportedContentError, 415),
        ("1,2", "", UnsupportedContentError, 415),
        ("1,2", "text/csv", RequestError, 400),
        ("1,2,3,x", "text/csv", RequestError, 400),
        ("{", JSON, RequestError, 400),
        ("[" * 100_000, JSON, RequestError, 400),
        ("[1]", JSON, RequestError, 400),
        ('{"instances": []}', JSON, RequestError, 400),
        ('{"instances": 5}', JSON, RequestError, 400),
        ('{"instances": [{"features": [1, 2, 3]}]}', JSON, RequestError, 400),
        ('{"instances": [{"features": ["1", 2, 3, 4]}]}', JSON, RequestError, 400),
        ('{"instances": [{"features": [NaN, 2, 3, 4]}]}', JSON, RequestError, 400),
        ('{"instances": [{"features": [true, 2, 3, 4]}]}', JSON, RequestError, 400),
        ('{"instances": [{"features": [1, 2, 3, 4]}, {"features": [1]}]}', JSON, RequestError, 400),
        ('{"features": {"keys": [9], "shape": [4], "values": [1]}}', LINES, RequestError, 400),
        ('{"features": {"keys": [0], "shape": [1e9], "values": [1]}}', LINES, RequestError, 400),
        ('{"features": {"keys": [0], "shape": [99999999999], "values": [1]}}', LINES, RequestError, 400),
        ('{"features": {"keys": [0, 1], "shape": [4], "values": [1]}}', LINES, RequestError, 400),
        ("xxxxxxxxx", RECORDIO, RequestError, 400),
    ],
)
def test_a_bad_request_is_told_by_its_status(
    body: str, content_type: str, error: type[RequestError], status: int
) -> None:
    with pytest.raises(error) as caught:
        read_request(body.encode(), content_type, 4)
    assert type(caught.value) is error
    assert caught.value.status == status
    assert isinstance(caught.value, ValueError)


@given(st.binary(max_size=60), st.sampled_from([JSON, LINES, RECORDIO, "text/csv", "text/x"]))
def test_no_request_does_harm(body: bytes, content_type: str) -> None:
    try:
        rows = read_request(body, content_type, 3)
    except RequestError as error:
        assert error.status in (204, 400, 415)
    else:
        assert (rows.shape, rows.dtype) == ((len(rows), 3), np.float32)
        assert len(rows) > 0


def test_answers_in_every_type() -> None:
    assert write_answer(ROWS, JSON) == (json.dumps({"predictions": ROWS}).encode(), JSON)
    assert write_answer(ROWS, "*/*") == write_answer(ROWS, "") == write_answer(ROWS, JSON)
    assert write_answer(ROWS, LINES)[0] == b'{"score": 0.5, "label": 1}\n{"score": 0.25, "label": 0}\n'
    assert write_answer(ROWS, "text/csv") == (b"0.5,1\n0.25,0\n", "text/csv")
    records = list(read_records(write_answer(ROWS, RECORDIO)[0]))
    assert [record.label["score"].values.tolist() for record in records] == [[0.5], [0.25]]
    assert json.loads(write_answer(ROWS, JSON, member="projections")[0]) == {"projections": ROWS}


def test_an_answer_in_another_type_is_not_acceptable() -> None:
    with pytest.raises(NotAcceptableError) as caught:
        write_answer(ROWS, "image/png")
    assert caught.value.status == 406
