"""A server is killed in the middle of many PutRecords: what it acknowledged is in both stores, once."""

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
