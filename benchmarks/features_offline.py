"""Bulk ingest of 1 million rows of 20 features, and a point-in-time join of 1 million rows with three groups.

Beside Feast with its local stores (Parquet files read by Dask or DuckDB, SQLite online), on the same rows in
the same run. The answer of the join is held against another way to find it: pandas' ``merge_asof``.

Feast wants an older pandas than ours, so it has an environment of its own, which is made anew in a folder for
this run from the package index; ``STEPMILL_FEAST_PYTHON`` names the Python of one that is there already::

    python -m venv feast && feast/bin/python -m pip install "feast[duckdb]" "pandas<3"
    STEPMILL_FEAST_PYTHON=feast/bin/python python -m benchmarks features_offline

``python -m benchmarks.features_offline --rows 20000 --identifiers 2000`` takes seconds where there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.support import bench_platform, environment
from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.reading import GroupToJoin
from stepmill.platform import Platform

FEATURES = 20
GROUPS = 3
DAYS = 30
START = 1_767_225_600
BUCKET = "bench-features"
ROUNDS = 3
# Feast sends single rows to SQLite: of so many its rate is known.
PUSHED = 50_000


def made(rows: int, identifiers: int, seed: int) -> pa.Table:
    """Return rows of a group, by event time: identifier, event time, numbers of two types."""
    chance = np.random.default_rng(seed)
    seconds = START + np.sort(chance.integers(0, DAYS * 86_400, rows))
    columns: dict[str, Any] = {
        "id": chance.integers(0, identifiers, rows),
        "at": pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC")),
    }
    for number in range(FEATURES):
        values = chance.integers(0, 1000, rows) if number % 4 == 0 else chance.random(rows)
        columns[f"g{seed}_f{number}"] = values
    return pa.table(columns)


def labels(rows: int, identifiers: int) -> pa.Table:
    """Return rows that ask for the features of a moment."""
    chance = np.random.default_rng(99)
    seconds = START + chance.integers(0, DAYS * 86_400, rows)
    return pa.table(
        {
            "id": chance.integers(0, identifiers, rows),
            "event_timestamp": pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC")),
        }
    )


def make_group(platform: Platform, name: str, table: pa.Table) -> FeatureGroup:
    """Make a feature group for a table."""
    definitions = [
        {
            "FeatureName": field.name,
            "FeatureType": "String"
            if field.name == "at"
            else "Integral"
            if pa.types.is_integer(field.type)
            else "Fractional",
        }
        for field in table.schema
    ]
    return platform.features.groups.create(
        {
            "FeatureGroupName": name,
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "at",
            "FeatureDefinitions": definitions,
            "OnlineStoreConfig": {"EnableOnlineStore": True},
            "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/store"}},
        }
    )


def check(joined: pa.Table, asked: pa.Table, tables: list[pa.Table]) -> None:
    """Hold the answer against pandas' merge_asof."""
    frame = asked.to_pandas().reset_index(names="row").sort_values("event_timestamp", kind="stable")
    for seed, table in enumerate(tables):
        right = table.to_pandas().sort_values("at", kind="stable")
        # Of one identifier and moment the last one counts, as in the file.
        right = right.drop_duplicates(["id", "at"], keep="last")
        found = pd.merge_asof(frame, right, left_on="event_timestamp", right_on="at", by="id")
        found = found.sort_values("row")
        for number in range(FEATURES):
            name = f"g{seed}_f{number}"
            ours = joined[name].to_pandas().to_numpy(dtype=float)
            if not np.array_equal(ours, found[name].to_numpy(dtype=float), equal_nan=True):
                raise SystemExit(f"The join is wrong in {name}.")


def measure(folder: Path, tables: list[pa.Table], asked: pa.Table) -> tuple[float, float]:
    """Return our rows/s of ingest and seconds of a join, medians; the join was held to be right."""
    with bench_platform() as (platform, _):
        platform.objects.create_bucket(BUCKET)
        groups = [make_group(platform, f"G{seed}", table) for seed, table in enumerate(tables)]
        ingests, joins = [], []
        for seed, group in enumerate(groups):
            begin = time.perf_counter()
            platform.features.ingests.ingest(group, folder / f"g{seed}.parquet")
            ingests.append(time.perf_counter() - begin)
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            sides = [GroupToJoin(group) for group in groups]
            joined = platform.features.offline.join(asked, sides, event_time="event_timestamp")
            joins.append(time.perf_counter() - begin)
        for group in groups:
            platform.features.copies.drop(group)
        begin = time.perf_counter()
        platform.features.offline.join(asked, sides, event_time="event_timestamp")
        first = time.perf_counter() - begin
    rate, join_s = tables[0].num_rows / statistics.median(ingests), statistics.median(joins)
    print(f"stepmill ingest: {rate:,.0f} rows/s ({', '.join(f'{each:.1f} s' for each in ingests)})")
    print(f"stepmill join: {join_s:.2f} s ({', '.join(f'{each:.2f} s' for each in joins)})")
    print(f"stepmill join that has to make the copies of the files first: {first:.2f} s", flush=True)
    check(joined, asked, tables)
    print("the join is what pandas' merge_asof finds", flush=True)
    return rate, join_s


def feast_python(folder: Path) -> str:
    """Return the Python of an environment that has Feast."""
    named = os.environ.get("STEPMILL_FEAST_PYTHON", "")
    if named:
        return named
    venv.create(folder / "feast", with_pip=True)
    python = str(folder / "feast" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "feast[duckdb]", "pandas<3"], check=True)
    return python


def measure_feast(python: str, folder: Path, engines: str, pushed: int) -> dict[str, float]:
    """Return Feast's figures by their names."""
    program = str(Path(__file__).with_name("features_feast.py"))
    command = [python, program, str(folder), str(GROUPS), str(FEATURES), engines, str(pushed)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"Feast failed:\n{done.stderr[-3000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    print(f"feast {answer['version']}:")
    figures: dict[str, float] = answer["figures"]
    return figures


def main() -> None:
    """Print the figures of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each group, and to be joined")
    parser.add_argument("--identifiers", type=int, default=100_000)
    parser.add_argument("--engines", default="duckdb,file", help="of Feast's joins: duckdb, file (Dask)")
    parser.add_argument("--no-feast", action="store_true", help="only ours")
    options = parser.parse_args()
    print(environment())
    tables = [made(options.rows, options.identifiers, seed) for seed in range(GROUPS)]
    asked = labels(options.rows, options.identifiers)
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as name:
        folder = Path(name)
        for seed, table in enumerate(tables):
            pq.write_table(table, folder / f"g{seed}.parquet")
        pq.write_table(asked, folder / "labels.parquet")
        rate, join_s = measure(folder, tables, asked)
        if options.no_feast:
            return
        figures = measure_feast(feast_python(folder), folder, options.engines, min(options.rows, PUSHED))
    for what, value in figures.items():
        if what.startswith("join"):
            print(f"  {what}: {value:.2f} s; ratio {value / join_s:.1f}; mark: at least 5")
        else:
            print(f"  {what}: {value:,.0f}; ratio {rate / value:.1f}; mark: at least 3")


if __name__ == "__main__":
    sys.exit(main())
