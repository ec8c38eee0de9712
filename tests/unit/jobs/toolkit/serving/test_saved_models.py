"""What the image for TensorFlow understands, and how it answers; TensorFlow itself is not needed for that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stepmill.jobs.toolkit.stepmill_serving.errors import RequestError, SetupError
from stepmill.jobs.toolkit.stepmill_serving.saved_models import (
    Reply,
    Signature,
    folder_of,
    predict,
    read_request,
    transform_of,
    write_answer,
)


def saved(folder: Path, *places: str) -> str:
    for place in places:
        (folder / place).mkdir(parents=True)
        (folder / place / "saved_model.pb").touch()
    return str(folder)


class TestFolder:
    @pytest.mark.parametrize("place", ["1", "00000001", "model/2", "export/Servo/1700000000"])
    def test_a_version_lies_wherever_it_lies(self, tmp_path: Path, place: str) -> None:
        assert folder_of(saved(tmp_path, place)) == tmp_path / place

    def test_the_newest_version_counts_as_a_number(self, tmp_path: Path) -> None:
        assert folder_of(saved(tmp_path, "m/9", "m/10", "m/2")) == tmp_path / "m/10"

    def test_one_of_several_models_is_named(self, tmp_path: Path) -> None:
        saved(tmp_path, "a/1", "b/7")
        assert folder_of(str(tmp_path)) == tmp_path / "a/1"
        assert folder_of(str(tmp_path), "b") == tmp_path / "b/7"
        with pytest.raises(SetupError, match="no SavedModel named 'c'"):
            folder_of(str(tmp_path), "c")

    @pytest.mark.parametrize("place", ["", "latest"])
    def test_a_model_without_a_version_is_none(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "model").mkdir()
        with pytest.raises(SetupError, match=r"the version is a number: model\.export"):
            folder_of(saved(tmp_path / "model", *filter(None, [place])))


class TestRequests:
    @pytest.mark.parametrize(
        ("body", "request_"),
        [
            ('{"instances": [[1, 2]]}', {"instances": [[1, 2]]}),
            ('{"inputs": [1], "signature_name": "s"}', {"inputs": [1], "signature_name": "s"}),
            ("[[1, 2], [3, 4]]", {"instances": [[1, 2], [3, 4]]}),
            ("[1, 2]", {"instances": [[1, 2]]}),
            ('{"x": 1}', {"instances": [{"x": 1}]}),
            ("5", {"instances": [5]}),
            ("[1, 2]\n[3, 4]\n", {"instances": [[1, 2], [3, 4]]}),
            ('{"x": 1}{"x": 2}', {"instances": [{"x": 1}, {"x": 2}]}),
        ],
    )
    def test_json(self, body: str, request_: dict[str, Any]) -> None:
        assert read_request(body, "application/json") == request_
        assert read_request(body.encode(), "application/jsonlines; charset=utf-8") == request_

    def test_csv_keeps_whole_numbers_and_texts(self) -> None:
        asked = read_request('1,2.5,"a,b"\n-3e2,007,""\n', "text/csv")
        assert asked == {"instances": [[1, 2.5, "a,b"], [-300.0, "007", ""]]}
        assert read_request("1\n2\n", "text/csv") == {"instances": [1, 2]}

    @pytest.mark.parametrize(
        ("body", "kind", "status"), [("{", "application/json", 400), ("x", "image/png", 415)]
    )
    def test_what_it_cannot_read_is_refused(self, body: str, kind: str, status: int) -> None:
        with pytest.raises(RequestError) as caught:
            read_request(body, kind)
        assert caught.value.status == status


def double(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"y": [2 * value for value in values["x"]]}


def both(values: Mapping[str, Any]) -> dict[str, Any]:
    pairs = list(zip(values["a"], values["b"], strict=True))
    return {"sum": [a + b for a, b in pairs], "less": [a < b for a, b in pairs]}


def kept(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": values["x"], "raw_bytes": values["x"]}


def fails(values: Mapping[str, Any]) -> dict[str, Any]:
    raise ValueError(f"shape of {values['x']}")


MODEL = {
    "serving_default": Signature(("x",), double),
    "both": Signature(("a", "b"), both),
    "kept": Signature(("x",), kept),
    "fails": Signature(("x",), fails),
}


class TestPredictions:
    @pytest.mark.parametrize(
        ("request_", "answer"),
        [
            ({"instances": [1, 2]}, {"predictions": [2, 4]}),
            ({"instances": [{"x": 1}, {"x": 2}]}, {"predictions": [2, 4]}),
            ({"inputs": [1, 2]}, {"outputs": [2, 4]}),
            ({"inputs": {"x": [1, 2]}}, {"outputs": [2, 4]}),
            (
                {"signature_name": "both", "instances": [{"a": 1, "b": 2}, {"b": 1, "a": 3}]},
                {"predictions": [{"sum": 3, "less": True}, {"sum": 4, "less": False}]},
            ),
            (
                {"signature_name": "both", "inputs": {"a": [1], "b": [2]}},
                {"outputs": {"sum": [3], "less": [True]}},
            ),
        ],
    )
    def test_by_rows_and_by_columns(self, request_: dict[str, Any], answer: dict[str, Any]) -> None:
        assert predict(request_, MODEL) == answer

    def test_bytes_come_and_go_as_base64_where_the_name_says_so(self) -> None:
        asked = {"signature_name": "kept", "instances": [{"b64": "aGk="}]}
        assert predict(asked, MODEL) == {"predictions": [{"text": "hi", "raw_bytes": {"b64": "aGk="}}]}

    @pytest.mark.parametrize(
        ("request_", "text"),
        [
            ({"instances": []}, "at least one instance"),
            ({"instances": 1}, "must be a list"),
            ({"instances": [{"x": 1}, 2]}, "the same names"),
            ({"instances": [{"x": 1}, {"y": 2}]}, "the same names"),
            ({"instances": [{"y": 2}]}, "takes x; given are y"),
            ({"signature_name": "both", "instances": [1]}, "name them: a, b"),
            ({"signature_name": "none", "instances": [1]}, "no signature 'none'; it has both, fails"),
            ({"signature_name": "fails", "instances": [1]}, r"shape of \[1\]"),
            ({"instances": [{"b64": "a"}]}, "Invalid base64"),
        ],
    )
    def test_what_does_not_fit_is_the_askers_fault(self, request_: dict[str, Any], text: str) -> None:
        with pytest.raises(RequestError, match=text) as caught:
            predict(request_, MODEL)
        assert caught.value.status == 400

    def test_an_answer_is_json_whatever_is_accepted(self) -> None:
        assert write_answer({"predictions": [1]}, "text/csv") == ('{"predictions": [1]}', "application/json")


class TestHandlers:
    def test_without_any_there_is_no_transform(self) -> None:
        assert transform_of(SimpleNamespace()) is None
        assert transform_of(SimpleNamespace(input_handler=print)) is None

    def test_they_stand_around_the_model(self) -> None:
        seen: list[Any] = []

        def before(data: Any, context: Any) -> str:
            seen.append((context.request_content_type, context.accept_header, context.content_length))
            return json.dumps({"instances": [len(data.read())]})

        def after(reply: Reply, _context: Any) -> tuple[bytes, int, Any]:
            return reply.content, reply.status_code, reply.json()

        transform = transform_of(SimpleNamespace(input_handler=before, output_handler=after))
        assert transform is not None
        assert transform(MODEL, b"abc", "image/png", "a/b") == (
            b'{"predictions": [6]}',
            200,
            {"predictions": [6]},
        )
        assert seen == [("image/png", "a/b", 3)]

    def test_what_the_model_refuses_they_get_as_an_answer(self) -> None:
        handlers = SimpleNamespace(input_handler=lambda *_: "{", output_handler=lambda reply, _: reply)
        transform = transform_of(handlers)
        assert transform is not None
        assert transform(MODEL, "", "a/b", "a/b").status_code == 400

    def test_one_that_asks_by_itself_is_refused(self) -> None:
        with pytest.raises(SetupError, match=r"rest_uri.*Write input_handler"):
            transform_of(SimpleNamespace(handler=print))
