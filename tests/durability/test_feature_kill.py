"""Processes are killed in the middle of many PutRecords, and of an ingest: what was given is there once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from stepmill.catalog.features.offline import flushing
from stepmill.catalog.features.writing import Put
from support.cli import Cli, eventually
from support.features import BUCKET, group_request, record, rows_of
from support.served import Served

WRITERS = 4
GROUP = "Customers"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(Cli(tmp_path, tmp_path / "home"))
    yield served
    if served.server is not None:
        served.kill()


def write_until_it_dies(runtime: Any, acknowledged: dict[int, str], first: int) -> None:
    """Put records one after the other, and keep which were acknowledged."""
    number = first
    while True:
        at = f"2026-01-{1 + number % 3:02}T{number % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
        try:
            runtime.put_record(FeatureGroupName=GROUP, Record=record(id=number, at=at, age=number))
        except (BotoCoreError, ClientError):
            return
        acknowledged[number] = at
        number += WRITERS


def test_what_was_acknowledged_is_there_once_after_kills(served: Served) -> None:
    acknowledged: dict[int, str] = {}
    for turn in range(2):
        runtime = served.serve("sagemaker-featurestore-runtime")
        with served.cli.platform() as platform:
            if turn == 0:
                platform.objects.create_bucket(BUCKET)
                platform.features.groups.create(group_request(GROUP))
        threads = [
            threading.Thread(target=write_until_it_dies, args=(runtime, acknowledged, turn * 100_000 + first))
            for first in range(WRITERS)
        ]
        before = len(acknowledged)
        for thread in threads:
            thread.start()
        eventually(lambda before=before: len(acknowledged) > before + 60, "records")  # type: ignore[misc]
        if turn == 1:
            # While another process moves what there is into files: the server dies, the files are whole.
            with served.cli.platform() as platform:
                platform.features.flushing.settle(platform.features.groups.get(GROUP))
        served.kill()
        for thread in threads:
            thread.join()
    served.server = None
    with served.cli.platform() as platform:
        features = platform.features
        group = features.groups.get(GROUP)
        for number in acknowledged:
            found = features.reading.get(group, str(number))
            assert found is not None
            assert found.values["age"] == str(number)
        features.flushing.settle(group)
        rows = rows_of(features.files.list(group))
        times = [row["id"] for row in rows]
        # One that was written and whose answer was lost may be there, too; none is there twice.
        assert len(times) == len(set(times))
        assert acknowledged.keys() <= set(times)
        assert {row["id"]: row["at"] for row in rows if row["id"] in acknowledged} == acknowledged


def test_a_flush_that_is_killed_is_done_again_by_the_next_server(served: Served, tmp_path: Path) -> None:
    """The files are there, and the journal still has their records: the same files are written again."""
    with served.cli.platform() as platform:
        platform.objects.create_bucket(BUCKET)
        features = platform.features
        group = features.groups.create(group_request(GROUP))
        given = [record(id=number, at=f"2026-01-01T{number % 24:02}:00:00Z") for number in range(50)]
        outcomes = features.writing.put_each([Put(group, one) for one in given])
        assert outcomes == [None] * 50
        last = features.rows.claim(group.id, flushing.MOST_AT_ONCE)
        features.flushing._write(group, features.rows.journal(group.id, last), str(last))
        written = {file.uri for file in features.files.list(group)}
        # Here the process dies.
    served.serve()
    with served.cli.platform() as platform:
        features = platform.features
        deadline_s = time.monotonic() + 120
        while features.rows.waiting(group.id):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        files = features.files.list(group)
        assert {file.uri for file in files} == written
        assert sorted(row["id"] for row in rows_of(files)) == list(range(50))


ROWS = 12_000
HOURS = 72


def test_an_ingest_that_is_killed_is_invisible_or_finished_by_the_next_one(tmp_path: Path) -> None:
    """Killed while it reads, then while the online store is filled; given again the third time."""
    cli = Cli(tmp_path, tmp_path / "home")
    lines = [
        f"{number},2026-01-{1 + number % HOURS // 24:02}T{number % 24:02}:00:{number % 60:02}Z,{number},0.5"
        for number in range(ROWS)
    ]
    cli.write("rows.csv", "\n".join(["id,at,age,score", *lines]))
    with cli.platform() as platform:
        platform.objects.create_bucket(BUCKET)
        group = platform.features.groups.create(group_request(GROUP))
        platform.features.writing.put(Put(group, record(id=ROWS, at="2026-01-01T00:00:00Z", age=1)))

        def offline() -> list[int]:
            return sorted(platform.features.offline.history(group, ["id"], duplicates=True)["id"].to_pylist())

        assert offline() == [ROWS]
        folder = platform.layout.features
        ingests = platform.features.ingests
        reading = cli.start("features", "ingest", GROUP, "rows.csv")
        eventually(
            lambda: list(folder.glob("ingest-*/*/*.parquet")) or reading.process.poll() is not None, "files"
        )
        reading.kill()
        # Either nobody ever saw it, or all of it was there already.
        assert offline() in ([ROWS], list(range(ROWS + 1)))
        filling = cli.start("features", "ingest", GROUP, "rows.csv")
        eventually(lambda: ingests.is_pending(group) or filling.process.poll() is not None, "a manifest")
        filling.kill()
        assert offline() == list(range(ROWS + 1))
        was_pending = ingests.is_pending(group)
    again = cli("features", "ingest", GROUP, "rows.csv").ok()
    assert "taken in before" in again.out
    assert ("had been interrupted" in again.out) == was_pending
    assert again.err == ""
    with cli.platform() as platform:
        features = platform.features
        rows = rows_of(features.files.list(group))
        assert sorted(row["id"] for row in rows) == list(range(ROWS + 1))
        assert features.rows.size(group.id)[0] == ROWS + 1
        for number in (0, 1, ROWS - 1, ROWS):
            found = features.reading.get(group, str(number))
            assert found is not None
            assert found.values["age"] == str(1 if number == ROWS else number)
        # What the killed ones left has gone.
        assert not list(folder.glob("ingest-*"))
        assert not features.ingests.is_pending(group)
