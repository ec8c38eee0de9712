from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stepmill.core.errors import ConflictError, StorageError
from stepmill.storage.layout import HomeLayout
from stepmill.storage.server_file import RunningServer, ServerFile, running_server

SERVER = RunningServer("http://127.0.0.1:7070", 4711, "0123456789abcdef")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return HomeLayout(tmp_path).server


def test_a_home_has_no_server_before_one_was_started(path: Path) -> None:
    assert running_server(path) is None


def test_a_server_is_found_from_its_announcement_to_its_release(path: Path) -> None:
    held = ServerFile.acquire(path)
    assert running_server(path) is None
    held.announce(SERVER)
    assert running_server(path) == SERVER
    held.release()
    assert running_server(path) is None
    assert not path.exists()


def test_a_server_that_withdraws_still_has_the_home(path: Path) -> None:
    held = ServerFile.acquire(path)
    held.announce(SERVER)
    held.withdraw()
    assert running_server(path) is None
    with pytest.raises(ConflictError, match="just starting or ending"):
        ServerFile.acquire(path)
    held.release()


def test_a_second_server_is_refused_and_told_where_the_first_is(path: Path) -> None:
    first = ServerFile.acquire(path)
    first.announce(SERVER)
    with pytest.raises(ConflictError, match=r"7070, process 4711") as caught:
        ServerFile.acquire(path)
    assert "STEPMILL_HOME" in caught.value.mend
    assert running_server(path) == SERVER, "whoever was refused took nothing away"
    first.release()
    ServerFile.acquire(path).release()


def test_releasing_twice_takes_nothing_from_the_next(path: Path) -> None:
    first = ServerFile.acquire(path)
    first.release()
    second = ServerFile.acquire(path)
    second.announce(SERVER)
    first.release()
    assert running_server(path) == SERVER
    second.release()


def test_only_the_owner_can_read_where_the_server_is(path: Path) -> None:
    held = ServerFile.acquire(path)
    held.announce(SERVER)
    assert [file.stat().st_mode & 0o077 for file in (path, path.with_suffix(".lock"))] == [0, 0]
    held.release()


def test_what_a_killed_server_left_is_no_server(path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from stepmill.storage.server_file import RunningServer, ServerFile\n"
        "held = ServerFile.acquire(Path(sys.argv[1]))\n"
        "held.announce(RunningServer('http://127.0.0.1:1', os.getpid(), 'e'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert path.exists()
    assert running_server(path) is None
    ServerFile.acquire(path).release()


def test_a_child_of_the_server_does_not_keep_its_lock(path: Path) -> None:
    held = ServerFile.acquire(path)
    held.announce(SERVER)
    hold, go = os.pipe()
    there, tell = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        os.close(go)
        os.write(tell, b".")
        os.read(hold, 1)
        os._exit(0)
    os.read(there, 1)
    try:
        held.release()
        ServerFile.acquire(path).release()
    finally:
        for descriptor in (go, hold, there, tell):
            os.close(descriptor)
        os.waitpid(child, 0)


def test_a_file_that_is_no_record_is_told_of(path: Path) -> None:
    held = ServerFile.acquire(path)
    path.write_text("{}")
    with pytest.raises(StorageError, match="cannot be read"):
        running_server(path)
    held.release()


def test_a_home_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        ServerFile.acquire(tmp_path / "not-there" / "server.json")
