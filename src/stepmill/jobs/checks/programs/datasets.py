"""Reads the data of a check: CSV, JSON, Parquet or captured data in a folder, as one table.

Text stays text: which type a column has is found by looking at its values, see ``profile``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from .captured import captured_row, read_captured, records_of
from .errors import CustomerError
from .flattening import flattened, text_of
from .preprocessing import Preprocessor
from .settings import CAPTURE, MODEL_QUALITY, Settings

# More columns make reports that nobody can read, and are nearly always data that was taken for names.
MOST_COLUMNS = 10_000


Record: TypeAlias = dict[str, str | None]


def read_dataset(settings: Settings) -> pd.DataFrame:
    """Return the table: numbers as numbers where the files have types, all else as text, ``None`` if missing.

    Raises:
        CustomerError: If there is no data, a file cannot be read, or the files have different columns.
    """
    preprocessor = Preprocessor(settings.preprocessor) if settings.preprocessor else None
    tables: list[tuple[Path, pd.DataFrame]] = []
    for path in data_files(settings.source):
        table = _read(path, settings, preprocessor)
        if len(table):
            tables.append((path, table))
    if not tables:
        raise CustomerError(f"There is no data in {settings.source}: no file with a record.")
    # Of JSON a record need not have every key, so that files need not either.
    if settings.format in ("csv", "parquet") and preprocessor is None:
        _check_alike(tables)
    return _checked(pd.concat([table for _, table in tables], ignore_index=True))


def _read(path: Path, settings: Settings, preprocessor: Preprocessor | None) -> pd.DataFrame:
    if settings.format == CAPTURE:
        return _table(_read_captures(path, settings, preprocessor))
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        "csv": lambda path: _read_csv(path, header=settings.header),
        "json": lambda path: _table(_read_json(path, lines=settings.lines)),
        "parquet": _read_parquet,
    }
    table = readers[settings.format](path)
    return table if preprocessor is None else _table(_preprocessed(table, path, settings, preprocessor))


def _read_captures(path: Path, settings: Settings, preprocessor: Preprocessor | None) -> Iterator[Record]:
    prefixed = settings.analysis == MODEL_QUALITY
    try:
        for where, line in _lines(path):
            captured = read_captured(line, where)
            plain = partial(records_of, captured, where, sides=settings.sides, prefixed=prefixed)
            yield from plain() if preprocessor is None else preprocessor.records(captured, where, plain)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _preprocessed(
    table: pd.DataFrame, path: Path, settings: Settings, preprocessor: Preprocessor
) -> Iterator[Record]:
    """Give each row of a data set to a script, as if it had come in at an endpoint."""
    names = [str(name) for name in table.columns]
    for number, values in enumerate(table.itertuples(index=False, name=None), 1):
        row = [None if _is_missing(value) else text_of(value) for value in values]
        record = dict(zip(names, row, strict=True))
        where = f"{path.name[:100]!r}, record {number}"
        captured = captured_row(row if settings.format == "csv" else record)
        yield from preprocessor.records(captured, where, partial(iter, [record]))


def _table(records: Iterable[Record]) -> pd.DataFrame:
    kept = list(records)
    names = dict.fromkeys(name for record in kept for name in record)
    _check_count(names)
    columns = {name: [record.get(name) for record in kept] for name in names}
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _check_alike(tables: Sequence[tuple[Path, pd.DataFrame]]) -> None:
    first, one = tables[0]
    for path, table in tables[1:]:
        if list(table.columns) != list(one.columns):
            raise CustomerError(f"The files {first.name[:100]!r} and {path.name[:100]!r} differ in columns.")


def data_files(source: Path) -> Iterator[Path]:
    """Return the files of data in a folder, by name; a file is itself."""
    if source.is_file():
        yield source
        return
    # As Spark does: what begins so is no data but says something about it.
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        if path.is_file() and not any(part.startswith((".", "_")) for part in parts):
            yield path


def _read_csv(path: Path, *, header: bool) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path, header=0 if header else None, dtype=str, keep_default_na=False, na_values=[""]
        )
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise _unreadable(path, error) from error
    if not header:
        # Source: Spark, and so the reports of AWS's container.
        table.columns = pd.Index([f"_c{number}" for number in range(table.shape[1])])
    return table


def _read_json(path: Path, *, lines: bool) -> Iterator[Record]:
    for where, value in json_lines(path) if lines else _json_values(path):
        if not isinstance(value, dict):
            raise CustomerError(f"{where}: a record must be a JSON object.")
        yield flattened(value, where)


def json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the value on each line of a file that is not empty, and where it stands.

    Raises:
        CustomerError: If the file cannot be read.
    """
    try:
        for where, line in _lines(path):
            yield where, json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error


def _json_values(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    for number, value in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield f"{path.name[:100]!r}, record {number}", value


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"{path.name[:100]!r}, line {number}", line


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path).reset_index(drop=True)
    except (ValueError, OSError) as error:
        raise _unreadable(path, error) from error
    where = f"{path.name[:100]!r}"
    parts = [_flat(table.iloc[:, index], where) for index in range(table.shape[1])]
    return pd.concat(parts, axis=1) if parts else table


def _flat(column: pd.Series[Any], where: str) -> pd.Series[Any] | pd.DataFrame:
    """Return a column as it is analyzed; what is nested becomes several."""
    if pd.api.types.is_bool_dtype(column):
        return column.map(text_of)
    if pd.api.types.is_numeric_dtype(column):
        return column
    values: list[Any] = column.tolist()
    if any(isinstance(value, dict | list) or hasattr(value, "__array__") for value in values):
        plain = [_plain(value) for value in values]
        return _table({} if one is None else flattened({column.name: one}, where) for one in plain)
    texts = [None if _is_missing(value) else text_of(value) for value in values]
    return pd.Series(texts, dtype=object, name=column.name)


def _plain(value: Any) -> Any:
    """Return a value of a nested column without what pandas makes of lists and of what is missing."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if _is_missing(value) else value


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or value != value


def _check_count(names: Sized) -> None:
    if len(names) > MOST_COLUMNS:
        raise CustomerError(f"There are {len(names)} columns, and at most {MOST_COLUMNS} can be analyzed.")


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    names: Sequence[str] = [str(name) for name in table.columns]
    _check_count(names)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise CustomerError(f"Several columns are called {twice[:100]!r}.")
    table.columns = pd.Index(names)
    return table


def _unreadable(path: Path, error: Exception) -> CustomerError:
    return CustomerError(f"The file {path.name[:100]!r} cannot be read: {str(error)[:500]}")
