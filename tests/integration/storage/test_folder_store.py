"""Objects in a folder keep the promises of all object stores, and move no byte where none need move."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError, NotFoundError, StorageError, StorageFullError
from stepmill.storage.database import Database
from stepmill.storage.objects import files
from stepmill.storage.objects.attributes import Attributes
from stepmill.storage.objects.digests import Checksum
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uploads import ABANDONED_AFTER
from stepmill.storage.objects.uri import S3Uri
from stepmill.testing import (
    FakeClock,
    ObjectAttributesContract,
    ObjectStoreContract,
    UploadsContract,
    object_keys,
)
from stepmill.testing.contracts.objects import BUCKET, uri


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open_sqlite(tmp_path / "home" / "stepmill.db")
    yield database
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "objects"


@pytest.fixture
def store(database: Database, folder: Path, clock: FakeClock) -> FolderStore:
    store = FolderStore(database, folder, clock)
    store.create_bucket(BUCKET)
    return store


def blobs(folder: Path) -> list[Path]:
    return sorted((folder / "blobs").glob("*/*"))


def incoming(folder: Path) -> list[Path]:
    return list((folder / "incoming").iterdir())


class TestFolderStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, database: Database, folder: Path, clock: FakeClock) -> ObjectStore:
        store = FolderStore(database, folder, clock)
        store.create_bucket(BUCKET)
        return store


class TestAttributes(ObjectAttributesContract):
    @pytest.fixture
    def store(self, database: Database, folder: Path, clock: FakeClock) -> ObjectStore:
        store = FolderStore(database, folder, clock)
        store.create_bucket(BUCKET)
        return store


class TestUploads(UploadsContract):
    @pytest.fixture
    def store(self, database: Database, folder: Path, clock: FakeClock) -> ObjectStore:
        store = FolderStore(database, folder, clock)
        store.create_bucket(BUCKET)
        return store


class TestByReference:
    def test_a_file_taken_away_is_the_blob(self, store: FolderStore, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"data")
        inode = file.stat().st_ino
        store.put_file(uri("k"), file, move=True)
        assert store.path(uri("k")).stat().st_ino == inode

    def test_a_link_is_the_blob(self, store: FolderStore, tmp_path: Path) -> None:
        store.put_bytes(uri("k"), b"data")
        store.link(uri("k"), tmp_path / "link")
        assert store.path(uri("k")).samefile(tmp_path / "link")

    @pytest.mark.parametrize("move", [False, True])
    def test_an_input_handed_through_to_an_output_costs_nothing(
        self, store: FolderStore, tmp_path: Path, move: bool
    ) -> None:
        store.put_bytes(uri("in"), b"x" * 100_000)
        usage = store.disk_usage()
        store.link(uri("in"), tmp_path / "link")
        info = store.put_file(uri("out"), tmp_path / "link", move=move)
        assert store.path(uri("out")).samefile(store.path(uri("in")))
        assert info.sha256 == store.head(uri("in")).sha256 != ""
        assert store.disk_usage() == usage
        store.delete([uri("in")])
        assert store.collect_garbage() == 0  # the other name still needs the bytes
        store.delete([uri("out")])
        assert store.collect_garbage() >= (0 if not move else 100_000)

    def test_a_link_that_somebody_made_writable_is_not_trusted(
        self, store: FolderStore, tmp_path: Path
    ) -> None:
        store.put_bytes(uri("in"), b"data")
        store.link(uri("in"), tmp_path / "link")
        (tmp_path / "link").chmod(0o644)
        info = store.put_file(uri("out"), tmp_path / "link")
        assert not store.path(uri("out")).samefile(store.path(uri("in")))
        assert info.sha256 == ""

    def test_an_inode_number_alone_is_not_believed(
        self, store: FolderStore, database: Database, tmp_path: Path
    ) -> None:
        store.put_bytes(uri("in"), b"data")
        file, other = tmp_path / "file", tmp_path / "other"
        file.write_bytes(b"other")
        other.hardlink_to(file)
        file.chmod(0o444)
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE objects SET inode = ?", (file.stat().st_ino,))
        store.put_file(uri("out"), file)
        assert store.read_bytes(uri("out")) == b"other"

    def test_where_no_links_are_possible_bytes_are_copied(
        self, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

        file = tmp_path / "file"
        file.write_bytes(b"data" * 1000)
        inode = file.stat().st_ino
        monkeypatch.setattr(os, "link", refuse)
        store.put_file(uri("k"), file, move=True)
        assert not file.exists()
        assert store.path(uri("k")).stat().st_ino != inode
        store.link(uri("k"), tmp_path / "link")
        assert (tmp_path / "link").read_bytes() == b"data" * 1000
        assert not (tmp_path / "link").samefile(store.path(uri("k")))
        assert stat.S_IMODE((tmp_path / "link").stat().st_mode) == 0o444

    def test_where_the_kernel_cannot_copy_bytes_go_by_hand(
        self, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> int:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

        monkeypatch.setattr(os, "copy_file_range", refuse, raising=False)
        data = os.urandom(3_000_000)
        (tmp_path / "file").write_bytes(data)
        store.put_file(uri("k"), tmp_path / "file")
        assert store.read_bytes(uri("k")) == data

    def test_a_file_that_another_took_the_place_of_is_not_adopted(
        self, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between looking at the file and linking it, a job swaps it for a link to a secret."""
        secret, file = tmp_path / "secret", tmp_path / "file"
        secret.write_bytes(b"secret")
        file.write_bytes(b"mine")
        real = os.link

        def swap_then_link(source: Path, target: Path, *, follow_symlinks: bool = True) -> None:
            file.unlink()
            file.symlink_to(secret)
            real(source, target, follow_symlinks=follow_symlinks)

        monkeypatch.setattr(os, "link", swap_then_link)
        store.put_file(uri("k"), file, move=True)
        assert store.read_bytes(uri("k")) == b"mine"
        assert secret.stat().st_nlink == 1


