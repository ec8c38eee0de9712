from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stepmill.core.errors import StorageError
from stepmill.engine.ownership import EngineLock, is_alive, remove_stale

_HOLD = """
import sys
from pathlib import Path
from stepmill.engine.ownership import EngineLock
lock = EngineLock.acquire(Path(sys.argv[1]))
print(lock.engine_id, flush=True)
sys.stdin.read()
"""

_HOLD_AND_FORK = """
import os, sys
from pathlib import Path
from stepmill.engine.ownership import EngineLock
lock = EngineLock.acquire(Path(sys.argv[1]))
print(lock.engine_id, flush=True)
if os.fork() == 0:
    print("the child runs", flush=True)
    sys.stdin.read()
os._exit(0)
"""


def test_an_engine_is_alive_until_it_releases_its_lock(tmp_path: Path) -> None:
    lock = EngineLock.acquire(tmp_path)
    assert is_alive(tmp_path, lock.engine_id)
    assert is_alive(tmp_path, lock.engine_id), "looking must not end it"
    lock.release()
    assert not is_alive(tmp_path, lock.engine_id)
    assert list(tmp_path.iterdir()) == []


def test_releasing_twice_does_nothing(tmp_path: Path) -> None:
    lock = EngineLock.acquire(tmp_path)
    lock.release()
    lock.release()


def test_two_engines_of_one_process_are_two(tmp_path: Path) -> None:
    first, second = EngineLock.acquire(tmp_path), EngineLock.acquire(tmp_path)
    assert first.engine_id != second.engine_id
    first.release()
    assert not is_alive(tmp_path, first.engine_id)
    assert is_alive(tmp_path, second.engine_id)
    second.release()


def test_the_kernel_lets_go_when_a_process_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        engine_id = process.stdout.readline().strip()
        assert is_alive(tmp_path, engine_id)
        process.kill()
        process.wait()
        assert (tmp_path / f"{engine_id}.lock").exists()
        assert not is_alive(tmp_path, engine_id)
        assert not (tmp_path / f"{engine_id}.lock").exists(), "a dead engine's file is removed"


def test_a_forked_child_does_not_keep_its_parent_alive(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD_AND_FORK, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        engine_id = process.stdout.readline().strip()
        assert process.stdout.readline() == "the child runs\n"
        process.wait()  # the parent; its child still reads from the pipe
        assert (tmp_path / f"{engine_id}.lock").exists()
        assert not is_alive(tmp_path, engine_id)


@pytest.mark.parametrize("engine_id", ["", "nobody", "../../etc/passwd", "0" * 15, "A" * 16, "0" * 16 + "\n"])
def test_what_is_no_engine_id_is_not_alive(tmp_path: Path, engine_id: str) -> None:
    assert not is_alive(tmp_path, engine_id)


def test_stale_files_are_removed_and_live_ones_kept(tmp_path: Path) -> None:
    (tmp_path / "0123456789abcdef.lock").write_text("1\n")
    lock = EngineLock.acquire(tmp_path)
    assert remove_stale(tmp_path) == ["0123456789abcdef"]
    assert [path.stem for path in tmp_path.iterdir()] == [lock.engine_id]
    lock.release()


def test_no_folder_has_no_stale_files(tmp_path: Path) -> None:
    assert remove_stale(tmp_path / "none") == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="lock file"):
        EngineLock.acquire(tmp_path / "file" / "engines")
