from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.json import Json
from stepmill.jobs.json_reader import RESOURCE, JsonReader
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri
from support.keeping import Keeping, a_task, keeping, output_of, run_task

REPORT = "s3://bucket/run/report/evaluation.json"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        opened.put(REPORT, '{"metrics": {"mse": {"value": 2.5}}, "ok": true, "list": [1, "two"]}')
        yield opened


@pytest.fixture
def reader(kept: Keeping) -> JsonReader:
    return JsonReader(kept.objects, kept.folder)


def read(reader: JsonReader, *reads: tuple[str, str]) -> Json:
    payload: Json = {"reads": [{"uri": uri, "path": path} for uri, path in reads]}
    return output_of(run_task(reader, a_task(RESOURCE, payload)))["values"]


def cause(reader: JsonReader, payload: Json) -> str:
    failed = run_task(reader, a_task(RESOURCE, payload)).failed
    assert failed.error == "ClientError"
    return failed.cause


def one(uri: str, path: str = "a") -> Json:
    return {"reads": [{"uri": uri, "path": path}]}


def test_values_come_in_the_order_of_the_reads(reader: JsonReader) -> None:
    assert read(
        reader, (REPORT, "ok"), (REPORT, "metrics.mse.value"), (REPORT, "list"), (REPORT, "metrics")
    ) == [
        True,
        2.5,
        [1, "two"],
        {"mse": {"value": 2.5}},
    ]
    assert read(reader) == []


def test_a_path_of_this_machine_is_as_good(reader: JsonReader, kept: Keeping) -> None:
    (kept.folder / "report.json").write_text('{"a": 1}')
    for uri in ("report.json", str(kept.folder / "report.json"), f"file://{kept.folder}/report.json"):
        assert read(reader, (uri, "a")) == [1]


def test_a_file_is_read_once(kept: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[S3Uri] = []
    real: ObjectStore = kept.objects
    original = real.read_bytes

    def counting(uri: S3Uri, *, limit_bytes: int | None = None) -> bytes:
        asked.append(uri)
        return original(uri, limit_bytes=limit_bytes)

    monkeypatch.setattr(kept.objects, "read_bytes", counting)
    assert read(JsonReader(kept.objects, kept.folder), (REPORT, "ok"), (REPORT, "list[0]")) == [True, 1]
    assert asked == [S3Uri.parse(REPORT)]


def test_a_missing_file_is_said_with_what_was_written(reader: JsonReader, kept: Keeping) -> None:
    kept.put("s3://bucket/run/report/plots/a.png")
    text = cause(reader, one("s3://bucket/run/report/evalution.json"))
    assert "The step wrote no file 'evalution.json'" in text
    assert "it wrote 'evaluation.json', 'plots/a.png' there" in text
    assert "FilePath" in text


def test_a_missing_file_among_none_and_among_many(reader: JsonReader, kept: Keeping) -> None:
    assert "it wrote nothing there" in cause(reader, one("s3://bucket/other/x.json"))
    assert "it wrote nothing there" in cause(reader, one("s3://nobucket/x.json"))
    for number in range(30):
        kept.put(f"s3://bucket/many/{number:02}")
    assert "and 20 more" in cause(reader, one("s3://bucket/many/report.json"))


def test_a_missing_local_file(reader: JsonReader, kept: Keeping) -> None:
    (kept.folder / "out").mkdir()
    (kept.folder / "out" / "report2.json").write_text("{}")
    assert "it wrote 'report2.json' there" in cause(reader, one("out/report.json"))
    assert "it wrote nothing there" in cause(reader, one("nowhere/report.json"))


def test_a_missing_path_names_the_keys(reader: JsonReader) -> None:
    text = cause(reader, one(REPORT, "metrics.rmse.value"))
    assert "at 'metrics' are 'mse'" in text
    assert REPORT in text


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", '{"a": NaN}', "[1,]", "\ufeff{}", "{'a': 1}", '{"a": Infinity}']
)
def test_what_is_not_json_says_so(reader: JsonReader, kept: Keeping, text: str) -> None:
    kept.put(REPORT, text)
    said = cause(reader, one(REPORT))
    assert "not valid JSON" in said
    assert "NaN and Infinity are not JSON" in said


def test_bytes_that_are_not_utf_8(reader: JsonReader, kept: Keeping) -> None:
    kept.put(REPORT, b'{"a": "\xff"}')
    assert "not valid JSON" in cause(reader, one(REPORT))


def test_a_deep_document_is_refused(reader: JsonReader, kept: Keeping) -> None:
    kept.put(REPORT, "[" * 5000 + "]" * 5000)
    assert cause(reader, one(REPORT))


def test_a_large_file_is_refused_unread(kept: Keeping) -> None:
    reader = JsonReader(kept.objects, kept.folder, limit_bytes=10)
    assert "10" in cause(reader, one(REPORT))
    (kept.folder / "big.json").write_text("[1, 2, 3, 4, 5, 6]")
    assert "longer than 10 bytes" in cause(reader, one("big.json"))


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        [],
        {"reads": "x"},
        {"reads": [1]},
        {"reads": [{}]},
        {"reads": [{"uri": 1, "path": "a"}]},
        {"reads": [{"uri": "s3://bucket/x"}]},
        one("http://x/y"),
        one(""),
        one("s3://Bad/x"),
        one(REPORT, "a["),
    ],
)
def test_a_payload_that_cannot_be_taken_fails_the_task(reader: JsonReader, payload: Json) -> None:
    assert cause(reader, payload)


def test_a_folder_is_no_file(reader: JsonReader, kept: Keeping) -> None:
    (kept.folder / "folder").mkdir()
    assert "wrote no file 'folder'" in cause(reader, one("folder"))


def test_stop_does_nothing(reader: JsonReader) -> None:
    reader.stop(a_task(RESOURCE))
