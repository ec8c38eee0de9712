"""Tables that are given to be ingested: dataframes, Arrow, Parquet, CSV; read in parts, not all at once.

What is read here is as it was given: ``door`` types and checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from stepmill.catalog.features.offline.tables import is_pandas
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.storage.failures import translated_disk_errors

# So many rows are checked, typed and written at a time.
PART_ROWS = 1_000_000
PART_BYTES = 256 * 1024 * 1024
_BLOCK_BYTES = 8 * 1024 * 1024

Column: TypeAlias = "pa.ChunkedArray | Sequence[Any]"


@dataclass(frozen=True)
class Part:
    """Some rows of what was given.

    Args:
        columns: By their names. Values that Arrow has no one type for are a plain sequence.
        rows: How many there are.
        first: Number of the first one, counted from 0.
        place: The file they are from; empty if it was none.
    """

    columns: Mapping[str, Column]
    rows: int
    first: int = 0
    place: str = ""


@dataclass(frozen=True)
class RaggedRow:
    """A line of a CSV file that has not as many values as the file has columns.

    Args:
        place: The file.
        row: Its number, counted from 0; -1: unknown.
        expected: How many there ought to be.
        actual: How many there are.
    """

    place: str
    row: int
    expected: int
    actual: int


Complain: TypeAlias = Callable[[RaggedRow], None]


def parts_of(source: object, complain: Complain) -> Iterator[Part]:
    """Read what was given, in parts of bounded size.

    Args:
        source: A pandas or polars dataframe, an Arrow table or reader, a sequence of mappings, or the path of
            a Parquet or CSV file (``.csv``, ``.csv.gz``), of a folder of such files, or several such paths.
        complain: Told of lines that are not as long as the others; they are left out.

    Raises:
        InvalidInputError: If it is nothing of that kind, or the file cannot be read as what its name says.
        NotFoundError: If there is no such file.
    """
    if isinstance(source, str | Path):
        yield from _of_files([Path(source)], complain)
    elif is_pandas(source):
        yield from _sliced(_of_pandas(source))
    elif isinstance(source, Sequence) and source and all(isinstance(each, str | Path) for each in source):
        yield from _of_files([Path(each) for each in source], complain)
    elif isinstance(source, Sequence) and all(isinstance(each, Mapping) for each in source):
        yield from _sliced(_of_mappings(source))
    else:
        yield from _of_batches(_reader_of(source))


def _of_pandas(frame: Any) -> Part:
    names = [str(name) for name in frame.columns]
    _check_names(names)
    # By position: names may be no texts.
    columns = {name: _of_series(frame.iloc[:, place]) for place, name in enumerate(names)}
    return Part(columns, len(frame))


def _of_series(series: Any) -> Column:
    try:
        return _chunked(pa.array(series, from_pandas=True))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, ValueError):
        values: list[Any] = series.astype(object).where(series.notna(), None).tolist()
        return values


def _of_mappings(rows: Sequence[Mapping[str, Any]]) -> Part:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: dict[str, Column] = {}
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            columns[str(name)] = _chunked(pa.array(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            columns[str(name)] = values
    return Part(columns, len(rows))


def _reader_of(source: Any) -> Any:
    if isinstance(source, pa.Table):
        _check_names(source.column_names)
        return source.to_batches(max_chunksize=PART_ROWS)
    if isinstance(source, pa.RecordBatch):
        return [source]
    if isinstance(source, pa.RecordBatchReader):
        return source
    if hasattr(source, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(source)
    raise InvalidInputError(
        f"A {type(source).__name__} cannot be ingested.",
        where="source",
        mend="Give a dataframe, an Arrow table, or the path of a Parquet or CSV file.",
    )


def _of_files(paths: Sequence[Path], complain: Complain) -> Iterator[Part]:
    for path in paths:
        if path.is_dir():
            inner = sorted(each for each in path.rglob("*") if each.is_file() and not _is_hidden(each, path))
            yield from _of_files(inner, complain)
        elif not path.exists():
            raise NotFoundError(
                "There is no such file.", where=str(path), mend="Give the path of a CSV or Parquet file."
            )
        elif _is_csv(path):
            yield from _of_batches(_csv_batches(path, complain), str(path))
        elif path.suffix in {".parquet", ".pq"}:
            yield from _of_batches(_parquet_batches(path), str(path))
        else:
            raise InvalidInputError(
                "The name of this file does not say what is in it.",
                where=str(path),
                mend="Name it .csv, .csv.gz or .parquet.",
            )


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(each.startswith((".", "_")) for each in path.relative_to(folder).parts)


def _is_csv(path: Path) -> bool:
    return path.name.endswith((".csv", ".csv.gz"))


def _parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    with _readable(path), pq.ParquetFile(path, memory_map=True) as file:
        _check_names(file.schema_arrow.names, str(path))
        yield from file.iter_batches(batch_size=PART_ROWS // 4)


def _csv_batches(path: Path, complain: Complain) -> Iterator[pa.RecordBatch]:
    def leave_out(row: Any) -> str:
        # Arrow counts from 1, with the line of names.
        number = -1 if row.number is None else row.number - 2
        complain(RaggedRow(str(path), number, row.expected_columns, row.actual_columns))
        return "skip"

    with _readable(path):
        names = _csv_names(path)
        _check_names(names, str(path))
        reader = pa.csv.open_csv(
            path,
            # Only one thread can tell the numbers of rows.
            read_options=pa.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=leave_out),
            # Guessing types from the first block would make what a file means depend on how long it is.
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
        with reader:
            yield from reader


def _csv_names(path: Path) -> list[str]:
    options = pa.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False)
    parsing = pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda _: "skip")
    with pa.csv.open_csv(path, read_options=options, parse_options=parsing) as reader:
        return list(reader.schema.names)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        with translated_disk_errors():
            yield
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"This file cannot be read: {str(error)[:300]}",
            where=str(path),
            mend="Look whether it is what its name says, and whole; a CSV is UTF-8 with a line of names.",
        ) from error


def _of_batches(batches: Iterable[pa.RecordBatch], place: str = "") -> Iterator[Part]:
    """Join small batches, and cut large ones, to parts of bounded size."""
    first, rows, size = 0, 0, 0
    held: list[pa.RecordBatch] = []
    for batch in batches:
        for start in range(0, max(batch.num_rows, 1), PART_ROWS):
            piece = batch.slice(start, PART_ROWS)
            held.append(piece)
            rows, size = rows + piece.num_rows, size + piece.nbytes
            if rows >= PART_ROWS or size >= PART_BYTES:
                yield _joined(held, first, place)
                first, rows, size, held = first + rows, 0, 0, []
    if held:
        yield _joined(held, first, place)


def _joined(batches: Sequence[pa.RecordBatch], first: int, place: str) -> Part:
    table = pa.Table.from_batches(batches)
    return Part(dict(zip(table.column_names, table.columns, strict=True)), table.num_rows, first, place)


def _sliced(part: Part) -> Iterator[Part]:
    for start in range(0, max(part.rows, 1), PART_ROWS):
        columns = {name: column[start : start + PART_ROWS] for name, column in part.columns.items()}
        yield Part(columns, min(PART_ROWS, part.rows - start), start, part.place)


def _chunked(array: Any) -> pa.ChunkedArray:
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _check_names(names: Sequence[str], place: str = "") -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidInputError(
                f"There are two columns named {name[:80]!r}.", where=place, mend="Rename one of them."
            )
        seen.add(name)
