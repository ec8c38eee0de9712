from __future__ import annotations

import gzip
import io
import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stepmill.algorithms.programs.deepar_data import (
    check_likelihood,
    check_test,
    layout_of,
    read_series,
    tell_statistics,
)
from stepmill.algorithms.programs.deepar_records import Layout
from stepmill.algorithms.programs.errors import CustomerError
from stepmill.algorithms.programs.first_party import Settings
from stepmill.algorithms.programs.job import Job

START = "2020-01-01 00:00:00"
MOMENT = datetime(2020, 1, 1)  # noqa: DTZ001 - as time series have it
LONG = [float(value) for value in range(160)]


def row(**fields: Any) -> dict[str, Any]:
    return {"start": START, "target": LONG, **fields}


def lines(*rows: Any) -> bytes:
    return "".join(f"{json.dumps(fields)}\n" for fields in rows).encode()


def parquet(*rows: dict[str, Any]) -> bytes:
    into = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), into)
    return into.getvalue()


class Reading:
    def __init__(self, base: Path) -> None:
        self.base = base

    def __call__(self, files: dict[str, bytes], content_type: str = "", channel: str = "train") -> Any:
        for name, content in files.items():
            path = self.base / "input" / "data" / channel / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return read_series(Job(self.base, {}, {channel: {"ContentType": content_type}}), channel)


@pytest.fixture
def read(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("train.json", lines(row(), row(target=[1, None]))),
            ("train.json", b"\n" + lines(row()) + b"\r\n" + lines(row(target=[1, "NaN"]))[:-1]),
            ("part.JSON.gz", gzip.compress(lines(row(), row(target=[1, None])))),
            ("train.parquet", parquet(row(), row(target=[1.0, None]))),
            ("deep/er/part-0.parquet", parquet(row(start=MOMENT), row(start=MOMENT, target=[1.0, None]))),
        ],
    )
    def test_formats_are_told_by_names(self, read: Reading, name: str, content: bytes) -> None:
        found = read({name: content})
        assert [len(record.target) for record in found.records] == [160, 2]
        assert str(found.records[1].target[1]) == "nan"

    @pytest.mark.parametrize(
        ("content_type", "content"),
        [("json", lines(row())), ("application/jsonlines", lines(row())), ("parquet", parquet(row()))],
    )
    def test_formats_are_told_by_the_content_type(
        self, read: Reading, content_type: str, content: bytes
    ) -> None:
        assert len(read({"part-00000": content}, content_type)) == 1

    def test_a_name_decides_before_the_content_type(self, read: Reading) -> None:
        assert len(read({"a.json": lines(row()), "b.parquet": parquet(row())}, "parquet")) == 2

    def test_outputs_of_spark_can_be_used_as_they_are(self, read: Reading) -> None:
        files = {"_SUCCESS": b"", ".part-0.json.crc": b"\0", ".tmp/x.json": b"{", "part-0.json": lines(row())}
        assert read(files).places == ["part-0.json, line 1"]

    def test_what_a_name_does_not_tell_is_asked_for(self, read: Reading) -> None:
        with pytest.raises(CustomerError, match=r"The name of data\.txt does not tell what it holds"):
            read({"data.txt": lines(row())})

    @pytest.mark.parametrize(
        ("files", "message"),
        [
            ({"a.json": lines(row()) + b"{\n"}, "a.json, line 2: not JSON"),
            ({"a.json": b"\xff\xfe\n"}, "a.json, line 1: not JSON"),
            ({"a.json": b"[" * 100_000}, "a.json, line 1: not JSON"),
            ({"a.json": lines(row(), row(), [1])}, "a.json, line 3: not an object"),
            ({"b/a.json": lines(row(target=["x"]))}, "b/a.json, line 1: a value of target is 'x'"),
            ({"a.json": b"\n \n"}, "There is no time series in the train channel"),
            ({".hidden.json": lines(row())}, "No data in train channel path"),
            ({"a.json.gz": gzip.compress(lines(row()))[:-9]}, "not a whole gzip file"),
            ({"a.parquet": b"PAR1"}, "a.parquet cannot be read as Parquet"),
            ({"a.parquet": parquet({"target": [1.0]})}, "a.parquet, row 1: there is no field 'start'"),
        ],
    )
    def test_what_cannot_be_read_is_told_with_its_place(
        self, read: Reading, files: dict[str, bytes], message: str
    ) -> None:
        with pytest.raises(CustomerError) as caught:
            read(files)
        assert message in str(caught.value)


