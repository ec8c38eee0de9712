"""Captured inferences as data, and scripts that make records of them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.checks.programs.analyzer import run
from stepmill.jobs.checks.programs.captured import CapturedData, read_captured, records_of
from stepmill.jobs.checks.programs.datasets import read_dataset
from stepmill.jobs.checks.programs.errors import CustomerError
from stepmill.jobs.checks.programs.settings import CAPTURE, MODEL_QUALITY, Settings


def side(data: Any, encoding: str = "CSV", content_type: str = "text/csv") -> dict[str, Any]:
    return {"observedContentType": content_type, "mode": "ANY", "data": data, "encoding": encoding}


def line(sent: Any = None, answered: Any = None, **more: Any) -> dict[str, Any]:
    """A line as the guide shows it."""
    parts = {"endpointInput": sent, "endpointOutput": answered}
    return {
        "captureData": {name: part for name, part in parts.items() if part is not None},
        "eventMetadata": {"eventId": "feca1ab1", "inferenceTime": "2019-11-20T23:33:12Z"},
        "eventVersion": "0",
        **more,
    }


def records(document: dict[str, Any], **options: Any) -> list[dict[str, str | None]]:
    return list(records_of(read_captured(json.dumps(document), "here"), "here", **options))


class TestRecords:
    def test_predictions_come_first(self) -> None:
        found = records(line(side("132,,x"), side("0.01\n", content_type="text/csv; charset=utf-8")))
        assert found == [{"_c0": "0.01", "_c1": "132", "_c2": None, "_c3": "x"}]

    def test_a_request_of_several_records(self) -> None:
        found = records(line(side("1,2\n3,4\n"), side("0\n1")))
        assert found == [{"_c0": "0", "_c1": "1", "_c2": "2"}, {"_c0": "1", "_c1": "3", "_c2": "4"}]

    @pytest.mark.parametrize(
        ("part", "found"),
        [
            (side('{"a": {"b": 1}, "c": [2]}', "JSON", "application/json"), [{"a_b": "1", "c_0": "2"}]),
            (side({"a": 1}, "JSON", "application/json"), [{"a": "1"}]),
            (side("[1.0, 2.1]", "JSON", "application/json"), [{"_c0": "1.0", "_c1": "2.1"}]),
            (side('[{"a": 1}, {"a": 2}]', "JSON", "application/json"), [{"a": "1"}, {"a": "2"}]),
            (side("0.5", "JSON", "application/json"), [{"_c0": "0.5"}]),
            (side('{"a": 1}\n{"a": 2}\n', "JSON", "application/jsonlines"), [{"a": "1"}, {"a": "2"}]),
            (side(base64.b64encode(b"1,2").decode(), "BASE64"), [{"_c0": "1", "_c1": "2"}]),
            (side(base64.b64encode(b'{"a": 1}').decode(), "BASE64", "application/json"), [{"a": "1"}]),
            (side(""), []),
            (side(None), []),
        ],
    )
    def test_what_a_part_may_be(self, part: dict[str, Any], found: list[dict[str, str]]) -> None:
        assert records(line(part)) == found

    def test_parts_that_count(self) -> None:
        document = line(side("1"), side("2"))
        assert records(document, sides=("endpointInput",)) == [{"_c0": "1"}]

    def test_names_that_tell_the_part(self) -> None:
        document = line(side("7"), side('{"p": 0.4}', "JSON", "application/json"), groundTruthData=side("1"))
        assert records(document, prefixed=True) == [
            {"endpointOutput_p": "0.4", "endpointInput_0": "7", "groundTruthData_0": "1"}
        ]

    @pytest.mark.parametrize(
        ("document", "says"),
        [
            (line(side("1\n2"), side("1\n2\n3")), "have 2 and 3 records"),
            (line(side("{", "JSON")), "the data is not JSON"),
            (line(side("[" * 100_000, "JSON")), "the data is not JSON"),
            (line(side("/w==", "BASE64")), "the data is no text"),
            (line(side("x", "BASE64")), "the data is no text"),
            (line(*[side({"a": 1}, "JSON", "application/json")] * 2), "both have 'a'"),
            ({}, "no captured data"),
            ({"captureData": []}, "no captured data"),
        ],
    )
    def test_what_cannot_be_read(self, document: dict[str, Any], says: str) -> None:
        with pytest.raises(CustomerError, match=says):
            records(document)

    @pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000])
    def test_lines_that_are_none(self, text: str) -> None:
        with pytest.raises(CustomerError):
            read_captured(text, "here")

    @given(
        st.lists(
            st.lists(st.text('ab," ', min_size=1), min_size=2, max_size=2).map(tuple), min_size=1, max_size=9
        )
    )
    def test_as_many_records_as_rows(self, rows: list[tuple[str, str]]) -> None:
        sent = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
        found = records(line(side(sent), side("\n".join("0" for _ in rows))))
        assert [(one["_c1"], one["_c2"]) for one in found] == rows


class TestScripts:
    def read(
        self, folder: Path, text: str, lines: list[dict[str, Any]], **options: Any
    ) -> list[dict[str, Any]]:
        (folder / "script.py").write_text(text)
        (folder / "in").mkdir()
        (folder / "in" / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        settings = Settings(
            CAPTURE, False, folder / "in", folder / "out", preprocessor=folder / "script.py", **options
        )
        table = read_dataset(settings)
        return [
            {str(name): None if pd.isna(value) else value for name, value in row.items()}
            for row in table.to_dict("records")
        ]

    def test_the_guides_first_example(self, tmp_path: Path) -> None:
        script = (
            "def preprocess_handler(inference_record):\n"
            "    data = inference_record.endpoint_output.data.rstrip('\\n') + ','"
            " + inference_record.endpoint_input.data\n"
            "    return {str(i).zfill(20): d for i, d in enumerate(data.split(','))}\n"
        )
        found = self.read(tmp_path, script, [line(side("132,25"), side("0.01\n"))])
        assert found == [{"0" * 20: "0.01", "0" * 19 + "1": "132", "0" * 19 + "2": "25"}]

    def test_records_may_be_left_out_or_become_several(self, tmp_path: Path) -> None:
        script = (
            "def preprocess_handler(record):\n"
            "    count = int(record.endpoint_input.data)\n"
            "    return [{'n': {'is': i}} for i in range(count)]\n"
        )
        found = self.read(tmp_path, script, [line(side(text)) for text in "020"] + [line(side("1"))])
        assert found == [{"n_is": "0"}, {"n_is": "1"}, {"n_is": "0"}]

    def test_a_logger_and_the_record_itself(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        script = (
            "def preprocess_handler(inference_record, logger):\n"
            "    logger.warning(f'saw {inference_record.event_metadata.event_id}: {inference_record}')\n"
            "    inference_record.endpoint_input.data = '9'\n"
            "    return inference_record\n"
        )
        assert self.read(tmp_path, script, [line(side("1"))]) == [{"_c0": "9"}]
        assert "saw feca1ab1: {" in caplog.text
        assert "'data': '9'" not in caplog.text

    @pytest.mark.parametrize(
        ("script", "says"),
        [
            (
                "def preprocess_handler(r): return 1 / 0",
                "line 1: the record preprocessor script failed: ZeroDiv",
            ),
            ("def preprocess_handler(r): return 'x'", "gave str, and a dict"),
            ("def preprocess_handler(r): return [[1]]", "gave list, and a dict"),
            ("preprocess_handler = 1", "has no function preprocess_handler"),
            ("import nowhere_to_be_found", "cannot be run: ModuleNotFoundError"),
            ("def preprocess_handler(r): return []", "There is no data"),
        ],
    )
    def test_what_goes_wrong_in_a_script(self, tmp_path: Path, script: str, says: str) -> None:
        with pytest.raises(CustomerError, match=says):
            self.read(tmp_path, script, [line(side("1"))])

    @pytest.mark.parametrize(
        ("kind", "name", "content", "expected"),
        [
            ("csv", "a.csv", 'x,y\n1,"b,c"\n2,\n', ['1,"b,c"', "2,"]),
            ("json", "a.json", '{"x": {"y": 1}}\n', ['{"x_y": "1"}']),
        ],
    )
    def test_rows_of_a_data_set_come_as_if_captured(
        self, tmp_path: Path, kind: str, name: str, content: str, expected: list[str]
    ) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / name).write_text(content)
        script = tmp_path / "script.py"
        script.write_text(
            "def preprocess_handler(r):\n"
            "    return {'seen': r.endpoint_input.data, 'out': r.endpoint_output.data}"
        )
        settings = Settings(kind, True, tmp_path / "in", tmp_path, preprocessor=script)
        table = read_dataset(settings)
        assert table["seen"].tolist() == expected
        assert set(table["out"]) == {""}
        script.write_text("def preprocess_handler(r): return r")
        assert set(read_dataset(settings).columns) == ({"x", "y"} if kind == "csv" else {"x_y"})


def test_a_script_sees_what_the_guide_names() -> None:
    captured = CapturedData(line(side("1"), side("2"), groundTruthData=side("3")))
    assert captured.endpoint_input is not None
    assert (captured.endpoint_input.encoding, captured.endpoint_input.mode) == ("CSV", "ANY")
    assert captured.endpoint_input.observedContentType == "text/csv"
    assert captured.ground_truth is not None
    assert captured.batch_transform_output is None
    assert captured.event_version == "0"
    assert captured.event_metadata is not None
    assert captured.event_metadata.event_time == "2019-11-20T23:33:12Z"
    assert captured.event_metadata.custom_attribute is None
    assert CapturedData({}).endpoint_input is None


class TestAnalysis:
    def job(self, folder: Path, lines: list[dict[str, Any]], **changes: str) -> tuple[int, dict[str, Any]]:
        (folder / "in" / "2026").mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(one) + "\n" for one in lines)
        (folder / "in" / "2026" / "a.jsonl").write_text(text)
        environment = {
            "dataset_format": '{"sagemakerCaptureJson": {}}',
            "dataset_source": str(folder / "in"),
            "output_path": str(folder / "out"),
            **changes,
        }
        code = run(environment, folder)
        return code, json.loads((folder / "out" / "statistics.json").read_text())

    def test_rows_are_held_against_a_baseline_by_position(self, tmp_path: Path) -> None:
        (tmp_path / "base").mkdir()
        (tmp_path / "base" / "a.csv").write_text("label,age\n0,31\n1,44\n")
        assert (
            run(
                {
                    "dataset_format": '{"csv": {"header": true}}',
                    "dataset_source": str(tmp_path / "base"),
                    "output_path": str(tmp_path / "kept"),
                },
                tmp_path,
            )
            == 0
        )
        baseline = {
            f"baseline_{one}": str(tmp_path / f"kept/{one}.json") for one in ("constraints", "statistics")
        }
        code, found = self.job(tmp_path, [line(side("x"), side("1")), line(side("y"), side("0"))], **baseline)
        assert code == 0
        assert [feature["name"] for feature in found["features"]] == ["label", "age"]
        told = json.loads((tmp_path / "out" / "constraint_violations.json").read_text())["violations"]
        assert [(one["feature_name"], one["constraint_check_type"]) for one in told] == [
            ("age", "data_type_check")
        ]

    def test_the_quality_of_a_model_whose_truth_was_merged_in(self, tmp_path: Path) -> None:
        lines = [
            line(side("7"), side(f"{0.2 + truth * 0.6}"), groundTruthData=side(str(truth)))
            for truth in (0, 1) * 4
        ]
        code, found = self.job(
            tmp_path,
            lines,
            analysis_type=MODEL_QUALITY,
            problem_type="BinaryClassification",
            probability_attribute="endpointOutput_0",
            ground_truth_attribute="groundTruthData_0",
        )
        assert code == 0
        assert found["binary_classification_metrics"]["auc"]["value"] == 1.0
