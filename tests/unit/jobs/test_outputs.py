"""What a job has written goes where it is to be kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.jobs.outputs import deliver, files_to, held, host_folder, joined, make_destinations
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.uri import S3Uri
from support.job_data import open_store


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return open_store(tmp_path / "home", "data")[0]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = tmp_path / "ml" / "processing" / "out"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_text("1")
    (folder / "sub" / "b.csv").write_text("2")
    return folder


def test_files_are_moved_into_the_store(store: FolderStore, written: Path) -> None:
    inode = (written / "a.csv").stat().st_ino
    assert deliver(files_to(S3Uri("data", "out/"), written), store) == 2
    assert [info.key for info in store.all(S3Uri("data"))] == ["out/a.csv", "out/sub/b.csv"]
    assert store.path(S3Uri("data", "out/a.csv")).stat().st_ino == inode
    assert not (written / "a.csv").exists()


def test_doing_it_again_after_a_crash_harms_nothing(store: FolderStore, written: Path) -> None:
    deliver(files_to(S3Uri("data", "out"), written), store)
    assert deliver(files_to(S3Uri("data", "out"), written), store) == 0
    assert store.read_bytes(S3Uri("data", "out/a.csv")) == b"1"


def test_a_folder_of_this_machine_is_as_good(store: FolderStore, written: Path, tmp_path: Path) -> None:
    target = tmp_path / "results"
    (target / "sub").mkdir(parents=True)
    (target / "sub" / "b.csv").write_text("old")
    deliver(files_to(target, written), store)
    assert (target / "a.csv").read_text() == "1"
    assert (target / "sub" / "b.csv").read_text() == "2"
    assert not (written / "a.csv").exists()


def test_copying_leaves_the_files(store: FolderStore, written: Path, tmp_path: Path) -> None:
    deliver(files_to(tmp_path / "results", written), store, move=False)
    deliver(files_to(S3Uri("data", "out"), written), store, move=False)
    assert (written / "a.csv").read_text() == (tmp_path / "results" / "a.csv").read_text() == "1"
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"a.csv", "sub"}


def test_a_file_does_not_replace_a_folder(store: FolderStore, written: Path, tmp_path: Path) -> None:
    (tmp_path / "results" / "a.csv").mkdir(parents=True)
    with pytest.raises(InvalidInputError, match="is a folder"):
        deliver(files_to(tmp_path / "results", written), store)


def test_nothing_is_stored_if_a_bucket_is_missing(store: FolderStore, written: Path) -> None:
    items = [*files_to(S3Uri("data", "out"), written), *files_to(S3Uri("none", "out"), written)]
    with pytest.raises(NotFoundError):
        deliver(items, store)
    assert list(store.all(S3Uri("data"))) == []
    assert (written / "a.csv").exists()


def test_names_that_are_not_unicode_are_refused_clearly(store: FolderStore, written: Path) -> None:
    os.close(os.open(os.fsencode(written) + b"/\xff", os.O_CREAT))
    with pytest.raises(InvalidInputError, match="not Unicode"):
        deliver(files_to(S3Uri("data", "out"), written), store)


class TestFoldersOfJobs:
    def test_the_folder_behind_a_path(self, tmp_path: Path, written: Path) -> None:
        assert host_folder(tmp_path / "ml", "/opt/ml/processing/out") == written
        assert host_folder(tmp_path / "ml", "/opt/ml/processing/none") is None
        assert host_folder(tmp_path / "ml", "/opt/ml/processing/out/a.csv") is None

    @pytest.mark.parametrize("where", ["processing", "processing/out"])
    def test_links_of_the_job_are_not_followed(self, tmp_path: Path, where: str) -> None:
        secret = tmp_path / "secret"
        (secret / "out").mkdir(parents=True)
        link = tmp_path / "job" / where
        link.parent.mkdir(parents=True)
        link.symlink_to(secret)
        assert host_folder(tmp_path / "job", "/opt/ml/processing/out") is None


class TestDestinations:
    def test_a_missing_bucket_is_made_and_said(self, store: FolderStore) -> None:
        (note,) = make_destinations([S3Uri("other", "x"), S3Uri("data", "x")], store)
        assert "other" in note
        assert store.bucket_exists("other")

    def test_folders_are_made(self, store: FolderStore, tmp_path: Path) -> None:
        assert make_destinations([tmp_path / "a" / "b"], store) == ()
        assert (tmp_path / "a" / "b").is_dir()

    def test_a_file_in_the_place_is_refused(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "a").touch()
        with pytest.raises(InvalidInputError, match="is a file"):
            make_destinations([tmp_path / "a"], store)


def test_joining() -> None:
    assert joined(S3Uri("data", "a/"), "job", "output") == S3Uri("data", "a/job/output")
    assert joined(Path("/a"), "job", "output") == Path("/a/job/output")


def test_a_held_folder_stays_the_same_when_a_link_takes_its_place(tmp_path: Path) -> None:
    ml, secret = tmp_path / "ml", tmp_path / "secret"
    (ml / "out" / "sub").mkdir(parents=True)
    (ml / "out" / "sub" / "a").write_text("the job's")
    secret.mkdir()
    (secret / "a").write_text("s3cr3t")
    with held(ml, ml / "out" / "sub") as place:
        (ml / "out" / "sub").rename(ml / "moved")
        (ml / "out" / "sub").symlink_to(secret)
        assert (place / "a").read_text() == "the job's"


def test_a_folder_behind_a_link_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "secret" / "sub").mkdir(parents=True)
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml" / "out").symlink_to(tmp_path / "secret")
    for folder in ("out", "out/sub"):
        with pytest.raises(OSError, match="out"), held(tmp_path / "ml", tmp_path / "ml" / folder):
            raise AssertionError


def test_a_link_that_takes_the_place_of_a_listed_file_is_not_copied(
    store: FolderStore, written: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t")
    items = list(files_to(tmp_path / "results", written))
    (written / "a.csv").unlink()
    (written / "a.csv").symlink_to(secret)
    with pytest.raises(InvalidInputError, match="regular"):
        deliver(items, store, move=False)
    assert not (tmp_path / "results" / "a.csv").exists()
