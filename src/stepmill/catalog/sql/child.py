"""The process that runs queries: one after another, each in a database of its own that is locked before.

``processes`` starts it, by ``confined``, and tells it what to do on its standard input. It is killed when a
query is stopped or takes too long, so it keeps nothing.

Before the query is run, the views of its tables are made; then DuckDB may read the files of those tables and
no others, no setting can be changed any more, and only one statement, a SELECT, is taken.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from stepmill.catalog.sql.binding import bind, files_of, literal, quoted
from stepmill.catalog.sql.framing import ClosedError, Kind, read_frame, write_frame
from stepmill.catalog.sql.macros import needed, written

_ROWS_AT_ONCE = 8192
_PIECE_BYTES = 256 * 1024


def serve(memory_bytes: int, spill_bytes: int, threads: int, folder: str, lacks: Sequence[str]) -> None:
    """Take requests on standard input until there are no more, and answer on standard output.

    Args:
        memory_bytes: Of DuckDB.
        spill_bytes: The most that queries put into ``folder``.
        threads: Of each query.
        folder: Where queries put what does not fit into memory.
        lacks: What there is not of a sandbox; is told with the first frame.
    """
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    # Whatever a library prints is no answer.
    os.dup2(2, 1)
    while True:
        # Made before it is needed: opening a database takes longer than most queries.
        connection = _open(memory_bytes, spill_bytes, threads, folder)
        write_frame(answers.write, Kind.READY, json.dumps(lacks).encode())
        with suppress(ClosedError):
            _, request = read_frame(requests)
            _answer(connection, json.loads(request), answers)
            connection.close()
            continue
        return


def _open(memory_bytes: int, spill_bytes: int, threads: int, folder: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    for name, value in {
        "TimeZone": "'UTC'",
        "ieee_floating_point_ops": "true",
        "default_null_order": "'nulls_last'",
        "memory_limit": f"'{memory_bytes // 1024}KiB'",
        "threads": str(threads),
        "temp_directory": literal(folder),
        "max_temp_directory_size": f"'{spill_bytes // 1024}KiB'",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "enable_progress_bar": "false",
    }.items():
        connection.execute(f"SET {name} = {value}")
    return connection


def _answer(connection: duckdb.DuckDBPyConnection, request: Mapping[str, Any], answers: BinaryIO) -> None:
    try:
        tables = request["tables"]
        for table in tables:
            bind(connection, table)
        paths = ", ".join(literal(path) for path in files_of(tables))
        connection.execute(f"SET allowed_paths = [{paths}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        _run(connection, request, answers)
    except ClosedError:
        raise
    except BrokenPipeError as error:
        raise ClosedError from error
    except (duckdb.Error, pa.ArrowException, MemoryError, RecursionError, ValueError) as error:
        found = {"type": type(error).__name__, "text": str(error)[:8000]}
        write_frame(answers.write, Kind.FAILED, json.dumps(found).encode())


def _run(connection: duckdb.DuckDBPyConnection, request: Mapping[str, Any], answers: BinaryIO) -> None:
    sql = request["sql"]
    parsed = connection.extract_statements(sql)
    if len(parsed) != 1 or parsed[0].type != duckdb.StatementType.SELECT:
        raise ValueError("Only one query is run.")
    for macro in needed(sql):
        connection.execute(macro)
    relation = connection.sql(sql)
    columns, types = list(relation.columns), [str(kind) for kind in relation.types]
    if request["column_types"]:
        types = request["column_types"]
    described = [{"name": name, "type": kind} for name, kind in zip(columns, types, strict=False)]
    write_frame(answers.write, Kind.COLUMNS, json.dumps(described).encode())
    names = ", ".join(f"c{index}" for index in range(len(columns)))
    if request["output"] == "parquet":
        values = ", ".join(
            f"CAST(c{index} AS {_kept(kind)}) AS {quoted(name)}"
            for index, (name, kind) in enumerate(zip(request["names"] or columns, types, strict=True))
        )
    else:
        values = ", ".join(f"{written(f'c{index}', kind)} AS c{index}" for index, kind in enumerate(types))
    for macro in needed(values):
        connection.execute(macro)
    result = connection.execute(f"SELECT {values} FROM ({sql}) AS q({names})")
    write = _write_parquet if request["output"] == "parquet" else _write_csv
    rows = write(result.to_arrow_reader(_ROWS_AT_ONCE), columns, answers)
    write_frame(answers.write, Kind.DONE, json.dumps({"rows": rows}).encode())


def _kept(kind: str) -> str:
    """Return the type in which a value is kept in a file: those that Hive has no name for are near ones."""
    return {
        "HUGEINT": "BIGINT",
        "UBIGINT": "BIGINT",
        "UINTEGER": "BIGINT",
        "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
        "JSON": "VARCHAR",
        "UUID": "VARCHAR",
        '"NULL"': "VARCHAR",
    }.get(kind, kind)


def _write_csv(reader: pa.RecordBatchReader, columns: list[str], answers: BinaryIO) -> int:
    header = ",".join('"' + name.replace('"', '""') + '"' for name in columns)
    buffer = io.BytesIO()
    buffer.write(header.encode() + b"\n")
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
    rows = 0
    for batch in reader:
        rows += batch.num_rows
        pyarrow.csv.write_csv(batch, buffer, options)
        if buffer.tell() >= _PIECE_BYTES:
            write_frame(answers.write, Kind.DATA, buffer.getvalue())
            buffer = io.BytesIO()
    write_frame(answers.write, Kind.DATA, buffer.getvalue())
    return rows


class _Frames(io.RawIOBase):
    """A file whose bytes go out in frames."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        piece = bytes(data)
        for begin in range(0, len(piece), _PIECE_BYTES * 16):
            write_frame(self._answers.write, Kind.DATA, piece[begin : begin + _PIECE_BYTES * 16])
        self._position += len(piece)
        return len(piece)


def _write_parquet(reader: pa.RecordBatchReader, _: list[str], answers: BinaryIO) -> int:
    rows = 0
    sink = pa.PythonFile(_Frames(answers), mode="w")
    with pyarrow.parquet.ParquetWriter(sink, reader.schema, compression="snappy") as writer:
        for batch in reader:
            rows += batch.num_rows
            writer.write_batch(batch)
    return rows
