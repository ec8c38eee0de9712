"""Tables of runs: a dataframe, and files of CSV, Parquet and JSON."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.storage.failures import translated_disk_errors

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Row = Mapping[str, object]


def runs_dataframe(
    experiment: str = "", *, jobs: bool = False, folder: Path | str | None = None
) -> pd.DataFrame:
    """Return runs as a pandas dataframe, the newest first; ``param.x`` and ``metric.x`` are columns.

    Args:
        experiment: Only the runs of this one.
        jobs: Each job of an execution, too, as a run.
        folder: Of the project; the home is found as the ``stepmill`` command finds it there. Default: the
            current one.

    Raises:
        UnsupportedError: If pandas is not installed, or there is no home to read: as in a job, which sees
            Stepmill only by the wire.
    """
    from stepmill.catalog.runs import rows_of
    from stepmill.platform.lookup import load_settings
    from stepmill.platform.platform import Platform
    from stepmill.storage.layout import HomeLayout

    try:
        import pandas as pd
    except ImportError as error:
        raise UnsupportedError("A dataframe needs pandas.", mend="pip install pandas") from error
    settings = load_settings(Path.cwd() if folder is None else Path(folder), os.environ)
    if not HomeLayout(settings.home).database.is_file():
        raise UnsupportedError(
            f"There is no home of Stepmill at {settings.home}.",
            where="runs_dataframe",
            mend="Call it in the project's folder, or set STEPMILL_HOME. A job has no home: there, ask the "
            "SageMaker SDK's ExperimentAnalytics, or MLflow's search_runs.",
        )
    with Platform(settings, remark=lambda _remark: None) as platform:
        return pd.DataFrame(rows_of(platform.runs.list(experiment=experiment, jobs=jobs)))


def write_rows(rows: Sequence[Row], file: Path) -> None:
    """Write rows, all with the same columns, to a file: what its name ends in says how.

    Raises:
        InvalidInputError: If that says nothing.
        StorageError: If it cannot be written.
    """
    writers = {".csv": _write_csv, ".parquet": _write_parquet, ".json": _write_json}
    write = writers.get(file.suffix.lower())
    if write is None:
        raise InvalidInputError(
            f"{file.name!r} does not say what to write.", mend=f"End it in {', '.join(writers)}."
        )
    with translated_disk_errors():
        write(rows, file)


def _write_csv(rows: Sequence[Row], file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]) if rows else ["run"])
        writer.writeheader()
        writer.writerows({name: _in_csv(value) for name, value in row.items()} for row in rows)


def _write_json(rows: Sequence[Row], file: Path) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))


def _write_parquet(rows: Sequence[Row], file: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    names = list(rows[0]) if rows else ["run"]
    columns = {name: _column([row[name] for row in rows]) for name in names}
    parquet.write_table(pa.table(columns), file)


def _column(values: Sequence[object]) -> pa.Array[Any]:
    """Return a column of one type: numbers, moments, or else texts."""
    import pyarrow as pa

    there = [value for value in values if value is not None]
    if there and all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
        numbers = [None if value is None else float(str(value)) for value in values]
        return pa.array(numbers, pa.float64())
    if there and all(isinstance(value, datetime) for value in there):
        return pa.array(values, pa.timestamp("us", "UTC"))
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _in_csv(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    # A spreadsheet would run what looks like a formula.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
