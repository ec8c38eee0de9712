"""Whole tables, given or in files: rows that are to be joined, and answers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.storage.failures import translated_disk_errors


def table_of(given: Any) -> pa.Table:
    """Return what was given as one table: a dataframe, an Arrow table, mappings, or a file's path.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: If it is nothing of that kind.
    """
    if isinstance(given, str | Path):
        return read_table(Path(given))
    try:
        if isinstance(given, pa.Table):
            return given
        if is_pandas(given):
            return pa.Table.from_pandas(given, preserve_index=False)
        if isinstance(given, Sequence):
            return pa.Table.from_pylist(list(given))
        return pa.table(given)
    except (pa.ArrowException, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            f"This {type(given).__name__} is no table: {str(error)[:200]}",
            where="rows",
            mend="Give a dataframe, an Arrow table, or the path of a Parquet or CSV file.",
        ) from error


def is_pandas(given: object) -> bool:
    """Return whether something is a dataframe of pandas, without importing it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(given, pandas.DataFrame)


def read_table(path: Path) -> pa.Table:
    """Return the rows of a Parquet or CSV file; a CSV's types are guessed.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: If it cannot be read.
    """
    if not path.is_file():
        raise NotFoundError("There is no such file.", where=str(path))
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        return pa.csv.read_csv(path)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise InvalidInputError(f"This file cannot be read: {str(error)[:300]}", where=str(path)) from error


def rows_in(path: Path) -> int | None:
    """Return how many rows a Parquet file has; ``None`` of all else, or where it cannot be told."""
    if path.suffix != ".parquet" or not path.is_file():
        return None
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return None


def write_table(table: pa.Table, path: Path) -> None:
    """Write rows to a file, as Parquet or CSV as its name says.

    Raises:
        InvalidInputError: If its name says neither, or CSV cannot hold a column.
        StorageError: If the disk fails.
    """
    if path.suffix not in {".parquet", ".csv"}:
        raise InvalidInputError(
            "The name of this file does not say what is to be in it.",
            where=str(path),
            mend="Name it .parquet or .csv.",
        )
    with translated_disk_errors():
        if path.suffix == ".parquet":
            pq.write_table(table, path)
            return
        try:
            pa.csv.write_csv(table, path)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InvalidInputError(
                f"CSV cannot hold these rows: {str(error)[:200]}", where=str(path), mend="Name it .parquet."
            ) from error
