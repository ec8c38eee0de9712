"""What every store of objects must do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.storage.objects.files import CHUNK_BYTES
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

BUCKET = "a-bucket"

_AWKWARD_KEYS = [
    "a",
    "a/b",
    "a/",
    "a//b",
    "/",
    "/etc/passwd",
    "..",
    "../../escape",
    "./.",
    "x/../y",
    "ä",
    "a\u0308",
    "\U0001f600",
    "with space and 'quotes\"",
    "%2e%2e/",
    "back\\slash",
    "new\nline",
    "nul\x00byte",
    "A",
    "k" * 1024,
    "ä" * 512,
    "-rf",
    "con",
    "*?[a-z]",
]


def uri(key: str) -> S3Uri:
    """Return the address of a key in the bucket that the tests use."""
    return S3Uri(BUCKET, key)


class ObjectStoreContract:
    """Inherit it, and give a fixture ``store``: an ``ObjectStore`` with the empty bucket ``BUCKET``."""

    @pytest.fixture
    def store(self) -> ObjectStore:
        """Return the store to test."""
        pytest.fail("The test class has no fixture `store`.")

    def test_buckets_are_made_once_and_listed_by_name(self, store: ObjectStore) -> None:
        store.create_bucket("zzz")
        store.create_bucket("b.b")
        with pytest.raises(ConflictError, match="zzz"):
            store.create_bucket("zzz")
        store.create_bucket("zzz", exist_ok=True)
        listed = store.buckets()
        assert [bucket.name for bucket in listed] == [BUCKET, "b.b", "zzz"]
        assert all(bucket.created_at.tzinfo is not None for bucket in listed)
        assert store.bucket_exists("zzz")
        assert not store.bucket_exists("zz")

    @pytest.mark.parametrize(
        "name", ["", "ab", "A-bucket", "a_b", "../x", "a..b", "-ab", "192.168.0.1", "a" * 64]
    )
    def test_a_name_that_s3_refuses_is_refused(self, store: ObjectStore, name: str) -> None:
        with pytest.raises(InvalidInputError):
            store.create_bucket(name)

    def test_only_an_empty_bucket_is_deleted(self, store: ObjectStore) -> None:
        store.put_bytes(uri("k"), b"x")
        with pytest.raises(WrongStateError):
            store.delete_bucket(BUCKET)
        store.delete([uri("k")])
        store.delete_bucket(BUCKET)
        assert not store.bucket_exists(BUCKET)
        with pytest.raises(NotFoundError, match=BUCKET):
            store.delete_bucket(BUCKET)

    def test_an_object_comes_back_as_it_was_put(self, store: ObjectStore) -> None:
        info = store.put_bytes(uri("k"), b"\x00\xff", content_type="text/x", metadata={"ä": "1"})
        assert (info.uri, info.size_bytes, info.content_type, info.metadata) == (
            uri("k"),
            2,
            "text/x",
            {"ä": "1"},
        )
        assert info.modified_at.tzinfo is not None
        assert store.head(uri("k")) == info
        assert store.read_bytes(uri("k")) == b"\x00\xff"
        assert list(store.chunks(uri("k"))) == [b"\x00\xff"]
        assert store.path(uri("k")).read_bytes() == b"\x00\xff"

    @pytest.mark.parametrize("key", _AWKWARD_KEYS)
    def test_any_key_is_a_key(self, store: ObjectStore, key: str) -> None:
        store.put_bytes(uri(key), key.encode())
        assert store.read_bytes(uri(key)) == key.encode()
        assert [info.key for info in store.list(BUCKET)] == [key]

    def test_awkward_keys_live_beside_one_another(self, store: ObjectStore, tmp_path: Path) -> None:
        before = {path.name for path in tmp_path.parent.iterdir()}
        for key in _AWKWARD_KEYS:
            store.put_bytes(uri(key), key.encode())
        assert [info.key for info in store.list(BUCKET)] == sorted(_AWKWARD_KEYS, key=str.encode)
        for key in _AWKWARD_KEYS:
            assert store.read_bytes(uri(key)) == key.encode()
        assert {path.name for path in tmp_path.parent.iterdir()} == before

    def test_the_empty_object_is_an_object(self, store: ObjectStore, tmp_path: Path) -> None:
        assert store.put_bytes(uri("k"), b"").size_bytes == 0
        assert store.read_bytes(uri("k")) == b""
        assert list(store.chunks(uri("k"))) == []
        store.link(uri("k"), tmp_path / "link")
        assert (tmp_path / "link").read_bytes() == b""

    def test_what_is_not_there_is_not_found(self, store: ObjectStore, tmp_path: Path) -> None:
        store.put_bytes(uri("there"), b"")
        for address in (uri("ther"), uri("there/"), uri("There"), S3Uri("no-bucket", "there")):
            for ask in (store.head, store.read_bytes, store.chunks, store.path, store.digest):
                with pytest.raises(NotFoundError):
                    ask(address)
            with pytest.raises(NotFoundError):
                store.link(address, tmp_path / "link")
            with pytest.raises(NotFoundError):
                store.copy(address, uri("x"))
        assert not (tmp_path / "link").exists()

    def test_a_bucket_is_no_object(self, store: ObjectStore, tmp_path: Path) -> None:
        for ask in (store.head, store.read_bytes, store.chunks, store.path, store.digest):
            with pytest.raises(InvalidInputError):
                ask(uri(""))
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(InvalidInputError):
            store.put_bytes(uri(""), b"x")
        with pytest.raises(InvalidInputError):
            store.put_file(uri(""), tmp_path / "file", move=True)
        assert (tmp_path / "file").exists()

    def test_nothing_goes_into_a_bucket_that_is_not_there(self, store: ObjectStore, tmp_path: Path) -> None:
        nowhere = S3Uri("no-bucket", "k")
        file = tmp_path / "file"
        file.write_bytes(b"x")
        store.put_bytes(uri("k"), b"x")
        with pytest.raises(NotFoundError, match="no-bucket"):
            store.put_bytes(nowhere, b"x")
        with pytest.raises(NotFoundError):
            store.put_stream(nowhere, [b"x"])
        with pytest.raises(NotFoundError):
            store.put_files([(uri("new"), file), (nowhere, file)], move=True)
        with pytest.raises(NotFoundError):
            store.copy(uri("k"), nowhere)
        with pytest.raises(NotFoundError):
            store.list("no-bucket")
        with pytest.raises(NotFoundError):
            list(store.all(S3Uri("no-bucket")))
        with pytest.raises(NotFoundError):
            store.digest_below(S3Uri("no-bucket"))
        assert file.read_bytes() == b"x"
        assert [info.key for info in store.list(BUCKET)] == ["k"]

    def test_a_stream_is_stored_whole_or_not_at_all(self, store: ObjectStore) -> None:
        assert store.put_stream(uri("k"), iter([b"a", b"", b"bc"])).size_bytes == 3
        assert store.read_bytes(uri("k")) == b"abc"

        def broken() -> Iterator[bytes]:
            yield b"new"
            raise KeyError("the sender hung up")

        usage = store.disk_usage()
        with pytest.raises(KeyError):
            store.put_stream(uri("k"), broken())
        with pytest.raises(KeyError):
            store.put_stream(uri("other"), broken())
        assert store.read_bytes(uri("k")) == b"abc"
        assert [info.key for info in store.list(BUCKET)] == ["k"]
        assert store.disk_usage() == usage

    def test_ranges(self, store: ObjectStore) -> None:
        data = bytes(range(256)) * (CHUNK_BYTES // 256) + b"the end"
        store.put_bytes(uri("k"), data)
        last = len(data)
        for start, end in [(0, None), (0, 0), (5, 9), (last - 3, None), (last - 3, last + 50), (last, None)]:
            assert b"".join(store.chunks(uri("k"), start, end)) == data[start:end]
        assert b"".join(store.chunks(uri("k"), last + 1)) == b""
        assert max(len(chunk) for chunk in store.chunks(uri("k"))) <= CHUNK_BYTES
        for start, end in [(-1, None), (3, 2)]:
            with pytest.raises(InvalidInputError):
                store.chunks(uri("k"), start, end)

    def test_more_than_the_limit_is_not_read(self, store: ObjectStore) -> None:
        store.put_bytes(uri("k"), b"12345")
        assert store.read_bytes(uri("k"), limit_bytes=5) == b"12345"
        with pytest.raises(InvalidInputError, match="5 bytes"):
            store.read_bytes(uri("k"), limit_bytes=4)

    def test_a_reader_keeps_what_it_began_to_read(self, store: ObjectStore) -> None:
        old, new = b"o" * (3 * CHUNK_BYTES), b"n" * (3 * CHUNK_BYTES)
        store.put_bytes(uri("k"), old)
        reader = store.chunks(uri("k"))
        first = next(reader)
        store.put_bytes(uri("k"), new)
        store.collect_garbage()
        assert first + b"".join(reader) == old
        assert store.read_bytes(uri("k")) == new

    def test_a_file_is_copied(self, store: ObjectStore, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"data")
        assert store.put_file(uri("k"), file).size_bytes == 4
        file.write_bytes(b"changed")
        assert store.read_bytes(uri("k")) == b"data"

    def test_a_file_is_taken_away(self, store: ObjectStore, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"data")
        assert store.put_file(uri("k"), file, move=True).size_bytes == 4
        assert not file.exists()
        assert store.read_bytes(uri("k")) == b"data"

    def test_a_file_with_two_names_cannot_be_changed_through_the_other(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        file, other = tmp_path / "file", tmp_path / "other"
        file.write_bytes(b"data")
        other.hardlink_to(file)
        store.put_file(uri("k"), file, move=True)
        assert not file.exists()
        other.write_bytes(b"evil")
        assert store.read_bytes(uri("k")) == b"data"

    def test_many_files_are_put_all_or_none(self, store: ObjectStore, tmp_path: Path) -> None:
        files = [tmp_path / str(number) for number in range(5)]
        for file in files:
            file.write_bytes(file.name.encode())
        items = [(uri(f"many/{file.name}"), file) for file in files]
        with pytest.raises(NotFoundError, match="missing"):
            store.put_files([*items, (uri("many/x"), tmp_path / "missing")], move=True)
        assert store.list(BUCKET) == []
        assert all(file.exists() for file in files)
        infos = store.put_files(iter(items), move=True)
        assert [info.uri for info in infos] == [address for address, _ in items]
        assert store.list(BUCKET) == infos
        assert store.put_files([]) == []

    def test_of_two_files_for_one_key_the_later_wins(self, store: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "one").write_bytes(b"1")
        (tmp_path / "two").write_bytes(b"22")
        infos = store.put_files([(uri("k"), tmp_path / "one"), (uri("k"), tmp_path / "two")])
        assert [info.size_bytes for info in infos] == [2, 2]
        assert store.read_bytes(uri("k")) == b"22"

    def test_files_come_in_place_of_others(self, store: ObjectStore, tmp_path: Path) -> None:
        for key in ("old/1", "old/2", "old/3"):
            store.put_bytes(uri(key), b"old")
        (tmp_path / "new").write_bytes(b"new")
        former = [uri("old/1"), uri("old/2"), uri("old/none")]
        with pytest.raises(NotFoundError):
            store.put_files([(uri("x"), tmp_path / "missing")], instead_of=former)
        assert [info.key for info in store.list(BUCKET)] == ["old/1", "old/2", "old/3"]
        store.put_files([(uri("old/2"), tmp_path / "new")], instead_of=former)
        assert [info.key for info in store.list(BUCKET)] == ["old/2", "old/3"]
        assert store.read_bytes(uri("old/2")) == b"new"

    def test_the_same_file_may_go_to_two_keys(self, store: ObjectStore, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"data")
        store.put_files([(uri("one"), file), (uri("two"), file)], move=True)
        assert not file.exists()
        assert [store.read_bytes(uri(key)) for key in ("one", "two")] == [b"data", b"data"]

    @pytest.mark.parametrize("move", [False, True])
    @pytest.mark.parametrize("kind", ["link", "broken link", "folder", "pipe", "device"])
    def test_only_regular_files_are_stored(
        self, store: ObjectStore, tmp_path: Path, kind: str, move: bool
    ) -> None:
        path, secret = tmp_path / "path", tmp_path / "secret"
        secret.write_bytes(b"secret")
        match kind:
            case "link":
                path.symlink_to(secret)
            case "broken link":
                path.symlink_to(tmp_path / "nowhere")
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case _:
                path = Path("/dev/zero")
        with pytest.raises(InvalidInputError, match=path.name):
            store.put_file(uri("k"), path, move=move)
        assert os.path.lexists(path)
        assert store.list(BUCKET) == []
        assert secret.read_bytes() == b"secret"

    def test_pages_follow_the_bytes_of_the_keys(self, store: ObjectStore) -> None:
        keys = ["Z", "a", "a/", "a/b", "a0", "aa", "b", "ä", "\uffff", "\U00010000"]
        for key in reversed(keys):
            store.put_bytes(uri(key), b"")
        gathered: list[str] = []
        while page := store.list(BUCKET, after=gathered[-1] if gathered else "", limit=3):
            assert len(page) <= 3
            gathered += [info.key for info in page]
        assert gathered == keys
        assert [info.key for info in store.all(S3Uri(BUCKET))] == keys

    def test_a_prefix_is_nothing_but_a_beginning(self, store: ObjectStore) -> None:
        for key in ["A/x", "a", "a%b", "a/x", "a/y", "a0", "aXb", "a_b", "b"]:
            store.put_bytes(uri(key), b"")

        def keys(prefix: str, **options: str) -> list[str]:
            return [info.key for info in store.list(BUCKET, prefix, **options)]  # type: ignore[arg-type]

        assert keys("a/") == ["a/x", "a/y"]
        assert keys("a%") == ["a%b"]
        assert keys("a_") == ["a_b"]
        assert keys("a/", after="a/x") == ["a/y"]
        assert keys("a/", after="A") == ["a/x", "a/y"]
        assert keys("a/", after="b") == []
        assert keys("c") == []
        assert [info.key for info in store.all(uri("a/"))] == ["a/x", "a/y"]

    @pytest.mark.parametrize("limit", [0, -1])
    def test_an_impossible_page_is_refused(self, store: ObjectStore, limit: int) -> None:
        with pytest.raises(InvalidInputError):
            store.list(BUCKET, limit=limit)

    def test_a_copy_lives_on_without_its_source(self, store: ObjectStore) -> None:
        store.put_bytes(uri("a"), b"data", content_type="text/x", metadata={"m": "1"})
        info = store.copy(uri("a"), uri("b"))
        assert (info.uri, info.content_type, info.metadata) == (uri("b"), "text/x", {"m": "1"})
        store.delete([uri("a")])
        store.collect_garbage()
        assert store.read_bytes(uri("b")) == b"data"

    def test_deleting_passes_over_what_is_not_there(self, store: ObjectStore) -> None:
        store.put_bytes(uri("a"), b"")
        store.put_bytes(uri("a/b"), b"")
        store.delete(iter([uri("a"), uri("x"), S3Uri("no-bucket", "x")]))
        store.delete([])
        assert [info.key for info in store.list(BUCKET)] == ["a/b"]

    def test_a_link_has_the_bytes_and_cannot_hurt(self, store: ObjectStore, tmp_path: Path) -> None:
        store.put_bytes(uri("k"), b"data")
        link = tmp_path / "link"
        store.link(uri("k"), link)
        assert link.read_bytes() == b"data"
        assert not link.stat().st_mode & 0o222
        with pytest.raises(ConflictError):
            store.link(uri("k"), link)
        with pytest.raises(NotFoundError):
            store.link(uri("k"), tmp_path / "no-folder" / "link")
        store.put_bytes(uri("k"), b"other")
        store.delete([uri("k")])
        store.collect_garbage()
        assert link.read_bytes() == b"data"

    @pytest.mark.parametrize("move", [False, True])
    def test_a_link_can_be_stored_again(self, store: ObjectStore, tmp_path: Path, move: bool) -> None:
        store.put_bytes(uri("in"), b"data", content_type="text/x")
        link = tmp_path / "link"
        store.link(uri("in"), link)
        info = store.put_file(uri("out"), link, move=move)
        assert (info.size_bytes, info.content_type) == (4, "")
        assert link.exists() is not move
        store.delete([uri("in")])
        store.collect_garbage()
        assert store.read_bytes(uri("out")) == b"data"

    def test_digests(self, store: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"data")
        store.put_bytes(uri("a"), b"data")
        store.put_file(uri("b"), tmp_path / "file", move=True)
        expected = sha256(b"data").hexdigest()
        assert store.digest(uri("a")) == store.digest(uri("b")) == expected
        assert store.head(uri("b")).sha256 == expected
        store.put_bytes(uri("b"), b"other")
        assert store.digest(uri("b")) == sha256(b"other").hexdigest()

    def test_who_asks_for_a_digest_is_told_what_is_read(self, store: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"data" * 100_000)
        store.put_file(uri("a"), tmp_path / "file")
        told: list[int] = []

        def stop(size_bytes: int) -> None:
            raise KeyError(size_bytes)

        with pytest.raises(KeyError):
            store.digest(uri("a"), stop)
        assert store.digest(uri("a"), told.append) == sha256(b"data" * 100_000).hexdigest()
        assert sum(told) == 400_000
        store.digest(uri("a"), stop)  # it is known by now

    def test_equal_trees_have_equal_digests(self, store: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"2")
        store.put_bytes(uri("one/a"), b"1")
        store.put_bytes(uri("one/b/c"), b"2")
        store.put_file(uri("two/b/c"), tmp_path / "file")
        store.put_bytes(uri("two/a"), b"1")
        whole = store.digest_below(uri("one/"))
        assert store.digest_below(uri("two/")) == whole
        assert store.digest_below(uri("one")) != whole
        empty = store.digest_below(uri("nothing/"))
        assert empty == store.digest_below(uri("else/")) != whole
        store.put_bytes(uri("two/a"), b"3")
        assert store.digest_below(uri("two/")) != whole

    def test_names_and_bytes_do_not_run_together_in_a_digest(self, store: ObjectStore) -> None:
        for prefix, keys in {
            "1/": ["ab", "c"],
            "2/": ["a", "bc"],
            "3/": ["abc"],
            "4/": ["a", "b", "c"],
        }.items():
            for key in keys:
                store.put_bytes(uri(prefix + key), b"")
        assert len({store.digest_below(uri(f"{number}/")) for number in range(1, 5)}) == 4

    def test_garbage_is_what_no_object_needs(self, store: ObjectStore) -> None:
        store.put_bytes(uri("a"), b"a" * 10_000)
        store.put_bytes(uri("b"), b"b" * 10_000)
        assert store.collect_garbage() == 0
        full = store.disk_usage()
        assert full >= 20_000
        store.delete([uri("a")])
        assert store.collect_garbage() >= 10_000
        assert store.disk_usage() <= full - 10_000
        assert store.collect_garbage() == 0
        assert store.read_bytes(uri("b")) == b"b" * 10_000

    def test_writers_readers_and_the_collector_live_together(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        def work(worker: int) -> None:
            for turn in range(8):
                address = uri(f"shared/{turn % 2}")
                file = tmp_path / f"{worker}-{turn}"
                file.write_bytes(b"f" * 100)
                store.put_bytes(address, bytes([worker]) * 100)
                store.put_file(uri(f"own/{worker}"), file, move=True)
                assert len(set(store.read_bytes(address))) == 1
                store.link(uri(f"own/{worker}"), tmp_path / f"link-{worker}-{turn}")
                if worker == 0:
                    store.collect_garbage()

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(work, range(6)))
        store.collect_garbage()
        assert {len(store.read_bytes(info.uri)) for info in store.all(S3Uri(BUCKET))} == {100}
