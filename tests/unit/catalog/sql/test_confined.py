"""What a process may still do that runs queries, and how long a query may take."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.catalog.sql.confined import SPILL_FACTOR
from stepmill.catalog.sql.dialect.compiling import Compiled
from stepmill.catalog.sql.faults import QueryError
from stepmill.catalog.sql.limits import Limits
from stepmill.catalog.sql.processes import Processes, Stop

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems offer nothing")

TRIES = """
import json, os, resource, socket, subprocess, sys
from stepmill.catalog.sql.confined import bound, confine
objects, spill, secret, port = sys.argv[1:]
bound(1024**3)
lacks = confine([objects], spill)
def tried(do):
    try:
        do()
    except OSError as error:
        return type(error).__name__
    return "done"
def listing(path):
    return lambda: os.listdir(path)
def reading(path):
    return lambda: open(path).read()
def writing(path):
    return lambda: open(path, "w").write("x")
def signalling():
    os.kill(os.getppid(), 0)
told = {
    "objects": tried(reading(objects + "/a")), "spill": tried(writing(spill + "/t")),
    "remove": tried(lambda: os.unlink(spill + "/t")), "link": tried(lambda: os.symlink(secret, spill + "/l")),
    "write objects": tried(writing(objects + "/b")), "secret": tried(reading(secret)),
    "list": tried(listing(os.path.dirname(secret))), "tmp": tried(writing("/tmp/stepmill-confined")),
    "passwords": tried(reading("/etc/passwd")), "variables": tried(reading(f"/proc/{os.getppid()}/environ")),
    "execute": tried(lambda: subprocess.run(["/bin/true"])),
    "connect": tried(lambda: socket.create_connection(("127.0.0.1", int(port)), timeout=5)),
}
limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)]
print(json.dumps([lacks, told, limits]))
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    objects, spill = tmp_path / "objects", tmp_path / "spill"
    objects.mkdir()
    spill.mkdir()
    (objects / "a").write_text("a")
    return objects, spill


@linux
def test_a_confined_process_reads_objects_and_writes_where_queries_spill(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        command = [sys.executable, "-I", "-c", TRIES, *map(str, folders), str(secret), port]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    lacks, told, limits = json.loads(done.stdout)
    assert limits == [SPILL_FACTOR * 1024**3, 0]
    if any("Landlock" in one for one in lacks):
        pytest.skip(f"this machine lacks it: {lacks}")
    assert {name for name, how in told.items() if how == "done"} == {"objects", "spill", "remove"}
    assert {how for name, how in told.items() if name not in ("connect", "objects", "spill", "remove")} == {
        "PermissionError"
    }


def compiled(sql: str) -> Compiled:
    return Compiled(sql, ())


def rows(processes: Processes, sql: str, limit_s: float = 60.0) -> bytes:
    with processes.running(compiled(sql), Stop(timedelta(seconds=limit_s))) as running:
        return b"".join(running.pieces())


def test_a_query_is_ended_when_its_time_is_over_and_others_go_on(folders: tuple[Path, Path]) -> None:
    objects, spill = folders
    processes = Processes(spill, objects, Limits(memory_bytes=256 * 1024**2, threads=1))
    try:
        assert rows(processes, "SELECT 1 AS a") == b'"a"\n"1"\n'
        endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range < 0"
        with pytest.raises(QueryError, match="Query timeout"):
            rows(processes, endless, limit_s=0.2)
        assert rows(processes, "SELECT 2 AS a") == b'"a"\n"2"\n'
        # More than fits into memory goes to the disk.
        many = "SELECT repeat(md5(range::VARCHAR), 8) AS y FROM range(900000) ORDER BY y"
        assert rows(processes, f"SELECT count(DISTINCT y) AS n FROM ({many})") == b'"n"\n"900000"\n'
    finally:
        processes.close()


def test_a_process_that_ended_while_it_was_idle_is_not_given_a_query(folders: tuple[Path, Path]) -> None:
    objects, spill = folders
    processes = Processes(spill, objects, Limits(threads=1))
    try:
        rows(processes, "SELECT 1")
        [idle] = processes._idle
        idle._process.kill()
        idle._process.wait()
        assert rows(processes, "SELECT 3 AS a") == b'"a"\n"3"\n'
    finally:
        processes.close()


def test_what_a_sandbox_lacks_is_said_once(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    objects, spill = folders
    processes = Processes(spill, objects, Limits(threads=1))
    monkeypatch.setattr(
        "stepmill.catalog.sql.processes._Process.expect_ready",
        lambda process: [["no Landlock: why"], process.read()][0],
    )
    try:
        with caplog.at_level(logging.WARNING):
            rows(processes, "SELECT 1")
            rows(processes, "SELECT 1")
    finally:
        processes.close()
    assert [one.getMessage() for one in caplog.records] == [
        "Queries are not held by the whole sandbox: no Landlock: why."
    ]