class TestBlobs:
    def test_blobs_are_read_only_and_never_replaced(self, store: FolderStore, folder: Path) -> None:
        store.put_bytes(uri("k"), b"one")
        first = store.path(uri("k"))
        store.put_bytes(uri("k"), b"two")
        assert first.read_bytes() == b"one"
        assert store.path(uri("k")) != first
        assert {stat.S_IMODE(blob.stat().st_mode) for blob in blobs(folder)} == {0o444}
        assert stat.S_IMODE((folder / "blobs").stat().st_mode) == 0o700

    def test_the_same_bytes_again_keep_the_blob(
        self, store: FolderStore, folder: Path, clock: FakeClock
    ) -> None:
        before = store.put_bytes(uri("k"), b"one", metadata={"v": "1"})
        blob = store.path(uri("k"))
        clock.advance(timedelta(minutes=1))
        after = store.put_bytes(uri("k"), b"one", metadata={"v": "2"})
        assert store.path(uri("k")) == blob
        assert blobs(folder) == [blob]
        assert after.modified_at - before.modified_at == timedelta(minutes=1)
        assert store.head(uri("k")) == after
        assert after.metadata == {"v": "2"}
        assert store.collect_garbage() == 0

    def test_a_finished_put_leaves_nothing_behind(
        self, store: FolderStore, folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_bytes(b"x")
        store.put_bytes(uri("a"), b"x")
        store.put_file(uri("b"), tmp_path / "file", move=True)
        assert incoming(folder) == []
        assert len(blobs(folder)) == 2

    def test_a_failed_put_leaves_nothing_behind(
        self, store: FolderStore, folder: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(NotFoundError):
            store.put_files([(uri("a"), tmp_path / "file"), (uri("b"), tmp_path / "missing")], move=True)
        with pytest.raises(NotFoundError):
            store.put_bytes(S3Uri("no-bucket", "k"), b"x")
        assert incoming(folder) == []
        assert blobs(folder) == []

    def test_a_put_that_the_index_refuses_leaves_nothing_behind(
        self, store: FolderStore, folder: Path, database: Database, tmp_path: Path
    ) -> None:
        with database.write() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE INSERT ON objects BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        file = tmp_path / "file"
        file.write_bytes(b"x")
        with pytest.raises(StorageError):
            store.put_file(uri("k"), file, move=True)
        assert file.read_bytes() == b"x"
        assert incoming(folder) == []
        assert blobs(folder) == []

    def test_a_full_disk_is_said_and_leaves_nothing_behind(
        self, store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.put_bytes(uri("k"), b"old")
        kept = blobs(folder)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageFullError, match="stepmill gc"):
            store.put_bytes(uri("k"), b"new")
        monkeypatch.undo()
        assert incoming(folder) == []
        assert blobs(folder) == kept
        assert store.read_bytes(uri("k")) == b"old"

    def test_lost_bytes_are_said(self, store: FolderStore, tmp_path: Path) -> None:
        store.put_bytes(uri("k"), b"x")
        store.path(uri("k")).unlink()
        for ask in (store.read_bytes, store.chunks, lambda u: store.link(u, tmp_path / "link")):
            with pytest.raises(StorageError, match="bytes of this object are missing"):
                ask(uri("k"))

    def test_a_reader_who_comes_too_late_reads_what_is_there_now(
        self, store: FolderStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between asking the index and opening the blob, the object is replaced and the blob swept."""
        store.put_bytes(uri("k"), b"old")
        real = Path.open
        swept = []

        def late(path: Path, *args: object, **kwargs: object) -> object:
            if not swept:
                swept.append(path)
                store.put_bytes(uri("k"), b"new")
                store.collect_garbage()
            return real(path, *args, **kwargs)  # type: ignore[call-overload]

        monkeypatch.setattr(Path, "open", late)
        assert store.read_bytes(uri("k")) == b"new"

    def test_the_home_can_be_copied(
        self, store: FolderStore, database: Database, tmp_path: Path, clock: FakeClock
    ) -> None:
        import shutil

        store.put_bytes(uri("k"), b"data")
        database.close()
        shutil.copytree(tmp_path / "home", tmp_path / "copy")
        copied = Database.open_sqlite(tmp_path / "copy" / "stepmill.db")
        try:
            other = FolderStore(copied, tmp_path / "copy" / "objects", clock)
            other.link(uri("k"), tmp_path / "link")
            other.put_file(uri("again"), tmp_path / "link", move=True)
            assert other.read_bytes(uri("again")) == b"data"
        finally:
            copied.close()


class TestSweep:
    def test_what_a_dead_writer_left_is_removed(self, store: FolderStore, folder: Path) -> None:
        dead = folder / "incoming" / ("d" * 32)
        dead.mkdir()
        (dead / f"{'d' * 32}-0").write_bytes(b"x" * 5000)
        published = folder / "blobs" / "dd" / f"{'d' * 32}-1"
        published.parent.mkdir()
        published.write_bytes(b"x" * 5000)
        assert store.collect_garbage() >= 10_000
        assert incoming(folder) == []
        assert blobs(folder) == []

    def test_what_a_living_writer_has_published_is_kept(
        self, store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The worst moment: the blob is in its place, the index does not speak of it yet."""
        from stepmill.storage.objects.blobs import Batch

        real = Batch.publish
        freed = []

        def publish_then_sweep(batch: Batch) -> None:
            real(batch)
            assert len(blobs(folder)) == 1
            freed.append(store.collect_garbage())

        monkeypatch.setattr(Batch, "publish", publish_then_sweep)
        store.put_bytes(uri("k"), b"x" * 5000)
        assert freed == [0]
        assert store.read_bytes(uri("k")) == b"x" * 5000

    def test_a_sweep_that_takes_a_new_folder_for_dead_makes_the_writer_take_another(
        self, store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import fcntl

        real = fcntl.flock
        seen: list[list[Path]] = []

        def sweep_first(descriptor: int, operation: int) -> None:
            if not seen and operation == fcntl.LOCK_EX:
                seen.append(incoming(folder))
                store.collect_garbage()
            real(descriptor, operation)

        monkeypatch.setattr(fcntl, "flock", sweep_first)
        store.put_bytes(uri("k"), b"data")
        assert len(seen[0]) == 1
        assert store.read_bytes(uri("k")) == b"data"


class TestDurableOrder:
    def test_a_kill_after_linking_leaves_the_source(
        self, store: FolderStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An output is not lost between the job's folder and the store; putting it again works."""
        from stepmill.storage.objects.blobs import Batch

        file = tmp_path / "file"
        file.write_bytes(b"data")
        real = Batch.publish

        def die(_: Batch) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Batch, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            store.put_file(uri("k"), file, move=True)
        monkeypatch.setattr(Batch, "publish", real)
        assert file.read_bytes() == b"data"
        store.put_file(uri("k"), file, move=True)
        assert store.read_bytes(uri("k")) == b"data"
        assert not file.exists()

    def test_an_interrupt_after_the_commit_takes_nothing_back(
        self, store: FolderStore, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from stepmill.storage.objects import index

        real = index.replace_all

        def commit_then_interrupt(connection: object, entries: object) -> None:
            real(connection, entries)  # type: ignore[arg-type]
            connection.exec_driver_sql("COMMIT")  # type: ignore[attr-defined]
            raise KeyboardInterrupt

        monkeypatch.setattr(index, "replace_all", commit_then_interrupt)
        with pytest.raises(BaseException):  # noqa: B017
            store.put_bytes(uri("k"), b"data")
        monkeypatch.undo()
        assert store.read_bytes(uri("k")) == b"data"


class TestProperties:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.dictionaries(object_keys(), st.binary(max_size=20), min_size=1, max_size=12), st.data())
    def test_it_behaves_like_a_sorted_dictionary(
        self, database: Database, folder: Path, clock: FakeClock, model: dict[str, bytes], data: st.DataObject
    ) -> None:
        store = FolderStore(database, folder, clock)
        store.create_bucket(BUCKET, exist_ok=True)
        store.delete(info.uri for info in list(store.all(S3Uri(BUCKET))))
        for key, content in model.items():
            store.put_bytes(uri(key), content)
        in_order = sorted(model, key=str.encode)
        assert [info.key for info in store.all(S3Uri(BUCKET))] == in_order
        whole = data.draw(st.sampled_from(in_order))
        prefix = whole[: data.draw(st.integers(0, len(whole)))]
        after = data.draw(st.one_of(st.just(""), st.sampled_from(in_order), object_keys()))
        limit = data.draw(st.integers(1, 14))
        expected = [k for k in in_order if k.startswith(prefix) and k.encode() > after.encode()]
        assert [info.key for info in store.list(BUCKET, prefix, after=after, limit=limit)] == expected[:limit]
        for key, content in model.items():
            assert store.read_bytes(uri(key)) == content
            assert store.digest(uri(key)) == sha256(content).hexdigest()

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.binary(max_size=300), st.integers(0, 320), st.integers(0, 320))
    def test_a_range_is_a_slice(self, store: FolderStore, content: bytes, start: int, length: int) -> None:
        store.put_bytes(uri("k"), content)
        assert b"".join(store.chunks(uri("k"), start, start + length)) == content[start : start + length]

    def test_pages_cross_the_size_of_a_round(self, store: FolderStore, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"x")
        store.put_file(uri("first"), file)
        store.link(uri("first"), tmp_path / "link")
        keys = [f"many/{number:05}" for number in range(2_345)]
        store.put_files((uri(key), tmp_path / "link") for key in keys)
        assert [info.key for info in store.all(uri("many/"))] == keys
        assert store.digest_below(uri("many/")) == store.digest_below(uri("many/"))


class TestOpening:
    def test_sockets_are_refused_too(self, store: FolderStore, tmp_path: Path) -> None:
        import socket

        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "s"))
            with pytest.raises(InvalidInputError):
                store.put_file(uri("k"), tmp_path / "s")

    def test_what_may_not_be_read_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> int:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "file")

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(PermissionError), files.open_regular(tmp_path / "file"):
            pass


class TestUploadsOverTime:
    def test_uploads_given_up_long_ago_are_garbage(
        self, store: FolderStore, folder: Path, clock: FakeClock
    ) -> None:
        old = store.uploads.create(uri("old")).id
        store.uploads.put_part(uri("old"), old, 1, [b"x" * 10_000])
        clock.advance(ABANDONED_AFTER)
        new = store.uploads.create(uri("new")).id
        store.uploads.put_part(uri("new"), new, 1, [b"x" * 10_000])
        assert store.collect_garbage() == 0
        clock.advance(timedelta(seconds=1))
        assert store.collect_garbage() >= 10_000
        assert [upload.id for upload in store.uploads.list(BUCKET)] == [new]
        assert len(blobs(folder)) == 1

    def test_uploads_outlive_the_process(
        self, store: FolderStore, database: Database, folder: Path, clock: FakeClock
    ) -> None:
        upload = store.uploads.create(uri("k"), Attributes("a/b"), checksum=Checksum.CRC32).id
        store.uploads.put_part(uri("k"), upload, 1, [b"one"])
        again = FolderStore(database, folder, clock)
        again.uploads.put_part(uri("k"), upload, 2, [b"two"])
        again.uploads.complete(uri("k"), upload, again.uploads.parts(uri("k"), upload))
        assert (again.read_bytes(uri("k")), again.head(uri("k")).content_type) == (b"onetwo", "a/b")

    def test_the_parts_are_gone_once_they_are_joined(self, store: FolderStore, folder: Path) -> None:
        upload = store.uploads.create(uri("k")).id
        parts = [store.uploads.put_part(uri("k"), upload, number, [b"x" * 9]) for number in range(1, 9)]
        store.uploads.complete(uri("k"), upload, parts[1:])
        assert len(blobs(folder)) == 1

    def test_a_kill_before_the_end_leaves_the_upload(
        self, store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from stepmill.storage.objects.blobs import Batch

        upload = store.uploads.create(uri("k")).id
        parts = [store.uploads.put_part(uri("k"), upload, number, [b"x" * 9]) for number in (1, 2)]

        def die(_: Batch) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Batch, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            store.uploads.complete(uri("k"), upload, parts)
        monkeypatch.undo()
        store.uploads.complete(uri("k"), upload, parts)
        assert store.read_bytes(uri("k")) == b"x" * 18
        assert incoming(folder) == []
