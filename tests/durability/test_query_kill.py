"""A server is killed while it runs queries: they end, one way or another, and no process is left behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.sql.executions import MOST_BEGINNINGS
from support.cli import Cli, eventually
from support.served import Served

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
MANY = "UNNEST(sequence(1, 10000000))"
ENDLESS = f"SELECT count(*) AS n FROM {MANY} AS a(x), {MANY} AS b(y), {MANY} AS c(z) WHERE x + y < z"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(Cli(tmp_path, tmp_path / "home"))
    yield served
    if served.server is not None:
        served.kill()


def query_processes(home: Path) -> list[int]:
    """Return the processes that run queries of a home."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(bytes(home)) for word in words) and b"stepmill.catalog.sql.confined" in words:
            found.append(int(folder.name))
    return found


class Asked:
    def __init__(self, athena: Any) -> None:
        self.athena = athena

    def start(self, query: str) -> str:
        place = {"OutputLocation": "s3://answers/"}
        return str(
            self.athena.start_query_execution(QueryString=query, ResultConfiguration=place)[
                "QueryExecutionId"
            ]
        )

    def status(self, id_: str) -> Any:
        # Unlike a question for one, this one is answered at once, whatever the answer.
        found = self.athena.batch_get_query_execution(QueryExecutionIds=[id_])
        return found["QueryExecutions"][0]["Status"]

    def until(self, id_: str, *states: str) -> Any:
        return eventually(
            lambda: status if (status := self.status(id_))["State"] in states else None, str(states)
        )


def test_queries_end_after_kills_and_no_process_stays(served: Served) -> None:
    home = served.cli.home
    with served.cli.platform() as platform:
        platform.objects.create_bucket("answers")
    asked = Asked(served.serve("athena"))
    reads, hopeless, writes = map(asked.start, (ENDLESS, ENDLESS, f"CREATE TABLE made AS {ENDLESS}"))
    for one in (reads, hopeless, writes):
        asked.until(one, "RUNNING")
    eventually(lambda: len(query_processes(home)) == 3, "processes of all")
    served.kill()
    eventually(lambda: not query_processes(home), "their end")

    # What writes has failed, and says so. What only reads runs again, but not for ever.
    with served.cli.platform() as platform:
        executions = platform.sql.executions
        for number in range(MOST_BEGINNINGS - 1):
            executions.adopt(executions.get(hopeless), f"killed-{number}")
            executions.begin(hopeless)
    asked = Asked(served.serve("athena"))
    assert "ended before it" in asked.until(writes, "FAILED")["StateChangeReason"]
    assert f"{MOST_BEGINNINGS} times" in asked.until(hopeless, "FAILED")["StateChangeReason"]
    asked.until(reads, "RUNNING")
    eventually(lambda: len(query_processes(home)) == 1, "the process of what reads")
    asked.athena.stop_query_execution(QueryExecutionId=reads)
    asked.until(reads, "CANCELLED")
    eventually(lambda: not query_processes(home), "its end")
    asked.until(asked.start("SELECT 1"), "SUCCEEDED")