class TestLayout:
    def layout(self, read: Reading, *rows: dict[str, Any], horizon: int = 5, **settings: str) -> Layout:
        return layout_of(Settings(settings), read({"train.json": lines(*rows)}), horizon)

    def test_without_fields_none_are_used(self, read: Reading) -> None:
        assert self.layout(read, row(), row()) == Layout((), 0, 5)

    def test_auto_counts_categories_and_features(
        self, read: Reading, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        both = [row(cat=[0, 4], dynamic_feat=[LONG, LONG]), row(cat=[1, 0], dynamic_feat=[LONG, LONG])]
        assert self.layout(read, *both) == Layout((2, 5), 2, 5)
        assert "[cardinality=auto] `cat` field was found in the file" in caplog.text
        assert "Inferred value of num_dynamic_feat=2 from dataset" in caplog.text

    @pytest.mark.parametrize("word", ["ignore", ""])
    def test_fields_can_be_ignored(self, read: Reading, word: str) -> None:
        mixed = [row(cat=[7], dynamic_feat=[LONG]), row()]
        assert self.layout(read, *mixed, cardinality=word, num_dynamic_feat=word) == Layout((), 0, 5)

    def test_values_that_are_told_are_held_against_the_data(self, read: Reading) -> None:
        rows = [row(cat=[0], dynamic_feat=[LONG]), row(cat=[1], dynamic_feat=[LONG])]
        assert self.layout(read, *rows, cardinality="[4]", num_dynamic_feat="1") == Layout((4,), 1, 5)

    @pytest.mark.parametrize(
        ("rows", "settings", "message"),
        [
            ([row(cat=[0]), row()], {}, "line 2: cat has 0 values; the first time series has 1"),
            ([row(), row(cat=[0])], {}, "line 2: there is cat, which the first time series does not have"),
            ([row(), row(dynamic_feat=[LONG])], {}, "line 2: there is dynamic_feat, which the first"),
            ([row(dynamic_feat=[LONG]), row()], {}, "line 2: there is no dynamic_feat"),
            ([row(dynamic_feat=[LONG[1:]])] * 2, {}, "line 1: a list of dynamic_feat has 159 values"),
            ([row(cat=[1]), row(cat=[2])], {"cardinality": "[2]"}, "line 2: cat has the value 2"),
            ([row(), row()], {"cardinality": "[2]"}, "line 1: there is no cat"),
            ([row(), row()], {"num_dynamic_feat": "1"}, "line 1: there is no dynamic_feat"),
            ([row(cat=[5_000_000]), row(cat=[0])], {}, "Categories are numbered from 0"),
            ([row()], {}, "There are 160 observations in all training time series"),
            ([row(target=LONG[:5])] * 100, {}, "No training time series is longer than prediction_length=5"),
        ],
    )
    def test_data_that_cannot_be_trained_on(
        self, read: Reading, rows: list[dict[str, Any]], settings: dict[str, str], message: str
    ) -> None:
        with pytest.raises(CustomerError) as caught:
            self.layout(read, *rows, **settings)
        assert message in str(caught.value)


def test_a_test_series_needs_a_past(read: Reading) -> None:
    test = read({"test.json": lines(row(target=[1, 2, 3]), row(target=[1, 2]))}, channel="test")
    with pytest.raises(CustomerError, match=r"test\.json, line 2: target has 2 values; .* more than"):
        check_test(test, Layout((), 0, 2))


@pytest.mark.parametrize(
    ("likelihood", "target", "message"),
    [
        ("beta", [0, 1, 1.5], "likelihood beta needs values from 0 to 1"),
        ("beta", [-0.5], "likelihood beta needs values from 0 to 1"),
        ("negative-binomial", [0, 0.5], "likelihood negative-binomial needs counts"),
        ("negative-binomial", [-1], "likelihood negative-binomial needs counts"),
    ],
)
def test_a_likelihood_that_does_not_suit(
    read: Reading, likelihood: str, target: list[float], message: str
) -> None:
    data = read({"train.json": lines(row(target=[0, 1]), row(target=target))})
    with pytest.raises(CustomerError) as caught:
        check_likelihood(likelihood, data)
    assert str(caught.value).startswith(f"train.json, line 2: {message}")


@pytest.mark.parametrize("likelihood", ["student-t", "gaussian", "deterministic-l1"])
def test_the_others_take_any_number(read: Reading, likelihood: str) -> None:
    data = read({"a.json": lines(row(target=[-1.5, None, 7]))})
    check_likelihood(likelihood, data)
    np.testing.assert_array_equal(data.records[0].target, [-1.5, np.nan, 7])


@pytest.mark.parametrize(("likelihood", "target"), [("beta", [0.5, None]), ("negative-binomial", [3, "NaN"])])
def test_missing_values_are_of_no_likelihood(read: Reading, likelihood: str, target: list[Any]) -> None:
    data = read({"a.json": lines(row(target=target))})
    check_likelihood(likelihood, data)
    np.testing.assert_array_equal(data.records[0].target, [target[0], np.nan])


def test_statistics_are_told(read: Reading, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tell_statistics(read({"a.json": lines(row(target=[1, None, 3]), row(target=[-4]))}))
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "Training set statistics:",
        "Integer time series",
        "number of time series: 2",
        "number of observations: 3",
        "mean target length: 2.0",
        "min/mean/max target: -4.0/0.0/3.0",
        "mean abs(target): 2.6666666666666665",
        "contains missing values: yes (25.0%)",
    ]
