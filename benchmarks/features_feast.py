"""Feast's part of ``features_offline``, run by a Python of its own; prints its figures as JSON.

Its offline stores that need no server are timed: ``file``, which reads with Dask and is its default, and
``duckdb``.
Ingest is timed both ways that Feast has: written to both stores, and written to the offline store and then
materialized, which sends the newest row of each identifier to the online store, as ours does.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64, Int64
from feast.value_type import ValueType


def opened(folder: Path, engine: str, groups: int, features: int) -> FeatureStore:
    """Return a store over the files ``g0.parquet`` and so on, applied."""
    home = folder / f"feast-{engine}"
    home.mkdir(exist_ok=True)
    customer = Entity(name="customer", join_keys=["id"], value_type=ValueType.INT64)
    views: list[Any] = []
    for seed in range(groups):
        source = FileSource(name=f"s{seed}", path=str(folder / f"g{seed}.parquet"), timestamp_field="at")
        schema = [Field(name="id", dtype=Int64)]
        schema += [
            Field(name=f"g{seed}_f{n}", dtype=Int64 if n % 4 == 0 else Float64) for n in range(features)
        ]
        # A lifetime of 0 is none: records of any age are joined.
        views.append(
            FeatureView(name=f"v{seed}", entities=[customer], schema=schema, source=source, ttl=timedelta(0))
        )
    config = RepoConfig(
        project="bench",
        provider="local",
        registry=str(home / "registry.db"),
        online_store={"type": "sqlite", "path": str(home / "online.db")},
        offline_store={"type": engine},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    store.apply([customer, *views])
    return store


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Time the joins first: an ingest changes the files."""
    folder, groups, features = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    engines = sys.argv[4].split(",")
    pushed_rows = int(sys.argv[5])
    asked = pd.read_parquet(folder / "labels.parquet")
    wanted = [f"v{seed}:g{seed}_f{n}" for seed in range(groups) for n in range(features)]
    found: dict[str, float] = {}
    for engine in engines:
        store = opened(folder, engine, groups, features)
        found[f"join, {engine}"] = timed(
            lambda store=store: store.get_historical_features(asked, wanted).to_df()  # type: ignore[misc]
        )
        print(engine, found, file=sys.stderr, flush=True)
    frame = pd.read_parquet(folder / "g0.parquet")
    # What is added to the file is timed, not what was there.
    frame.head(0).to_parquet(folder / "g0.parquet")
    written = timed(lambda: store.write_to_offline_store("v0", frame))
    end = datetime(2100, 1, 1, tzinfo=UTC)
    materialized = timed(lambda: store.materialize(datetime(2000, 1, 1, tzinfo=UTC), end, ["v0"]))
    found["rows/s, materialized"] = len(frame) / (written + materialized)
    some = frame.head(pushed_rows)
    found["rows/s, pushed"] = len(some) / (
        written * len(some) / len(frame) + timed(lambda: store.write_to_online_store("v0", some))
    )
    print(json.dumps({"version": version("feast"), "figures": found}))


if __name__ == "__main__":
    main()
