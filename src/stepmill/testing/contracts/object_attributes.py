"""What every store of objects must do with what is said of objects, and with conditions and changes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5, sha1, sha256
from pathlib import Path
from zlib import crc32

import pytest

from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.storage.objects.attributes import Attributes, Condition
from stepmill.storage.objects.changes import ChangeKind, ObjectChange
from stepmill.storage.objects.digests import Checksum, Hashing
from stepmill.storage.objects.info import BucketNotFoundError
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.testing.contracts.objects import BUCKET, uri

_ABSENT = Condition(absent=True)
_SAID = Attributes(
    content_type="text/csv",
    metadata={"owner": "ä"},
    headers={"cache-control": "no-store", "content-encoding": "gzip"},
    storage_class="STANDARD_IA",
    tags={"stage": "raw", "": "x"},
)


class ObjectAttributesContract:
    """Inherit it, and give a fixture ``store``: an ``ObjectStore`` with the empty bucket ``BUCKET``."""

    @pytest.fixture
    def store(self) -> ObjectStore:
        """Return the store to test."""
        pytest.fail("The test class has no fixture `store`.")

    # ---- ETags and checksums -------------------------------------------------------------------

    def test_the_etag_of_what_is_put_in_one_piece_is_its_md5(self, store: ObjectStore) -> None:
        expected = md5(b"data").hexdigest()
        assert store.put_bytes(uri("a"), b"data").etag == expected
        assert store.put_stream(uri("b"), [b"da", b"ta"]).etag == expected
        assert store.head(uri("b")).etag == expected
        assert [info.etag for info in store.list(BUCKET)] == [expected] * 2

    def test_a_file_taken_in_unread_has_an_etag_of_its_own(self, store: ObjectStore, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name).write_bytes(name.encode())
            store.put_file(uri(name), tmp_path / name, move=True)
        one, two = (store.head(uri(name)).etag for name in ("one", "two"))
        assert "-" in one
        assert one != two
        assert store.copy(uri("one"), uri("copy")).etag == one
        store.digest(uri("one"))
        store.change_tags(uri("one"), {"a": "b"})
        assert store.head(uri("one")).etag == one
        store.put_bytes(uri("one"), b"one")
        assert store.head(uri("one")).etag == md5(b"one").hexdigest()

    def test_checksums_are_computed_if_they_are_asked_for(self, store: ObjectStore) -> None:
        hashing = Hashing(Checksum)
        info = store.put_stream(uri("k"), [b"da", b"", b"ta"], hashing=hashing)
        expected = {
            Checksum.CRC32: b64encode(crc32(b"data").to_bytes(4)).decode(),
            Checksum.SHA1: b64encode(sha1(b"data").digest()).decode(),
            Checksum.SHA256: b64encode(sha256(b"data").digest()).decode(),
        }
        assert {name: info.checksums[name] for name in expected} == expected
        assert set(info.checksums) == set(Checksum)
        assert store.head(uri("k")) == info
        assert store.digest(uri("k")) == sha256(b"data").hexdigest()
        assert store.put_stream(uri("k"), [b"data"]).checksums == {}

    def test_a_sender_can_hold_the_digests_against_his_own(self, store: ObjectStore) -> None:
        hashing = Hashing()

        def checked() -> Iterator[bytes]:
            yield b"data"
            assert hashing.etag == md5(b"data").hexdigest()
            raise KeyError("another digest was expected")

        with pytest.raises(KeyError):
            store.put_stream(uri("k"), checked(), hashing=hashing)
        assert store.list(BUCKET) == []

    def test_a_sha256_that_is_vouched_for_is_believed(self, store: ObjectStore) -> None:
        known = sha256(b"data").hexdigest()
        assert store.put_stream(uri("k"), [b"data"], hashing=Hashing(sha256=known)).sha256 == known
        assert store.digest(uri("k")) == known

    # ---- what is said --------------------------------------------------------------------------

    def test_what_is_said_comes_back(self, store: ObjectStore) -> None:
        assert store.put_stream(uri("k"), [b""], attributes=_SAID).attributes == _SAID
        assert store.head(uri("k")).attributes == _SAID
        assert store.list(BUCKET)[0].attributes == _SAID
        assert store.put_stream(uri("k"), [b""]).attributes == Attributes()

    def test_a_copy_says_the_same_or_what_it_is_told(self, store: ObjectStore) -> None:
        store.put_stream(uri("a"), [b"data"], attributes=_SAID, hashing=Hashing([Checksum.SHA1]))
        same = store.copy(uri("a"), uri("b"))
        assert (same.attributes, same.checksums) == (_SAID, store.head(uri("a")).checksums)
        other = store.copy(
            uri("a"), uri("c"), attributes=Attributes("x/y"), checksums={Checksum.CRC32: "AA=="}
        )
        assert (other.attributes, other.checksums) == (Attributes("x/y"), {Checksum.CRC32: "AA=="})
        onto_itself = store.copy(uri("a"), uri("a"), attributes=Attributes("new"))
        assert store.head(uri("a")) == onto_itself
        assert store.read_bytes(uri("a")) == b"data"

    def test_tags_can_be_changed_and_nothing_else_is(self, store: ObjectStore) -> None:
        before = store.put_stream(uri("k"), [b"data"], attributes=_SAID)
        after = store.change_tags(uri("k"), {"new": "tag"})
        assert after.attributes.tags == {"new": "tag"}
        assert (after.modified_at, after.etag, after.metadata) == (
            before.modified_at,
            before.etag,
            before.metadata,
        )
        assert store.change_tags(uri("k"), {}).attributes.tags == {}
        with pytest.raises(NotFoundError):
            store.change_tags(uri("x"), {})

    def test_the_place_and_what_is_known_belong_together(self, store: ObjectStore) -> None:
        store.put_bytes(uri("k"), b"data")
        info, path = store.locate(uri("k"))
        assert (info, path.read_bytes()) == (store.head(uri("k")), b"data")
        with pytest.raises(NotFoundError):
            store.locate(uri("x"))

    def test_all_places_below_a_prefix_are_told_at_once(self, store: ObjectStore) -> None:
        for key in ("p/b", "p/a", "q"):
            store.put_bytes(uri(key), key.encode())
        found = store.locate_all(uri("p/"))
        assert [(info, path.read_bytes()) for info, path in found] == [
            (store.head(uri("p/a")), b"p/a"),
            (store.head(uri("p/b")), b"p/b"),
        ]
        assert store.locate_all(uri("nothing/")) == []
        with pytest.raises(BucketNotFoundError):
            store.locate_all(S3Uri("no-such-bucket", "p/"))

    # ---- conditions ----------------------------------------------------------------------------

    def test_nothing_is_replaced_where_nothing_was_to_be(self, store: ObjectStore) -> None:
        store.put_stream(uri("k"), [b"old"], condition=_ABSENT)
        usage = store.disk_usage()
        with pytest.raises(ConflictError, match="already"):
            store.put_stream(uri("k"), [b"new"], condition=_ABSENT)
        store.put_bytes(uri("other"), b"other")
        with pytest.raises(ConflictError):
            store.copy(uri("other"), uri("k"), condition=_ABSENT)
        assert store.read_bytes(uri("k")) == b"old"
        store.delete([uri("other")])
        store.collect_garbage()
        assert store.disk_usage() == usage

    def test_only_the_object_that_was_meant_is_replaced(self, store: ObjectStore) -> None:
        old = store.put_bytes(uri("k"), b"old")
        meant = Condition(etag=old.etag)
        store.put_stream(uri("k"), [b"new"], condition=meant)
        with pytest.raises(ConflictError, match="someone else"):
            store.put_stream(uri("k"), [b"newer"], condition=meant)
        with pytest.raises(ConflictError):
            store.copy(uri("k"), uri("k"), condition=meant)
        with pytest.raises(ConflictError):
            store.delete([uri("k")], condition=meant)
        with pytest.raises(NotFoundError):
            store.put_stream(uri("x"), [b"new"], condition=meant)
        with pytest.raises(NotFoundError):
            store.put_stream(uri("x"), [b"new"], condition=Condition(present=True))
        assert store.read_bytes(uri("k")) == b"new"
        store.put_stream(uri("k"), [b"newest"], condition=Condition(present=True))
        store.delete([uri("k")], condition=Condition(etag=store.head(uri("k")).etag))
        assert store.list(BUCKET) == []

    def test_only_the_object_that_was_meant_is_copied(self, store: ObjectStore) -> None:
        old = store.put_bytes(uri("k"), b"old")
        store.copy(uri("k"), uri("copy"), source_etag=old.etag)
        store.put_bytes(uri("k"), b"new")
        with pytest.raises(ConflictError):
            store.copy(uri("k"), uri("copy"), source_etag=old.etag)
        assert store.read_bytes(uri("copy")) == b"old"

    def test_of_many_who_want_to_be_first_one_is(self, store: ObjectStore) -> None:
        def put(number: int) -> int | None:
            try:
                store.put_stream(uri("k"), [b"%d" % number], condition=_ABSENT)
            except ConflictError:
                return None
            return number

        with ThreadPoolExecutor(8) as pool:
            first = [number for number in pool.map(put, range(8)) if number is not None]
        assert [store.read_bytes(uri("k"))] == [b"%d" % number for number in first]

    # ---- buckets -------------------------------------------------------------------------------

    def test_a_bucket_that_is_not_there_has_an_error_of_its_own(self, store: ObjectStore) -> None:
        nowhere = S3Uri("no-bucket", "k")
        with pytest.raises(BucketNotFoundError):
            store.head(nowhere)
        with pytest.raises(BucketNotFoundError):
            store.put_stream(nowhere, [b""])
        with pytest.raises(BucketNotFoundError):
            store.list_folded("no-bucket", delimiter="/")
        with pytest.raises(NotFoundError) as caught:
            store.head(uri("k"))
        assert not isinstance(caught.value, BucketNotFoundError)

    def test_settings_of_a_bucket_live_and_die_with_it(self, store: ObjectStore) -> None:
        assert store.bucket_setting(BUCKET, "tags") is None
        store.change_bucket_setting(BUCKET, "tags", {"a": "1"})
        store.change_bucket_setting(BUCKET, "other", {"x": [1, None]})
        store.change_bucket_setting(BUCKET, "tags", {"a": "2"})
        assert store.bucket_setting(BUCKET, "tags") == {"a": "2"}
        assert store.bucket_setting(BUCKET, "other") == {"x": [1, None]}
        store.change_bucket_setting(BUCKET, "other", None)
        assert store.bucket_setting(BUCKET, "other") is None
        store.delete_bucket(BUCKET)
        with pytest.raises(NotFoundError):
            store.bucket_setting(BUCKET, "tags")
        with pytest.raises(NotFoundError):
            store.change_bucket_setting(BUCKET, "tags", {})
        store.create_bucket(BUCKET)
        assert store.bucket_setting(BUCKET, "tags") is None

    # ---- folders -------------------------------------------------------------------------------

    def test_keys_are_folded_up_to_the_delimiter(self, store: ObjectStore) -> None:
        for key in ["a", "a/", "a/b", "a/b/c", "a0", "b/x", "c"]:
            store.put_bytes(uri(key), b"")

        def page(prefix: str = "", delimiter: str = "/", after: str = "", limit: int = 99) -> list[str]:
            found = store.list_folded(BUCKET, prefix, delimiter=delimiter, after=after, limit=limit)
            return [one if isinstance(one, str) else f"={one.key}" for one in found]

        assert page() == ["=a", "a/", "=a0", "b/", "=c"]
        assert page(limit=2) == ["=a", "a/"]
        assert page(after="a/") == ["=a0", "b/", "=c"]
        assert page(after="a/a") == ["a/", "=a0", "b/", "=c"]
        assert page(prefix="a/") == ["=a/", "=a/b", "a/b/"]
        assert page(prefix="a/", after="a/") == ["=a/b", "a/b/"]
        assert page(prefix="a/", after="a/b/") == []
        assert page(delimiter="/b") == ["=a", "=a/", "a/b", "=a0", "=b/x", "=c"]
        assert page(prefix="z") == []
        with pytest.raises(InvalidInputError):
            page(limit=0)
        with pytest.raises(InvalidInputError):
            page(delimiter="")

    # ---- changes -------------------------------------------------------------------------------

    def test_listeners_are_told_what_has_happened(self, store: ObjectStore, tmp_path: Path) -> None:
        heard: list[ObjectChange] = []
        store.listeners.add(heard.append)
        (tmp_path / "file").write_bytes(b"file")
        etag = store.put_bytes(uri("a"), b"data").etag
        store.put_bytes(uri("a"), b"data")
        store.put_stream(uri("b"), [b"12"])
        store.put_file(uri("c"), tmp_path / "file")
        store.copy(uri("a"), uri("d"))
        store.delete([uri("a"), uri("x")])
        with pytest.raises(ConflictError):
            store.put_stream(uri("b"), [b""], condition=_ABSENT)
        assert [(change.kind, change.uri.key, change.size_bytes) for change in heard] == [
            (ChangeKind.PUT, "a", 4),
            (ChangeKind.PUT, "a", 4),
            (ChangeKind.PUT, "b", 2),
            (ChangeKind.PUT, "c", 4),
            (ChangeKind.COPIED, "d", 4),
            (ChangeKind.DELETED, "a", 0),
        ]
        assert [heard[0].etag, heard[4].etag, heard[5].etag] == [etag, etag, ""]
