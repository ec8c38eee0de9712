"""Pages of items: from every kind of source, read to its end page by page."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.core.json import JsonObject
from stepmill.core.tasks import Task, TaskFailed, TaskReport, TaskSucceeded
from stepmill.jobs.items.handler import FAILED, RESOURCE, ItemReader
from stepmill.storage.database import Database
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.testing.clock import FakeClock

GET = "arn:aws:states:::s3:getObject"
LIST = "arn:aws:states:::s3:listObjectsV2"
NO_LIMIT = 10_000


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[FolderStore]:
    clock = FakeClock()
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    store = FolderStore(database, tmp_path / "objects", clock)
    store.create_bucket("data")
    yield store
    database.close()


def put(objects: FolderStore, key: str, text: str | bytes) -> None:
    objects.put_bytes(S3Uri("data", key), text.encode() if isinstance(text, str) else text)


def ask(
    objects: FolderStore | ItemReader,
    config: JsonObject,
    *,
    key: str = "file",
    resource: str = GET,
    arguments: JsonObject | None = None,
    cursor: Any = None,
    limit: int = NO_LIMIT,
) -> TaskReport:
    reader = objects if isinstance(objects, ItemReader) else ItemReader(objects)
    reports: list[TaskReport] = []
    payload = {
        "resource": resource,
        "arguments": arguments or {"Bucket": "data", "Key": key},
        "config": config,
        "cursor": cursor,
        "limit": limit,
    }
    reader.start(Task("t", RESOURCE, payload, "arn", "m", "Each"), reports.append)
    (report,) = reports
    return report


def every(objects: FolderStore, config: JsonObject, *, limit: int = NO_LIMIT, **rest: Any) -> list[Any]:
    """All items, page by page; the cursor goes through JSON between pages, as in a store."""
    items: list[Any] = []
    cursor: Any = None
    while True:
        report = ask(objects, config, cursor=cursor, limit=limit, **rest)
        assert isinstance(report, TaskSucceeded), report
        assert isinstance(report.output, dict)
        page = report.output["items"]
        assert len(page) <= limit
        items += page
        cursor = json.loads(json.dumps(report.output["cursor"]))
        if cursor is None:
            return items
        assert page


def cause(report: TaskReport) -> str:
    assert isinstance(report, TaskFailed), report
    assert report.error == FAILED
    return report.cause


FIRST_ROW = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}


class TestCsv:
    def test_a_record_is_an_object_of_texts(self, objects: FolderStore) -> None:
        put(objects, "file", "a,b\n1,x\n2,y\n")
        assert every(objects, FIRST_ROW) == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]

    def test_headers_may_be_given(self, objects: FolderStore) -> None:
        put(objects, "file", "1,x\r\n2,y")
        given = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["n", "l"]}
        assert every(objects, given) == [{"n": "1", "l": "x"}, {"n": "2", "l": "y"}]

    def test_what_is_missing_is_empty_and_what_is_more_is_left_out(self, objects: FolderStore) -> None:
        put(objects, "file", "a,b\n1\n1,2,3\n\n")
        assert every(objects, FIRST_ROW) == [{"a": "1", "b": ""}, {"a": "1", "b": "2"}]

    def test_quotes_and_backslashes(self, objects: FolderStore) -> None:
        put(objects, "file", 'a,b\n"x,""y""\nz",p\\,q\n')
        assert every(objects, FIRST_ROW) == [{"a": 'x,"y"\nz', "b": "p,q"}]

    @pytest.mark.parametrize(
        ("name", "sign"), [("PIPE", "|"), ("SEMICOLON", ";"), ("SPACE", " "), ("TAB", "\t"), ("COMMA", ",")]
    )
    def test_delimiters(self, objects: FolderStore, name: str, sign: str) -> None:
        put(objects, "file", f"a{sign}b\n1{sign}2\n")
        assert every(objects, {**FIRST_ROW, "CSVDelimiter": name}) == [{"a": "1", "b": "2"}]

    def test_a_mark_of_the_byte_order_is_no_part_of_a_name(self, objects: FolderStore) -> None:
        put(objects, "file", "\ufeffa\n1\n")
        assert every(objects, FIRST_ROW) == [{"a": "1"}]

    def test_what_cannot_be_read_is_told(self, objects: FolderStore) -> None:
        put(objects, "empty", "")
        assert "no row with headers" in cause(ask(objects, FIRST_ROW, key="empty"))
        put(objects, "binary", b"a\n\xff\n")
        assert "UTF-8" in cause(ask(objects, FIRST_ROW, key="binary"))
        wrong = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}
        assert "CSVHeaders" in cause(ask(objects, wrong, key="empty"))
        assert "CSVDelimiter" in cause(ask(objects, {**FIRST_ROW, "CSVDelimiter": "TILDE"}, key="empty"))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
    @given(
        st.lists(
            st.text(st.sampled_from('ab",\n\\ é'), max_size=6).filter(lambda s: "\\" not in s), max_size=9
        ),
        st.integers(1, 4),
    )
    def test_pages_are_parts_of_the_whole(self, objects: FolderStore, values: list[str], limit: int) -> None:
        quoted = "".join('"{}",end\n'.format(value.replace('"', '""')) for value in values)
        put(objects, "file", f"v,e\n{quoted}")
        assert every(objects, FIRST_ROW, limit=limit) == [{"v": value, "e": "end"} for value in values]


class TestJson:
    def test_the_elements_of_an_array(self, objects: FolderStore) -> None:
        put(objects, "file", '[1, 1.0, {"a": null}, "x"]')
        for limit in (1, 3, 10):
            assert every(objects, {"InputType": "JSON"}, limit=limit) == [1, 1.0, {"a": None}, "x"]

    def test_a_pointer_leads_to_the_array(self, objects: FolderStore) -> None:
        put(objects, "file", '{"a/b": [{"c": [7, 8]}]}')
        assert every(objects, {"InputType": "JSON", "ItemsPointer": "/a~1b/0/c"}) == [7, 8]
        assert "leads to nothing" in cause(ask(objects, {"InputType": "JSON", "ItemsPointer": "/x"}))

    def test_members_of_an_object(self, objects: FolderStore) -> None:
        put(objects, "file", '{"x": 1, "y": [2]}')
        assert every(objects, {"InputType": "JSON"}) == [{"Key": "x", "Value": 1}, {"Key": "y", "Value": [2]}]

    @pytest.mark.parametrize("text", ["1", '"abc"', "null"])
    def test_what_is_no_list_is_refused(self, objects: FolderStore, text: str) -> None:
        put(objects, "file", text)
        assert cause(ask(objects, {"InputType": "JSON"})) == "Attempting to map over non-iterable node."

    def test_what_is_not_json_is_told(self, objects: FolderStore) -> None:
        put(objects, "file", "[1,")
        assert "not JSON" in cause(ask(objects, {"InputType": "JSON"}))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
    @given(st.lists(st.integers() | st.text(max_size=5), max_size=12), st.integers(1, 5))
    def test_lines(self, objects: FolderStore, values: list[Any], limit: int) -> None:
        put(objects, "file", "\n\n".join(json.dumps(value, ensure_ascii=False) for value in values))
        assert every(objects, {"InputType": "JSONL"}, limit=limit) == values

    def test_a_line_that_is_none(self, objects: FolderStore) -> None:
        put(objects, "file", '{"a": 1}\n{"a"')
        assert "A line is not JSON" in cause(ask(objects, {"InputType": "JSONL"}))


class TestObjects:
    def test_each_object_below_the_prefix(self, objects: FolderStore) -> None:
        for key in ("in/b", "in/a", "other"):
            put(objects, key, "xy")
        arguments = {"Bucket": "data", "Prefix": "in/"}
        items = every(objects, {}, resource=LIST, arguments=arguments, limit=1)
        assert [item["Key"] for item in items] == ["in/a", "in/b"]
        assert items[0].keys() == {"Etag", "Key", "LastModified", "Size", "StorageClass"}
        assert (items[0]["Size"], items[0]["Etag"][0]) == (2, '"')

    def test_many_files_are_read_one_after_the_other(self, objects: FolderStore) -> None:
        put(objects, "in/1", "a\n1\n2\n")
        put(objects, "in/2", "a\n")
        put(objects, "in/3", "a\n3\n")
        config = {**FIRST_ROW, "Transformation": "LOAD_AND_FLATTEN"}
        for limit in (1, 2, 9):
            arguments = {"Bucket": "data", "Prefix": "in/"}
            items = every(objects, config, resource=LIST, arguments=arguments, limit=limit)
            assert items == [{"a": "1"}, {"a": "2"}, {"a": "3"}]

    def test_an_inventory(self, objects: FolderStore) -> None:
        put(objects, "part1.csv.gz", gzip.compress(b'"data","x%2Fy","5"\n'))
        manifest = {
            "destinationBucket": "arn:aws:s3:::data",
            "fileFormat": "CSV",
            "fileSchema": "Bucket, Key, Size",
            "files": [{"key": "part1.csv.gz"}],
        }
        put(objects, "manifest.json", json.dumps(manifest))
        found = every(objects, {"InputType": "MANIFEST"}, key="manifest.json")
        assert found == [{"Bucket": "data", "Key": "x%2Fy", "Size": "5"}]

    def test_results_of_a_query(self, objects: FolderStore) -> None:
        put(objects, "one", '{"a": 1}\n')
        put(objects, "two", '{"a": 2}\n{"a": 3}\n')
        put(objects, "manifest.csv", "s3://data/one\ns3://data/two\n")
        config = {"InputType": "JSONL", "ManifestType": "ATHENA_DATA"}
        assert every(objects, config, key="manifest.csv", limit=1) == [{"a": 1}, {"a": 2}, {"a": 3}]

    def test_what_is_not_there_is_told(self, objects: FolderStore) -> None:
        assert "file" in cause(ask(objects, {"InputType": "JSON"}))
        assert cause(ask(objects, {}, resource=LIST, arguments={"Bucket": "nowhere"}))
        assert cause(ask(objects, {}, resource=LIST, arguments={"Bucket": "../x"}))

    def test_a_kind_that_is_not_offered(self, objects: FolderStore) -> None:
        put(objects, "file", "x")
        assert "'PARQUET' is not offered" in cause(ask(objects, {"InputType": "PARQUET"}))


class TestLimits:
    @pytest.mark.parametrize(("most", "left"), [(0, 3), (1, 1), (3, 3), (9, 3)])
    def test_no_more_than_were_asked_for(self, objects: FolderStore, most: int, left: int) -> None:
        put(objects, "file", "[1, 2, 3]")
        for limit in (1, 2, 5):
            assert len(every(objects, {"InputType": "JSON", "MaxItems": most}, limit=limit)) == left

    def test_a_negative_number_is_refused_as_aws_does(self, objects: FolderStore) -> None:
        put(objects, "file", "[1]")
        config = {"InputType": "JSON", "MaxItems": -1}
        assert cause(ask(objects, config)) == "field MaxItems must be positive"

    def test_an_object_that_was_replaced_is_not_read_on(self, objects: FolderStore) -> None:
        put(objects, "file", "[1, 2]")
        reader = ItemReader(objects)
        first = ask(reader, {"InputType": "JSON"}, limit=1)
        assert isinstance(first, TaskSucceeded)
        assert isinstance(first.output, dict)
        put(objects, "file", "[3, 4]")
        again = ask(reader, {"InputType": "JSON"}, cursor=first.output["cursor"])
        assert "was replaced while it was read" in cause(again)

    def test_a_cursor_of_somebody_else_is_refused(self, objects: FolderStore) -> None:
        put(objects, "file", "[1]")
        etag = objects.head(S3Uri("data", "file")).etag
        wrong = {"version": etag, "taken": 0, "place": {"index": -5}}
        assert "no place" in cause(ask(objects, {"InputType": "JSON"}, cursor=wrong))
