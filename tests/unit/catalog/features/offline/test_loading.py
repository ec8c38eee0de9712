from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stepmill.catalog.features.offline import loading
from stepmill.catalog.features.offline.loading import load, one_array, taken
from stepmill.catalog.features.schema import FeatureDefinition, FeatureType, GroupSchema

SCHEMA = GroupSchema(
    (
        FeatureDefinition("id", FeatureType.INTEGRAL),
        FeatureDefinition("at", FeatureType.STRING),
        FeatureDefinition("added", FeatureType.FRACTIONAL),
    ),
    "id",
    "at",
)


def files(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number}.parquet" for number in range(count)]
    for number, path in enumerate(paths):
        pq.write_table(
            pa.table({"at": [f"a{number}", f"b{number}"], "id": [2 * number, 2 * number + 1]}), path
        )
    return paths


@pytest.mark.parametrize("count", [1, 2, loading._FILES_AT_ONCE, 2 * loading._FILES_AT_ONCE + 1])
def test_the_rows_of_all_files_come_in_their_order(tmp_path: Path, count: int) -> None:
    table = load(files(tmp_path, count), SCHEMA, ["id", "at"])
    assert table.column_names == ["id", "at"]
    assert table["id"].to_pylist() == list(range(2 * count))
    assert table["at"].to_pylist() == [f"{letter}{number}" for number in range(count) for letter in "ab"]


def test_no_file_has_no_rows_but_the_columns() -> None:
    table = load([], SCHEMA, ["added", "id"])
    assert (table.num_rows, table.schema) == (0, pa.schema({"added": pa.float64(), "id": pa.int64()}))


def test_what_a_file_does_not_have_is_null_and_what_it_has_otherwise_is_converted(tmp_path: Path) -> None:
    old, other = tmp_path / "old.parquet", tmp_path / "other.parquet"
    pq.write_table(pa.table({"id": [1], "left": [0]}), old)
    pq.write_table(pa.table({"added": pa.array([2], pa.int32()), "id": pa.array([2], pa.int32())}), other)
    table = load([old, other], SCHEMA, ["id", "added"])
    assert table.to_pylist() == [{"id": 1, "added": None}, {"id": 2, "added": 2.0}]
    assert table.schema == pa.schema({"id": pa.int64(), "added": pa.float64()})


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    paths = files(tmp_path, 3)
    paths[1].unlink()
    with pytest.raises(FileNotFoundError):
        load(paths, SCHEMA, ["id"])


@pytest.mark.parametrize("many", [0, loading._MANY_ROWS])
def test_rows_are_taken_by_place_and_where_there_is_none_null(
    monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(loading, "_MANY_ROWS", many)
    table = pa.table(
        {
            "n": pa.chunked_array([[10], [None, 12]]),
            "t": pa.chunked_array([["a", "b"], ["c"]]),
            "many": pa.chunked_array([[[1.0], [2.0]], [[3.0, 4.0]]]),
        }
    )
    found = taken(table, pa.array([2, None, 0, 1]))
    assert found.to_pydict() == {
        "n": [12, None, 10, None],
        "t": ["c", None, "a", "b"],
        "many": [[3.0, 4.0], None, [1.0], [2.0]],
    }
    assert found.schema == table.schema
    assert taken(table, pa.array([1, 0]))["t"].to_pylist() == ["b", "a"]


def test_nothing_is_taken_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_MANY_ROWS", 0)
    table = pa.schema({"n": pa.int64(), "t": pa.string()}).empty_table()
    assert taken(table, pa.array([None, None], pa.int64())).to_pydict() == {
        "n": [None, None],
        "t": [None, None],
    }
    assert taken(table, pa.array([], pa.int64())).num_rows == 0


def test_a_column_of_chunks_or_of_none_becomes_one_array() -> None:
    assert one_array(pa.chunked_array([[1], [2, None]])).to_pylist() == [1, 2, None]
    assert one_array(pa.chunked_array([], pa.string())).equals(pa.array([], pa.string()))
