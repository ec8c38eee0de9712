from __future__ import annotations

import json
import multiprocessing
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.compute.supervision import files
from stepmill.compute.supervision.files import ExitRecord, FolderState, RecordWriter, Started


def _hold(folder: Path, ready: threading.Event, done: threading.Event) -> None:
    assert files.take_lock(folder) is not None
    ready.set()
    done.wait()


class _Holder:
    """Another process that holds a folder's lock."""

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        ready, self._done = context.Event(), context.Event()
        self._process = context.Process(target=_hold, args=(folder, ready, self._done))
        self._process.start()
        ready.wait()
        self.pid = self._process.pid

    def end(self) -> None:
        self._done.set()
        self._process.join()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def test_a_folder_without_anything_is_new(tmp_path: Path) -> None:
    assert files.folder_state(tmp_path) is FolderState.NEW
    assert files.folder_state(tmp_path / "missing") is FolderState.NEW
    assert files.lock_holder(tmp_path) == 0


def test_the_lock_tells_its_holder_and_cannot_be_had_twice(tmp_path: Path) -> None:
    holder = _Holder(tmp_path)
    assert files.lock_holder(tmp_path) == holder.pid
    assert files.folder_state(tmp_path) is FolderState.RUNNING
    assert files.take_lock(tmp_path) is None
    holder.end()
    assert files.lock_holder(tmp_path) == 0


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    holder = _Holder(tmp_path)
    files.claim(tmp_path, Started(1.0, "none"))
    holder.kill()
    assert files.folder_state(tmp_path) is FolderState.LOST


def test_looking_does_not_disturb_the_holder(tmp_path: Path) -> None:
    holder = _Holder(tmp_path)
    for _ in range(100):
        assert files.lock_holder(tmp_path) == holder.pid
    holder.end()


def test_there_is_only_one_claim(tmp_path: Path) -> None:
    first = Started(12.5, "bubblewrap", ("a note",), warm=True)
    assert files.claim(tmp_path, first)
    assert not files.claim(tmp_path, Started(13.0, "none"))
    assert files.read_started(tmp_path) == first


@pytest.mark.parametrize("text", ["", "{", '{"at": 1', "[]", "null"])
def test_half_a_claim_is_none_but_counts(tmp_path: Path, text: str) -> None:
    (tmp_path / files.STARTED).write_text(text)
    assert files.read_started(tmp_path) is None
    assert files.folder_state(tmp_path) is FolderState.LOST


def test_a_record_ends_a_folder_whoever_holds_the_lock(tmp_path: Path) -> None:
    holder = _Holder(tmp_path)
    files.claim(tmp_path, Started(1.0, "none"))
    RecordWriter(tmp_path).write(ExitRecord("exited", 0, 1.0, 2.0))
    assert files.folder_state(tmp_path) is FolderState.ENDED
    holder.end()
    assert files.folder_state(tmp_path) is FolderState.ENDED


def test_room_for_the_record_is_taken_beforehand(tmp_path: Path) -> None:
    writer = RecordWriter(tmp_path)
    writer.take_room()
    (reserve,) = tmp_path.iterdir()
    assert reserve.stat().st_size == files.RECORD_BYTES
    writer.write(ExitRecord("exited", 0, 1.0, 2.0))
    assert [path.name for path in tmp_path.iterdir()] == [files.EXIT]


def test_a_claim_that_cannot_be_written_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "write", refuse)
    with pytest.raises(OSError, match="No space left"):
        files.claim(tmp_path, Started(1.0, "none"))
    assert files.folder_state(tmp_path) is FolderState.NEW


@given(
    message=st.text(st.characters(exclude_categories=["Cs"]), max_size=3000),
    code=st.integers(-1, 255),
    at=st.floats(0, 4e9),
)
def test_a_record_comes_back_with_its_message_cut_to_fit(
    tmp_path_factory: pytest.TempPathFactory, message: str, code: int, at: float
) -> None:
    folder = tmp_path_factory.mktemp("job")
    RecordWriter(folder).write(ExitRecord("exited", code, at, at, message))
    found = files.read_exit(folder)
    assert found is not None
    assert (found.exit_code, found.started_at) == (code, at)
    assert message.startswith(found.message)
    assert len(found.message) >= min(len(message), files.LONGEST_MESSAGE // 4)
    assert (folder / files.EXIT).stat().st_size <= files.RECORD_BYTES
    assert [path.name for path in folder.iterdir()] == [files.EXIT]


@pytest.mark.parametrize("character", ["x", "\x00", "ä", "\U0001f600"])
def test_the_longest_messages_fit(tmp_path: Path, character: str) -> None:
    RecordWriter(tmp_path).write(ExitRecord("exited", 1, 0.0, 0.0, character * 5000))
    assert (tmp_path / files.EXIT).stat().st_size <= files.RECORD_BYTES
    assert files.read_exit(tmp_path) is not None


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    threads = [
        threading.Thread(target=files.write_whole, args=(path, json.dumps([n] * 1000).encode()))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(json.loads(path.read_text()))) == 1
    assert [other.name for other in tmp_path.iterdir()] == ["spec.json"]
    assert path.stat().st_mode & 0o077 == 0
