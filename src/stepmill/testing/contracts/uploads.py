"""What every store of objects must do with those that arrive in parts."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5, sha256
from zlib import crc32

import pytest

from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.storage.objects.attributes import Attributes, Condition
from stepmill.storage.objects.changes import ChangeKind, ObjectChange
from stepmill.storage.objects.digests import Checksum, Hashing
from stepmill.storage.objects.info import BucketNotFoundError
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uploads import Part, UploadNotFoundError
from stepmill.storage.objects.uri import S3Uri
from stepmill.testing.contracts.objects import BUCKET, uri

_BIG = os.urandom(300_000)


def _begun(store: ObjectStore, key: str = "k") -> str:
    return store.uploads.create(uri(key)).id


class UploadsContract:
    """Inherit it, and give a fixture ``store``: an ``ObjectStore`` with the empty bucket ``BUCKET``."""

    @pytest.fixture
    def store(self) -> ObjectStore:
        """Return the store to test."""
        pytest.fail("The test class has no fixture `store`.")

    def test_parts_are_joined_in_their_order(self, store: ObjectStore) -> None:
        said = Attributes("text/x", {"m": "1"}, tags={"t": "1"})
        upload = store.uploads.create(uri("k"), said)
        contents = {7: b"last", 2: _BIG, 5: b""}
        for number, content in contents.items():
            store.uploads.put_part(uri("k"), upload.id, number, [content[:9], content[9:]])
        assert store.list(BUCKET) == []
        parts = store.uploads.parts(uri("k"), upload.id)
        assert [part.number for part in parts] == [2, 5, 7]
        info = store.uploads.complete(uri("k"), upload.id, parts)
        assert store.read_bytes(uri("k")) == _BIG + b"last"
        assert store.path(uri("k")).read_bytes() == _BIG + b"last"
        assert store.head(uri("k")) == info
        assert info.attributes == said
        assert info.part_runs == ((1, len(_BIG)), (1, 0), (1, 4))
        digests = b"".join(md5(contents[number]).digest() for number in (2, 5, 7))
        assert info.etag == f"{md5(digests).hexdigest()}-3"
        assert store.digest(uri("k")) == sha256(_BIG + b"last").hexdigest()
        assert store.collect_garbage() == 0

    def test_only_the_parts_that_are_named_are_taken(self, store: ObjectStore) -> None:
        upload = _begun(store)
        parts = [store.uploads.put_part(uri("k"), upload, n, [b"%d" % n]) for n in range(1, 5)]
        info = store.uploads.complete(uri("k"), upload, [parts[1], parts[3]])
        assert store.read_bytes(uri("k")) == b"24"
        assert info.part_runs == ((2, 1),)

    def test_one_part_is_not_copied(self, store: ObjectStore) -> None:
        upload = _begun(store)
        part = store.uploads.put_part(uri("k"), upload, 1, [_BIG])
        usage = store.disk_usage()
        assert store.uploads.complete(uri("k"), upload, [part]).etag.endswith("-1")
        assert store.disk_usage() == usage
        assert store.collect_garbage() == 0
        assert store.read_bytes(uri("k")) == _BIG

    def test_a_part_can_be_put_again(self, store: ObjectStore) -> None:
        upload = _begun(store)
        first = store.uploads.put_part(uri("k"), upload, 1, [_BIG])
        usage = store.disk_usage()
        second = store.uploads.put_part(uri("k"), upload, 1, [b"new"])
        assert store.disk_usage() < usage
        assert store.uploads.parts(uri("k"), upload) == [second]
        with pytest.raises(ConflictError):
            store.uploads.complete(uri("k"), upload, [first])
        store.uploads.complete(uri("k"), upload, [second])
        assert store.read_bytes(uri("k")) == b"new"

    def test_a_part_arrives_whole_or_not_at_all(self, store: ObjectStore) -> None:
        upload = _begun(store)

        def broken() -> Iterator[bytes]:
            yield b"new"
            raise KeyError("the sender hung up")

        usage = store.disk_usage()
        with pytest.raises(KeyError):
            store.uploads.put_part(uri("k"), upload, 1, broken())
        assert store.uploads.parts(uri("k"), upload) == []
        assert store.disk_usage() == usage

    def test_what_has_ended_is_not_found(self, store: ObjectStore) -> None:
        upload = _begun(store)
        part = store.uploads.put_part(uri("k"), upload, 1, [b"x"])
        for wrong_uri, wrong_id in [(uri("other"), upload), (uri("k"), "nothing"), (uri("k"), "")]:
            with pytest.raises(UploadNotFoundError):
                store.uploads.put_part(wrong_uri, wrong_id, 1, [b"x"])
            with pytest.raises(UploadNotFoundError):
                store.uploads.abort(wrong_uri, wrong_id)
        store.uploads.abort(uri("k"), upload)
        with pytest.raises(UploadNotFoundError):
            store.uploads.get(uri("k"), upload)
        with pytest.raises(UploadNotFoundError):
            store.uploads.parts(uri("k"), upload)
        with pytest.raises(UploadNotFoundError):
            store.uploads.complete(uri("k"), upload, [part])
        with pytest.raises(UploadNotFoundError):
            store.uploads.copy_part(uri("k"), upload, 1, uri("k"))
        assert store.list(BUCKET) == []

    def test_giving_up_frees_the_bytes(self, store: ObjectStore) -> None:
        usage = store.disk_usage()
        upload = _begun(store)
        store.uploads.put_part(uri("k"), upload, 1, [_BIG])
        assert store.collect_garbage() == 0
        store.uploads.abort(uri("k"), upload)
        assert store.disk_usage() == usage

    def test_conditions_hold_at_the_end(self, store: ObjectStore) -> None:
        upload = _begun(store)
        part = store.uploads.put_part(uri("k"), upload, 1, [b"new"])
        other = store.uploads.put_part(uri("k"), upload, 2, [b"er"])
        old = store.put_bytes(uri("k"), b"old")
        with pytest.raises(ConflictError):
            store.uploads.complete(uri("k"), upload, [part, other], condition=Condition(absent=True))
        with pytest.raises(ConflictError):
            store.uploads.complete(uri("k"), upload, [part], condition=Condition(etag="no"))
        assert store.read_bytes(uri("k")) == b"old"
        assert store.uploads.parts(uri("k"), upload) == [part, other]
        store.uploads.complete(uri("k"), upload, [part, other], condition=Condition(etag=old.etag))
        assert store.read_bytes(uri("k")) == b"newer"

    def test_impossible_parts_are_refused(self, store: ObjectStore) -> None:
        upload = _begun(store)
        part = store.uploads.put_part(uri("k"), upload, 1, [b"x"])
        with pytest.raises(InvalidInputError):
            store.uploads.put_part(uri("k"), upload, 0, [b"x"])
        with pytest.raises(InvalidInputError):
            store.uploads.complete(uri("k"), upload, [])
        invented = Part(2, 1, part.etag, part.modified_at)
        with pytest.raises(ConflictError):
            store.uploads.complete(uri("k"), upload, [part, invented])
        assert store.uploads.parts(uri("k"), upload) == [part]

    def test_a_part_may_be_bytes_of_an_object(self, store: ObjectStore) -> None:
        source = store.put_bytes(uri("source"), _BIG)
        upload = _begun(store)
        copy = store.uploads.copy_part
        parts = [
            copy(uri("k"), upload, 1, uri("source"), start=10, end=250_000),
            copy(uri("k"), upload, 2, uri("source"), source_etag=source.etag),
            copy(uri("k"), upload, 3, uri("source"), start=5, end=5),
        ]
        assert [part.size_bytes for part in parts] == [249_990, 300_000, 0]
        assert store.uploads.parts(uri("k"), upload) == parts
        for start, end in [(-1, None), (5, 4), (0, 300_001), (300_001, None)]:
            with pytest.raises(InvalidInputError):
                copy(uri("k"), upload, 4, uri("source"), start=start, end=end)
        with pytest.raises(ConflictError):
            copy(uri("k"), upload, 4, uri("source"), source_etag="another")
        with pytest.raises(NotFoundError):
            copy(uri("k"), upload, 4, uri("nothing"))
        store.delete([uri("source")])
        store.collect_garbage()
        info = store.uploads.complete(uri("k"), upload, parts)
        assert store.read_bytes(uri("k")) == _BIG[10:250_000] + _BIG
        assert info.etag.endswith("-3")

    def test_the_checksum_of_the_parts_checksums(self, store: ObjectStore) -> None:
        upload = store.uploads.create(uri("k"), checksum=Checksum.SHA256).id
        for number, content in enumerate([b"one", b"two"], 1):
            store.uploads.put_part(uri("k"), upload, number, [content], hashing=Hashing([Checksum.SHA256]))
        store.put_bytes(uri("source"), b"three")
        store.uploads.copy_part(uri("k"), upload, 3, uri("source"))
        parts = store.uploads.parts(uri("k"), upload)
        info = store.uploads.complete(uri("k"), upload, parts)
        digests = [sha256(content).digest() for content in (b"one", b"two", b"three")]
        assert [b64decode(part.checksums[Checksum.SHA256]) for part in parts] == digests
        expected = b64encode(sha256(b"".join(digests)).digest()).decode()
        assert info.checksums == {Checksum.SHA256: f"{expected}-3"}

    def test_the_checksum_of_the_whole(self, store: ObjectStore) -> None:
        upload = store.uploads.create(uri("k"), checksum=Checksum.CRC32, full_object=True).id
        for number, content in enumerate([_BIG, b"", b"end"], 1):
            store.uploads.put_part(uri("k"), upload, number, [content], hashing=Hashing([Checksum.CRC32]))
        info = store.uploads.complete(uri("k"), upload, store.uploads.parts(uri("k"), upload))
        assert b64decode(info.checksums[Checksum.CRC32]) == crc32(_BIG + b"end").to_bytes(4)
        for impossible in (Checksum.SHA1, None):
            with pytest.raises(InvalidInputError):
                store.uploads.create(uri("k"), checksum=impossible, full_object=True)

    def test_uploads_are_listed_by_key_and_age_does_not_matter(self, store: ObjectStore) -> None:
        keys = ["b", "a/2", "a/1", "a/2", "c", "a%"]
        made = [store.uploads.create(uri(key), checksum=Checksum.SHA1) for key in keys]
        listed = store.uploads.list(BUCKET)
        assert listed == sorted(made, key=lambda upload: (upload.uri.key, upload.id))
        assert store.uploads.list(BUCKET, "a/") == [upload for upload in listed if upload.uri.key[:2] == "a/"]
        gathered = store.uploads.list(BUCKET, limit=1)
        while page := store.uploads.list(BUCKET, after=(gathered[-1].uri.key, gathered[-1].id), limit=2):
            gathered += page
        assert gathered == listed
        assert [upload.uri.key for upload in store.uploads.list(BUCKET, after=("a/2", ""))] == ["b", "c"]
        with pytest.raises(InvalidInputError):
            store.uploads.list(BUCKET, limit=0)

    def test_parts_come_in_pages(self, store: ObjectStore) -> None:
        upload = _begun(store)
        for number in (5, 1, 3):
            store.uploads.put_part(uri("k"), upload, number, [b"x"])
        assert [part.number for part in store.uploads.parts(uri("k"), upload, limit=2)] == [1, 3]
        assert [part.number for part in store.uploads.parts(uri("k"), upload, after=3)] == [5]

    def test_nothing_is_begun_where_no_bucket_is(self, store: ObjectStore) -> None:
        with pytest.raises(BucketNotFoundError):
            store.uploads.create(S3Uri("no-bucket", "k"))
        with pytest.raises(BucketNotFoundError):
            store.uploads.list("no-bucket")
        with pytest.raises(InvalidInputError):
            store.uploads.create(uri(""))

    def test_uploads_are_gone_with_their_bucket(self, store: ObjectStore) -> None:
        upload = _begun(store)
        store.uploads.put_part(uri("k"), upload, 1, [_BIG])
        store.delete_bucket(BUCKET)
        assert store.collect_garbage() >= len(_BIG)
        store.create_bucket(BUCKET)
        assert store.uploads.list(BUCKET) == []
        with pytest.raises(UploadNotFoundError):
            store.uploads.get(uri("k"), upload)

    def test_listeners_hear_of_the_whole_only(self, store: ObjectStore) -> None:
        heard: list[ObjectChange] = []
        store.listeners.add(heard.append)
        upload = _begun(store)
        part = store.uploads.put_part(uri("k"), upload, 1, [b"data"])
        assert heard == []
        info = store.uploads.complete(uri("k"), upload, [part])
        assert heard == [ObjectChange(ChangeKind.ASSEMBLED, uri("k"), info.modified_at, 4, info.etag)]

    def test_many_parts_arrive_at_once(self, store: ObjectStore) -> None:
        upload = _begun(store)
        numbers = list(range(1, 25))
        with ThreadPoolExecutor(6) as pool:
            put = pool.map(
                lambda number: store.uploads.put_part(uri("k"), upload, number, [b"%03d" % number]), numbers
            )
            parts = list(put)
            pool.submit(store.collect_garbage).result()
        store.uploads.complete(uri("k"), upload, parts)
        assert store.read_bytes(uri("k")) == b"".join(b"%03d" % number for number in numbers)

    def test_of_two_who_complete_one_does(self, store: ObjectStore) -> None:
        upload = _begun(store)
        parts = [store.uploads.put_part(uri("k"), upload, number, [_BIG]) for number in (1, 2)]

        def complete(_: int) -> bool:
            try:
                store.uploads.complete(uri("k"), upload, parts)
            except (ConflictError, UploadNotFoundError):
                return False
            return True

        with ThreadPoolExecutor(3) as pool:
            assert sorted(pool.map(complete, range(3))) == [False, False, True]
        assert store.read_bytes(uri("k")) == _BIG * 2
        assert store.collect_garbage() == 0
