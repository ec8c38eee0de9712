"""Continuous outputs are stored while the job runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from stepmill.jobs.outputs import held
from stepmill.jobs.requests.data import Output
from stepmill.jobs.synchroniser import RESTLESS_LOOKS, Synchroniser
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.uri import S3Uri
from support.job_data import open_store

OUTPUT = Output("ck", "/opt/ml/checkpoints", S3Uri("data", "ck"), continuous=True)
# Long enough that its own thread never looks during a test.
NEVER_S = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return open_store(tmp_path / "home", "data")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "ml" / "checkpoints"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def synchroniser(store: FolderStore) -> Iterator[Synchroniser]:
    synchroniser = Synchroniser(store, period_s=NEVER_S)
    yield synchroniser
    synchroniser.close()


def keys(store: FolderStore) -> list[str]:
    return [info.key for info in store.all(S3Uri("data"))]


def test_a_file_is_stored_when_it_keeps_still(
    synchroniser: Synchroniser, store: FolderStore, folder: Path
) -> None:
    synchroniser.watch("job", folder.parent, [OUTPUT])
    (folder / "1.pt").write_text("half")
    assert synchroniser.look("job") == 0
    (folder / "1.pt").write_text("whole")
    assert synchroniser.look("job") == 0
    assert synchroniser.look("job") == 1
    assert store.read_bytes(S3Uri("data", "ck/1.pt")) == b"whole"
    assert synchroniser.look("job") == 0
    (folder / "1.pt").write_text("again!")
    assert [synchroniser.look("job") for _ in range(3)] == [0, 1, 0]
    assert store.read_bytes(S3Uri("data", "ck/1.pt")) == b"again!"


def test_a_file_that_never_keeps_still_is_stored_now_and_then(
    synchroniser: Synchroniser, folder: Path
) -> None:
    synchroniser.watch("job", folder.parent, [OUTPUT])
    stored = []
    for look in range(2 * RESTLESS_LOOKS):
        with (folder / "events").open("a") as file:
            file.write("x" * (look + 1))
        stored.append(synchroniser.look("job"))
    assert sum(stored) == 2


def test_what_was_fetched_before_the_start_is_not_stored_again(
    synchroniser: Synchroniser, folder: Path
) -> None:
    (folder / "0.pt").write_text("fetched")
    synchroniser.watch("job", folder.parent, [OUTPUT])
    assert [synchroniser.look("job") for _ in range(3)] == [0, 0, 0]


def test_after_a_crash_all_that_is_there_counts_as_new(synchroniser: Synchroniser, folder: Path) -> None:
    (folder / "0.pt").write_text("written meanwhile")
    synchroniser.watch("job", folder.parent, [OUTPUT], begun=True)
    assert synchroniser.look("job") == 1


def test_links_are_not_followed(synchroniser: Synchroniser, store: FolderStore, folder: Path) -> None:
    synchroniser.watch("job", folder.parent, [OUTPUT])
    (folder / "passwd").symlink_to("/etc/passwd")
    for _ in range(3):
        synchroniser.look("job")
    assert keys(store) == []


def test_a_failure_to_store_is_told_at_the_end(
    synchroniser: Synchroniser, store: FolderStore, folder: Path
) -> None:
    gone = Output("ck", "/opt/ml/checkpoints", S3Uri("none", "ck"), continuous=True)
    synchroniser.watch("job", folder.parent, [gone])
    (folder / "1.pt").write_text("x")
    for _ in range(3):
        synchroniser.look("job")
    assert "none" in synchroniser.finish("job")
    assert synchroniser.finish("job") == ""


def test_a_job_that_is_finished_is_not_looked_at(synchroniser: Synchroniser, folder: Path) -> None:
    synchroniser.watch("job", folder.parent, [OUTPUT])
    synchroniser.finish("job")
    (folder / "1.pt").write_text("x")
    assert [synchroniser.look("job") for _ in range(3)] == [0, 0, 0]


def test_its_thread_looks_by_itself_and_ends_with_the_last_job(store: FolderStore, folder: Path) -> None:
    # A server that other tests share may have one of its own.
    before = set(threading.enumerate())
    synchroniser = Synchroniser(store, period_s=0.01)
    synchroniser.watch("job", folder.parent, [OUTPUT])
    (thread,) = (t for t in set(threading.enumerate()) - before if t.name == "synchroniser")
    (folder / "1.pt").write_text("x")
    seen = threading.Event()
    for _ in range(3000):
        if keys(store) == ["ck/1.pt"] or seen.wait(0.01):
            break
    assert keys(store) == ["ck/1.pt"]
    synchroniser.finish("job")
    thread.join(timeout=60)
    assert not thread.is_alive()
    synchroniser.close()


def test_closing_at_once_does_not_wait_for_the_next_look(store: FolderStore, folder: Path) -> None:
    for _ in range(50):
        synchroniser = Synchroniser(store, period_s=NEVER_S)
        synchroniser.watch("job", folder.parent, [OUTPUT])
        synchroniser.close()


def test_nothing_runs_without_continuous_outputs(synchroniser: Synchroniser, folder: Path) -> None:
    before = set(threading.enumerate())
    synchroniser.watch("job", folder.parent, [])
    assert "synchroniser" not in [thread.name for thread in set(threading.enumerate()) - before]


def test_a_folder_that_becomes_a_link_while_it_is_looked_at_gives_nothing_away(
    synchroniser: Synchroniser,
    store: FolderStore,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "1.pt").write_text("s3cr3t")
    (folder / "sub").mkdir()
    (folder / "sub" / "1.pt").write_text("mine")
    synchroniser.watch("job", folder.parent, [OUTPUT])
    assert synchroniser.look("job") == 0

    def swapped(ml: Path, place: Path) -> AbstractContextManager[Path]:
        (folder / "sub").rename(folder / "away")
        (folder / "sub").symlink_to(secret)
        return held(ml, place)

    monkeypatch.setattr("stepmill.jobs.synchroniser.held", swapped)
    assert synchroniser.look("job") == 0
    assert keys(store) == []
