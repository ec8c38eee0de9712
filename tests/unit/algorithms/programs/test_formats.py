from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.algorithms.programs.csv_format import read_csv
from stepmill.algorithms.programs.errors import CustomerError
from stepmill.algorithms.programs.files import data_files, read_file
from stepmill.algorithms.programs.libsvm import read_libsvm
from stepmill.algorithms.programs.media import label_size_of, media_type
from stepmill.algorithms.programs.recordio import write_record
from stepmill.algorithms.programs.tables import CsvLayout, Table, dense, joined, read_channel
from support.algorithm_jobs import csv_of


class TestCsv:
    @given(
        st.integers(1, 5).flatmap(
            lambda width: st.lists(
                st.lists(st.floats(-1e30, 1e30), min_size=width, max_size=width), min_size=1, max_size=8
            )
        )
    )
    def test_numbers_come_back_as_they_were(self, rows: list[list[float]]) -> None:
        assert read_csv(csv_of(*np.array(rows).T), missing=False).tolist() == rows

    @pytest.mark.parametrize(
        ("data", "rows"),
        [
            (b"1,2\n3,4\n", [[1, 2], [3, 4]]),
            (b"1,2\r\n3,4", [[1, 2], [3, 4]]),
            (b"\xef\xbb\xbf1;2\n3;4\n\n", [[1, 2], [3, 4]]),
            (b"1\t2\n", [[1, 2]]),
            (b"1|2\n", [[1, 2]]),
            (b"5\n6\n", [[5], [6]]),
            (b'"1", 2e3\n', [[1, 2000]]),
        ],
    )
    def test_delimiters_and_line_ends(self, data: bytes, rows: list[list[float]]) -> None:
        assert read_csv(data, missing=False).tolist() == rows

    def test_an_empty_cell_is_missing_where_that_is_taken(self) -> None:
        table = read_csv(b"1,,3\n,5,\nNaN,1,2\n", missing=True)
        assert np.isnan(table).tolist() == [[False, True, False], [True, False, True], [True, False, False]]

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"1,2\n3\n", "Line 2 has 1 columns, the first has 2"),
            (b"1,2\n3,4,5\n", "Line 2 has 3 columns, the first has 2"),
            (b"1,,3\n", "Line 1, column 2: the value is missing"),
            (b"1,nan\n", "Line 1, column 2: the value is missing, NaN"),
            (b"1,inf\n", "Line 1, column 2"),
            (b"age,height\n1,2\n", "Line 1, column 1: 'age' is not a number. A header is not expected."),
            (b"1,2\n3,x\n", "Line 2, column 2: 'x' is not a number"),
            (b"1_000,2\n", "Line 1, column 1: '1_000' is not a number"),
            (b"9" * 5000 + b",1\n", "Line 1, column 1"),
            (b"\x89PNG\r\n\x1a\n\0\0", "is not a number"),
        ],
    )
    def test_what_is_no_table_of_numbers_is_refused(self, data: bytes, message: str) -> None:
        with pytest.raises(CustomerError, match=message):
            read_csv(data, missing=False)

    def test_infinity_is_never_taken(self) -> None:
        with pytest.raises(CustomerError, match="column 2: the value is infinite"):
            read_csv(b"1,inf\n", missing=True)

    @given(st.binary(max_size=80))
    def test_no_bytes_do_harm(self, data: bytes) -> None:
        try:
            table = read_csv(data, missing=True)
        except CustomerError as error:
            assert str(error)
        else:
            assert (table.ndim, table.dtype) == (2, np.float64)
            assert not np.isinf(table).any()


class TestLibsvm:
    def test_rows_are_sparse_and_begin_at_0(self) -> None:
        matrix, labels, weights = read_libsvm(b"1 0:1.5 3:2\n0 1:4 # a remark\n\n1\n")
        assert matrix.toarray().tolist() == [[1.5, 0, 0, 2], [0, 4, 0, 0], [0, 0, 0, 0]]
        assert (labels, weights) == ([1, 0, 1], [])

    def test_a_weight_may_follow_the_label(self) -> None:
        assert read_libsvm(b"1:0.5 0:1\n0:2 1:1\n")[2] == [0.5, 2]

    def test_requests_need_no_label(self) -> None:
        for data in (b"0:1 2:3\n", b"7 0:1 2:3\n"):
            assert read_libsvm(data, labelled=False)[0].toarray().tolist() == [[1, 0, 3]]

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"1 0:1\nx 1:1", "Line 2 is not in libsvm format"),
            (b"1 0", "'0' is not <index>:<value>"),
            (b"1 -1:2", "'-1' is not the index of a feature"),
            (b"1 99999999999:2", "is not the index of a feature"),
            (b"1 2147483648:2", "is not the index of a feature"),
            (b"1 0:x", "Line 1 is not in libsvm format"),
            (b"1:1 0:1\n1 0:1", "Some lines have a weight"),
        ],
    )
    def test_other_lines_are_refused(self, data: bytes, message: str) -> None:
        with pytest.raises(CustomerError, match=message):
            read_libsvm(data)

    @given(st.binary(max_size=80))
    def test_no_bytes_do_harm(self, data: bytes) -> None:
        try:
            matrix, labels, weights = read_libsvm(data)
        except CustomerError as error:
            assert str(error).startswith(("Line ", "Some lines "))
        else:
            assert matrix.dtype == np.float32
            assert matrix.shape[0] == len(labels)
            assert len(weights) in (0, len(labels))


