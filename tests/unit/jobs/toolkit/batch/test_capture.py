"""Captured data: marks on what is stored, and lists of what went in and came out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.toolkit.stepmill_batch.capture import Marks, write_manifests
from stepmill.jobs.toolkit.stepmill_batch.errors import ObjectError
from stepmill.jobs.toolkit.stepmill_batch.processing import json_of

# The moment of the guide's example: 2022-08-30T00:49:15Z.
STARTED_S = 1_661_820_555.9
MOMENT = "2022-08-30T00:49:15Z"


def drawn() -> Iterator[str]:
    return (f"id-{number}" for number in count(1))


@pytest.fixture
def marks() -> Marks:
    ids = drawn()
    return Marks(STARTED_S, lambda: next(ids))


def test_rows_get_two_columns(marks: Marks) -> None:
    found = marks.answer(b"0\r\n\n1,\xc3\xa9\n", "text/csv", sent=2)
    assert found == [f"0,id-1,{MOMENT}".encode(), f"1,\u00e9,id-2,{MOMENT}".encode()]


def test_objects_get_two_members(marks: Marks) -> None:
    found = marks.answer(b'{"output": 0}\n\n{}\n', "application/jsonlines", sent=2)
    assert [json.loads(one) for one in found] == [
        {"output": 0, "SageMakerInferenceId": "id-1", "SageMakerInferenceTime": MOMENT},
        {"SageMakerInferenceId": "id-2", "SageMakerInferenceTime": MOMENT},
    ]


@pytest.mark.parametrize(
    ("body", "sent", "outputs"),
    [
        (b"[0.1, 0.2]", 2, [0.1, 0.2]),
        (b"[[0.1, 0.2]]", 1, [[0.1, 0.2]]),
        # Not one for each record, so it is one thing.
        (b"[0.1, 0.2]", 3, [[0.1, 0.2]]),
        (b"[0.1]\n[0.2]\n", 2, [[0.1], [0.2]]),
        (b"[0.1,\n0.2]", 2, [0.1, 0.2]),
        (b'"yes"', 1, ["yes"]),
    ],
)
def test_what_is_no_object_becomes_one(marks: Marks, body: bytes, sent: int, outputs: list[object]) -> None:
    found = [json.loads(one) for one in marks.answer(body, "application/json", sent)]
    assert [one["SageMakerOutput"] for one in found] == outputs
    assert [one["SageMakerInferenceId"] for one in found] == [f"id-{n}" for n in range(1, len(found) + 1)]


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()), st.integers(0, 4_000_000_000))
def test_marked_objects_keep_their_members(value: dict[str, object], started_s: int) -> None:
    found = json.loads(Marks(started_s, lambda: "x").value(json_of(value)))
    assert found == {
        **value,
        "SageMakerInferenceId": "x",
        "SageMakerInferenceTime": found["SageMakerInferenceTime"],
    }


def test_each_id_is_drawn_anew() -> None:
    rows = Marks(STARTED_S).answer(b"1\n" * 50, "text/csv", sent=50)
    assert len({row.split(b",")[1] for row in rows}) == 50


@pytest.mark.parametrize(("kind", "body"), [("image/png", b"x"), ("", b"x"), ("application/json", b"{")])
def test_what_cannot_be_marked(marks: Marks, kind: str, body: bytes) -> None:
    with pytest.raises(ObjectError):
        marks.answer(body, kind, sent=1)


def test_manifests_lie_below_the_hour_of_the_start(tmp_path: Path) -> None:
    for _ in range(2):
        write_manifests(tmp_path, STARTED_S, "s3://b/in/", "s3://b/out/", ["a.csv", "deep/b.csv"], ".out")
    inputs = sorted((tmp_path / "input").rglob("*.json"))
    outputs = sorted((tmp_path / "output").rglob("*.json"))
    # Two hosts, or two jobs, do not write over one another.
    assert len(inputs) == len(outputs) == 2
    assert {file.parent for file in inputs} == {tmp_path / "input/2022/08/30/00"}
    assert [file.name for file in outputs] == [file.name for file in inputs]
    assert json.loads(inputs[0].read_text()) == [{"prefix": "s3://b/in/"}, "a.csv", "deep/b.csv"]
    assert json.loads(outputs[0].read_text()) == [{"prefix": "s3://b/out/"}, "a.csv.out", "deep/b.csv.out"]
    assert not list(tmp_path.glob("*.partial"))


def test_nothing_whole_gives_no_manifest(tmp_path: Path) -> None:
    write_manifests(tmp_path, STARTED_S, "s3://b/in/", "s3://b/out/", [], ".out")
    assert list(tmp_path.iterdir()) == []
