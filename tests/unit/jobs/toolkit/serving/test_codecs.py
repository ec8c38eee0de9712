"""The content types of the framework images."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from stepmill.jobs.toolkit.stepmill_serving.codecs import decode, decode_matrix, encode, media_type
from stepmill.jobs.toolkit.stepmill_serving.errors import RequestError


def npy(array: Any, *, pickles: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=pickles)
    return buffer.getvalue()


class TestDecode:
    @pytest.mark.parametrize(
        ("body", "content_type", "expected"),
        [
            ("1,2\n3,4\n", "text/csv", [[1, 2], [3, 4]]),
            ("1,2\n3,4", "text/csv; header=absent", [[1, 2], [3, 4]]),
            ("1.5,-2e3\nnan,inf", "Text/CSV", [[1.5, -2000], [np.nan, np.inf]]),
            ("1.5,\n,2.5", "text/csv", [[1.5, np.nan], [np.nan, 2.5]]),
            # What numpy makes of one row: the images do not say that it is one, and so fail at predict.
            ("1,2,3", "text/csv", [1, 2, 3]),
            ("[[1, 2], [3, 4]]", "application/json", [[1, 2], [3, 4]]),
            (npy(np.eye(2)), "application/x-npy", [[1, 0], [0, 1]]),
        ],
    )
    def test_body(self, body: Any, content_type: str, expected: Any) -> None:
        np.testing.assert_array_equal(decode(body, content_type), np.array(expected, dtype=float))

    @pytest.mark.parametrize("content_type", ["application/xml", "", "text/libsvm"])
    def test_unknown_type_is_415(self, content_type: str) -> None:
        with pytest.raises(RequestError) as caught:
            decode("1", content_type)
        assert caught.value.status == 415

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            ("{", "application/json"),
            (b"\x93NUM", "application/x-npy"),
            (npy(np.array([{}], dtype=object), pickles=True), "application/x-npy"),
        ],
    )
    def test_what_is_not_of_its_type_is_400(self, body: Any, content_type: str) -> None:
        with pytest.raises(RequestError) as caught:
            decode(body, content_type)
        assert caught.value.status == 400


class TestMatrix:
    @pytest.fixture(autouse=True)
    def _needs_xgboost(self) -> None:
        pytest.importorskip("xgboost")

    @pytest.mark.parametrize(
        ("body", "content_type", "shape"),
        [
            ("1,2,3\n4,5,6\n", "text/csv", (2, 3)),
            ("1;2;3", "text/csv", (1, 3)),
            ("5", "text/csv", (1, 1)),
            ("1.5,,3", "text/csv", (1, 3)),
            ("0 1:1 3:2\n1 2:5", "text/libsvm", (2, 3)),
            (b"1 0:1 3:2", "text/x-libsvm", (1, 4)),
            ("0\n1", "text/libsvm", (0, 0)),
        ],
    )
    def test_shape(self, body: Any, content_type: str, shape: tuple[int, int]) -> None:
        matrix = decode_matrix(body, content_type)
        assert (matrix.num_row(), matrix.num_col()) == shape

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            ("a,b", "text/csv"),
            ("1,2\n3", "text/csv"),
            ("1 -3:1", "text/libsvm"),
            ("1 99999999999:1", "text/libsvm"),
            ("1 x:1", "text/libsvm"),
        ],
    )
    def test_hostile_is_400(self, body: str, content_type: str) -> None:
        with pytest.raises(RequestError) as caught:
            decode_matrix(body, content_type)
        assert caught.value.status == 400

    def test_unknown_type_is_415(self) -> None:
        with pytest.raises(RequestError) as caught:
            decode_matrix("[]", "application/json")
        assert caught.value.status == 415


class TestEncode:
    @pytest.mark.parametrize(
        ("prediction", "accept", "expected"),
        [
            (np.array([1, 2]), "application/json", b"[1, 2]"),
            (np.array([[0.5], [1.25]]), "text/csv", b"0.5\n1.25\n"),
            (np.array([0.5, 1.25]), "text/csv", b"0.5\n1.25\n"),
            (np.array([[1, 2], [3, 4]]), "text/csv", b"1,2\n3,4\n"),
            (np.array([0.1], dtype=np.float32), "text/csv", b"0.1\n"),
            (np.array(["a", "b"]), "text/csv", b"a\nb\n"),
            (np.array([True, False]), "text/csv", b"True\nFalse\n"),
            ([{"a": 1}, {"a": 2}], "application/jsonlines", b'{"a": 1}\n{"a": 2}\n'),
            ({"a": np.float64(1.5)}, "application/json", b'{"a": 1.5}'),
            (np.array([1]), "application/xml, text/csv;q=0.5", b"1\n"),
        ],
    )
    def test_text(self, prediction: Any, accept: str, expected: bytes) -> None:
        assert encode(prediction, accept)[0] == expected

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32, bool])
    @pytest.mark.parametrize("columns", [0, 1, 3])
    def test_csv_is_as_numpy_writes_it(self, dtype: Any, columns: int) -> None:
        shape = (5, columns) if columns else (5,)
        array = (np.random.default_rng(1).normal(size=shape) * 100).astype(dtype)
        stream = io.StringIO()
        np.savetxt(stream, array, delimiter=",", fmt="%s")
        assert encode(array, "text/csv")[0].decode() == stream.getvalue()

    def test_npy(self) -> None:
        body, content_type = encode([1.5, 2.5], "application/x-npy")
        assert content_type == "application/x-npy"
        np.testing.assert_array_equal(np.load(io.BytesIO(body)), [1.5, 2.5])

    def test_unknown_type_is_406(self) -> None:
        with pytest.raises(RequestError) as caught:
            encode([1], "image/png")
        assert caught.value.status == 406


def test_media_type_has_no_parameters() -> None:
    assert media_type(" Application/JSON ;charset=utf-8") == "application/json"