@pytest.mark.parametrize(
    ("content_type", "kind", "size"),
    [
        ("text/csv", "text/csv", 1),
        ("Text/CSV; label_size=0", "text/csv", 0),
        ("text/csv;charset=utf-8;label_size=2", "text/csv", 2),
        ('text/csv; label_size="3"', "text/csv", 3),
    ],
)
def test_a_media_type_has_parameters(content_type: str, kind: str, size: int) -> None:
    assert media_type(content_type)[0] == kind
    assert label_size_of(content_type, 1) == size


@given(st.text(max_size=100))
def test_no_media_type_is_too_strange(content_type: str) -> None:
    kind, parameters = media_type(content_type)
    assert ";" not in kind
    assert kind == kind.strip().lower()
    assert all(name == name.lower() and type(value) is str for name, value in parameters.items())


@pytest.mark.parametrize("size", ["-1", "1.5", "x" * 100, "99999"])
def test_a_label_size_is_a_number(size: str) -> None:
    with pytest.raises(CustomerError, match="label_size"):
        label_size_of(f"text/csv;label_size={size}", 0)


class TestFiles:
    def test_hidden_files_and_marks_of_spark_do_not_count(self, tmp_path: Path) -> None:
        for name in ("b.csv", "sub/a.csv", ".hidden", "_SUCCESS", "_temporary/part", "sub/.crc"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("1")
        assert [path.relative_to(tmp_path).as_posix() for path in data_files(tmp_path)] == [
            "b.csv",
            "sub/a.csv",
        ]

    def test_a_channel_without_files_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CustomerError, match="No data in"):
            data_files(tmp_path)

    def test_gzip_is_unpacked_whatever_the_name(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(gzip.compress(b"1,2\n"))
        assert read_file(tmp_path / "a") == b"1,2\n"

    def test_half_a_gzip_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.gz").write_bytes(gzip.compress(b"1,2\n" * 100)[:-5])
        with pytest.raises(CustomerError, match=r"a\.gz is not a whole gzip file"):
            read_file(tmp_path / "a.gz")


class TestChannels:
    def test_files_are_put_below_one_another(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"1,10,20\n")
        (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"2,30,40\n"))
        table = read_channel(tmp_path, "text/csv", CsvLayout())
        assert table.labels is not None
        assert (table.labels.tolist(), table.features.tolist()) == ([1, 2], [[10, 20], [30, 40]])
        assert table.features.dtype == np.float32

    def test_the_second_column_may_be_the_weight(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"1,0.5,20\n2,2,40\n")
        table = read_channel(tmp_path, "text/csv", CsvLayout(weighted=True))
        assert table.weights is not None
        assert (table.weights.tolist(), table.features.tolist()) == ([0.5, 2], [[20], [40]])

    def test_records_and_parquet_and_libsvm(self, tmp_path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        for kind in ("recordio", "parquet", "libsvm"):
            (tmp_path / kind).mkdir()
        records = [
            write_record({"values": [10, 20]}, {"values": [1]}),
            write_record({"values": [30, 40]}, {"values": [2]}),
        ]
        (tmp_path / "recordio" / "x").write_bytes(b"".join(records))
        pq.write_table(
            pa.table({"y": [1, 2], "a": [10, 30], "b": [20.0, 40.0]}), tmp_path / "parquet" / "x.parquet"
        )
        (tmp_path / "libsvm" / "x").write_bytes(b"1 0:10 1:20\n2 0:30 1:40\n")
        for kind, content_type in (
            ("recordio", "application/x-recordio-protobuf"),
            ("parquet", "application/x-parquet"),
            ("libsvm", "text/libsvm"),
        ):
            table = read_channel(tmp_path / kind, content_type, CsvLayout())
            assert table.labels is not None
            assert table.labels.tolist() == [1, 2]
            assert dense(table.features).tolist() == [[10, 20], [30, 40]], kind

    @pytest.mark.parametrize(
        ("files", "content_type", "message"),
        [
            ({"a": b"1,2\n", "b": b"1,2,3\n"}, "text/csv", "do not have equally many features"),
            ({"a": b"1\n"}, "text/csv", "leave none for features"),
            ({"a": b"x,2\n"}, "text/csv", "Failed to load a: Line 1"),
            ({"a": b"PAR1PAR1"}, "parquet", "Failed to load a: it is not Parquet"),
            ({"a": b"1,2\n" * 9}, "application/x-recordio-protobuf", "this is not recordIO"),
            ({"a": b"1,2\n"}, "text/html", "not an accepted ContentType"),
            (
                {"a": write_record({"values": [1]}, {}) + write_record({"values": [1, 2]}, {})},
                "recordio-protobuf",
                "do not have equally many features",
            ),
            (
                {"a": write_record({"other": [1]}, {})},
                "recordio-protobuf",
                "Record 1 has no feature 'values'",
            ),
            (
                {"a": write_record({"values": [1]}, {}) + write_record({"values": [1]}, {"values": [1]})},
                "recordio-protobuf",
                "Some records have a label",
            ),
        ],
    )
    def test_what_cannot_be_read_is_told(
        self, tmp_path: Path, files: dict[str, bytes], content_type: str, message: str
    ) -> None:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        with pytest.raises(CustomerError, match=message):
            read_channel(tmp_path, content_type, CsvLayout())

    def test_sparse_data_is_not_unfolded_beyond_measure(self) -> None:
        from scipy.sparse import csr_matrix

        with pytest.raises(CustomerError, match="too large to be unfolded"):
            dense(csr_matrix((3, 2**31 - 1)))

    def test_sparse_tables_grow_to_the_widest(self) -> None:
        from scipy.sparse import csr_matrix

        narrow, wide = csr_matrix(np.eye(2)), csr_matrix(np.eye(3))
        assert joined([Table(narrow), Table(wide)]).features.shape == (5, 3)
