from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stepmill.jobs.checks.programs.datasets import read_dataset
from stepmill.jobs.checks.programs.errors import CustomerError
from stepmill.jobs.checks.programs.settings import Settings


def read(folder: Path, kind: str = "csv", *, header: bool = True) -> dict[str, list[Any]]:
    table = read_dataset(Settings(kind, header, folder, folder / "out"))
    return {str(name): [None if pd.isna(value) else value for value in table[name]] for name in table.columns}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_csv_with_a_header_in_each_file(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": 'x,y\n1,"a,b"\n', "deep/b.csv": "x,y\n,NA\n"})
    assert read(tmp_path) == {"x": ["1", None], "y": ["a,b", "NA"]}


def test_csv_without_a_header_is_named_by_position(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "007,x\n"})
    assert read(tmp_path, header=False) == {"_c0": ["007"], "_c1": ["x"]}


def test_one_file_is_a_data_set(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "x\n1\n"})
    assert read(tmp_path / "a.csv") == {"x": ["1"]}


def test_hidden_and_marker_files_are_no_data(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "x\n1\n", "_SUCCESS": "", ".crc": "z\n", "_temporary/b.csv": "y\n2\n"})
    assert read(tmp_path) == {"x": ["1"]}


def test_json_lines(tmp_path: Path) -> None:
    write(tmp_path, {"a.jsonl": '{"x": 1, "y": true}\n\n{"x": null, "z": "t"}\n'})
    assert read(tmp_path, "json") == {"x": ["1", None], "y": ["true", None], "z": [None, "t"]}


def test_nested_json_is_flattened(tmp_path: Path) -> None:
    write(tmp_path, {"a.jsonl": '{"x": {"y": 1, "z": [true, {"w": null}]}, "e": {}, "t": "s"}\n'})
    assert read(tmp_path, "json") == {"x_y": ["1"], "x_z_0": ["true"], "x_z_1_w": [None], "t": ["s"]}


@pytest.mark.parametrize("text", ['[{"x": 1}, {"x": 2}]', '[\n{"x": 1},\n{"x": 2}\n]'])
def test_a_json_file_of_several_records(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"a.json": text, "b.json": '{"x":\n3}'})
    table = read_dataset(Settings("json", False, tmp_path, tmp_path / "out", lines=False))
    assert table["x"].tolist() == ["1", "2", "3"]


def test_parquet_keeps_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame({"n": [1, 2], "f": [0.5, None], "t": ["a", None], "b": [True, False]})
    table.to_parquet(tmp_path / "a.parquet")
    found = read(tmp_path, "parquet")
    assert found == {"n": [1, 2], "f": [0.5, None], "t": ["a", None], "b": ["true", "false"]}


@pytest.mark.parametrize(
    ("kind", "files", "says"),
    [
        ("csv", {}, "There is no data"),
        ("csv", {"a.csv": "x\n"}, "There is no data"),
        ("csv", {"a.csv": ""}, "There is no data"),
        ("csv", {"a.csv": "x\n1\n", "b.csv": "y\n1\n"}, "'a.csv' and 'b.csv' differ in columns"),
        ("csv", {"a.csv": "x\n1,2,3\n4\n5,6,7,8\n"}, "'a.csv' cannot be read"),
        ("csv", {"a.csv": b"x\n\xff\xfe\n"}, "'a.csv' cannot be read"),
        ("csv", {"a.csv": ",".join(f"c{n}" for n in range(10_001)) + "\n" + "1," * 10_000 + "1\n"}, "10001"),
        ("json", {"a": "[1]\n"}, "line 1: a record must be a JSON object"),
        ("json", {"a": '{"x_y": 1, "x": {"y": 1}}\n'}, "line 1: two values are called 'x_y'"),
        ("json", {"a": json.dumps({"x": list(range(10_001))})}, "10001 columns"),
        ("json", {"a": "{"}, "'a' cannot be read"),
        ("json", {"a": '{"x":' + "[" * 100_000}, "'a' cannot be read"),
        ("parquet", {"a": "no parquet"}, "'a' cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, kind: str, files: dict[str, Any], says: str) -> None:
    with pytest.raises(CustomerError, match=says):
        read(write(tmp_path, files), kind)


def test_nested_parquet_is_flattened(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "n": [7, 8, 9],
            "a": [[1, 2], None, [3]],
            "s": [{"x": 0.5, "y": [{"z": "t"}]}, {"x": None, "y": []}, None],
        }
    )
    table.to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path, "parquet") == {
        "n": [7, 8, 9],
        "a_0": ["1", None, "3"],
        "a_1": ["2", None, None],
        "s_x": ["0.5", None, None],
        "s_y_0_z": ["t", None, None],
    }


def test_rows_of_parquet_whose_index_is_not_from_zero(tmp_path: Path) -> None:
    table = pd.DataFrame({"n": [1, 2], "t": ["a", "b"], "l": [[1], [2]]}, index=[5, 7])
    table.to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path, "parquet") == {"n": [1, 2], "t": ["a", "b"], "l_0": ["1", "2"]}


def test_flattened_names_that_are_taken(tmp_path: Path) -> None:
    pd.DataFrame({"a_0": [1], "a": [[2]]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(CustomerError, match="Several columns are called 'a_0'"):
        read(tmp_path, "parquet")
