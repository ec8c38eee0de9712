"""Pages with folders: equal to what a naive listing gives, and never a walk over a folder's keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.storage.database import Database
from stepmill.storage.objects import listing
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.testing import FakeClock, object_keys
from stepmill.testing.contracts.objects import BUCKET, uri

_LETTERS = st.text("ab/\u00e9\U0010ffff", min_size=1, max_size=7)


@pytest.fixture
def store(database: Database, tmp_path: Path) -> FolderStore:
    store = FolderStore(database, tmp_path / "objects", FakeClock())
    store.create_bucket(BUCKET)
    return store


def put_all(store: FolderStore, tmp_path: Path, keys: Iterator[str] | list[str]) -> None:
    """Put many empty objects that share one blob: in one transaction, and without a file each."""
    store.put_bytes(uri("\x00seed"), b"")
    link = tmp_path / "link"
    if not link.exists():
        store.link(uri("\x00seed"), link)
    store.put_files([(uri(key), link) for key in keys])
    store.delete([uri("\x00seed")])


def naive(keys: set[str], prefix: str, delimiter: str, after: str) -> list[str]:
    """Fold all keys; then leave out what was on the pages before."""
    found = set()
    for key in keys:
        if key.startswith(prefix):
            head, separator, _ = key[len(prefix) :].partition(delimiter)
            folder = prefix + head + separator
            if key > after and not (separator and folder == after):
                found.add(folder if separator else key)
    return sorted(found, key=str.encode)


def shown(store: FolderStore, prefix: str, delimiter: str, after: str, limit: int) -> list[str]:
    found = store.list_folded(BUCKET, prefix, delimiter=delimiter, after=after, limit=limit)
    return [one if isinstance(one, str) else one.key for one in found]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.sets(st.one_of(_LETTERS, _LETTERS, object_keys()), min_size=1, max_size=40),
    prefix=st.one_of(st.just(""), st.text("ab/", max_size=3)),
    delimiter=st.sampled_from(["/", "/", "b", "a/", "//"]),
    after=st.one_of(st.just(""), _LETTERS),
    limit=st.integers(1, 7),
)
def test_pages_are_those_of_a_naive_listing(
    store: FolderStore,
    tmp_path: Path,
    keys: set[str],
    prefix: str,
    delimiter: str,
    after: str,
    limit: int,
) -> None:
    store.delete([info.uri for info in store.all(S3Uri(BUCKET))])
    put_all(store, tmp_path, list(keys))
    expected = naive(keys, prefix, delimiter, after)
    assert shown(store, prefix, delimiter, after, 99) == expected
    gathered: list[str] = []
    while page := shown(store, prefix, delimiter, gathered[-1] if gathered else after, limit):
        assert len(page) == limit or gathered + page == expected
        gathered += page
    assert gathered == expected


class TestLooks:
    """How many rows are looked at, and in how many questions."""

    @pytest.fixture
    def looks(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        counted: list[int] = []
        real = listing._rows

        def count(*arguments: object) -> list[object]:
            rows = real(*arguments)  # type: ignore[arg-type]
            counted.append(len(rows))
            return rows

        monkeypatch.setattr(listing, "_rows", count)
        return counted

    def test_large_folders_are_jumped_over(
        self, store: FolderStore, tmp_path: Path, looks: list[int]
    ) -> None:
        put_all(store, tmp_path, [f"{letter}/{number:04}" for letter in "abc" for number in range(3000)])
        assert shown(store, "", "/", "", 1000) == ["a/", "b/", "c/"]
        assert shown(store, "", "/", "a/", 1) == ["b/"]
        assert sum(looks) < 150

    def test_many_objects_are_read_in_few_rounds(
        self, store: FolderStore, tmp_path: Path, looks: list[int]
    ) -> None:
        keys = [f"x/{number:05}" for number in range(5000)]
        put_all(store, tmp_path, keys)
        assert shown(store, "x/", "/", "", 1001) == keys[:1001]
        assert sum(looks) == 1001
        assert len(looks) < 10

    def test_many_small_folders_are_read_in_few_rounds(
        self, store: FolderStore, tmp_path: Path, looks: list[int]
    ) -> None:
        put_all(store, tmp_path, [f"{number:05}/only" for number in range(3000)])
        assert shown(store, "", "/", "", 1001) == [f"{number:05}/" for number in range(1001)]
        assert len(looks) < 10
