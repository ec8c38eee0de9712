from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.clock import SystemClock
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.storage.database import Database
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.transfer import below, bring, fetch
from stepmill.storage.objects.uri import S3Uri

BUCKET = S3Uri("data")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FolderStore]:
    database = Database.open_sqlite(tmp_path / "home.db")
    made = FolderStore(database, tmp_path / "objects", SystemClock())
    made.create_bucket("data")
    yield made
    database.close()


def put(store: FolderStore, **objects: bytes) -> None:
    for key, data in objects.items():
        store.put_bytes(BUCKET.joined(key), data)


def test_an_object_becomes_the_file_that_is_named(store: FolderStore, tmp_path: Path) -> None:
    store.put_bytes(BUCKET.joined("raw/a.csv"), b"1")
    assert fetch(store, BUCKET.joined("raw/a.csv"), tmp_path / "new" / "b.csv") == [
        tmp_path / "new" / "b.csv"
    ]
    assert (tmp_path / "new" / "b.csv").read_bytes() == b"1"


def test_an_object_is_put_into_a_folder_under_its_name(store: FolderStore, tmp_path: Path) -> None:
    store.put_bytes(BUCKET.joined("raw/a.csv"), b"1")
    (tmp_path / "a.csv").write_bytes(b"old and longer")
    assert fetch(store, BUCKET.joined("raw/a.csv"), tmp_path) == [tmp_path / "a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"1"


@pytest.mark.parametrize("source", ["raw", "raw/"])
def test_all_below_an_address_becomes_a_folder(store: FolderStore, tmp_path: Path, source: str) -> None:
    for key in ("raw/a", "raw/b/c", "raw2/d", "raw/empty/"):
        store.put_bytes(BUCKET.joined(key), key.encode())
    target = tmp_path / "copy"
    assert fetch(store, S3Uri("data", source), target) == [target / "a", target / "b" / "c"]
    assert (target / "b" / "c").read_bytes() == b"raw/b/c"


def test_what_was_fetched_may_be_changed_and_the_object_stays(store: FolderStore, tmp_path: Path) -> None:
    store.put_bytes(BUCKET.joined("a"), b"1")
    (path,) = fetch(store, BUCKET.joined("a"), tmp_path / "a")
    path.write_bytes(b"2")
    assert store.read_bytes(BUCKET.joined("a")) == b"1"


@pytest.mark.parametrize("key", ["raw/../../etc", "raw//x", "raw/./x"])
def test_a_key_that_leads_elsewhere_copies_nothing(store: FolderStore, tmp_path: Path, key: str) -> None:
    store.put_bytes(S3Uri("data", "raw/a"), b"1")
    store.put_bytes(S3Uri("data", key), b"1")
    with pytest.raises(InvalidInputError, match="cannot be copied"):
        fetch(store, BUCKET.joined("raw"), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_nothing_there_is_an_error(store: FolderStore, tmp_path: Path) -> None:
    put(store, raw2=b"1")
    with pytest.raises(NotFoundError, match="none below it"):
        fetch(store, BUCKET.joined("raw"), tmp_path / "copy")
    with pytest.raises(NotFoundError, match="bucket"):
        fetch(store, S3Uri("other", "raw"), tmp_path / "copy")


def test_a_file_is_brought_under_the_name_given_or_its_own(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1")
    assert bring(store, tmp_path / "a.csv", S3Uri("fresh", "raw/b.csv")) == [S3Uri("fresh", "raw/b.csv")]
    assert bring(store, tmp_path / "a.csv", S3Uri("fresh", "raw/")) == [S3Uri("fresh", "raw/a.csv")]
    assert bring(store, tmp_path / "a.csv", S3Uri("fresh")) == [S3Uri("fresh", "a.csv")]
    assert store.read_bytes(S3Uri("fresh", "a.csv")) == b"1"
    assert (tmp_path / "a.csv").read_bytes() == b"1"


def test_a_folder_is_brought_with_all_below_it(store: FolderStore, tmp_path: Path) -> None:
    for name in ("in/a", "in/b/c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert bring(store, tmp_path / "in", BUCKET.joined("raw")) == [
        BUCKET.joined("raw/a"),
        BUCKET.joined("raw/b/c"),
    ]


def test_what_is_not_there_cannot_be_brought(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="nothing in"):
        bring(store, tmp_path / "empty", S3Uri("never"))
    with pytest.raises(NotFoundError, match="no file"):
        bring(store, tmp_path / "missing", S3Uri("never"))
    assert not store.bucket_exists("never")


def test_below_a_folder_is_not_what_merely_begins_like_it(store: FolderStore) -> None:
    put(store, **{"raw/a": b"", "raw2": b"", "raw": b""})
    assert list(below(store, BUCKET.joined("raw"))) == [BUCKET.joined("raw/a")]
    assert len(list(below(store, BUCKET))) == 3
