"""A process is killed at every point where it touches the disk; what is left must be whole."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from stepmill.core.clock import SystemClock
from stepmill.storage.database import Database
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.records import Record
from stepmill.storage.sql_records import SqlRecordStore
from support.storage import finish, start_python

# Each round runs in a forked child that dies, by SIGKILL, just before its n-th act on the disk.
_DIE_EVERYWHERE = """
    import fcntl, os, signal, sys
    from pathlib import Path
    from sqlalchemy import event
    from stepmill.core.clock import SystemClock
    from stepmill.storage.database import Database
    from stepmill.storage.objects.folder import FolderStore
    from stepmill.storage.objects.uri import S3Uri

    def mortal(act):
        def counted(*arguments, **options):
            global left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return act(*arguments, **options)
        return counted

    def work(home):
        database = Database.open_sqlite(home / "stepmill.db")
        store = FolderStore(database, home / "objects", SystemClock())
        store.create_bucket("bucket")
        files = []
        for name in ("a", "b", "c"):
            (home / name).write_bytes(name.encode() * 10_000)
            files.append((S3Uri("bucket", f"files/{name}"), home / name))
        for module, names in {os: "fsync rename link unlink mkdir rmdir fchmod", fcntl: "flock"}.items():
            for name in names.split():
                setattr(module, name, mortal(getattr(module, name)))
        event.listen(database.engine, "commit", mortal(lambda connection: None))
        store.put_bytes(S3Uri("bucket", "k"), b"old" * 10_000)
        store.put_files(files, move=True)
        store.put_bytes(S3Uri("bucket", "k"), b"new" * 10_000)
        store.link(files[0][0], home / "link")
        store.put_file(S3Uri("bucket", "again"), home / "link", move=True)
        store.delete([files[1][0]])
        store.collect_garbage()

    n, ended = 0, False
    while not ended:
        n += 1
        left = n
        home = Path(sys.argv[1]) / str(n)
        home.mkdir()
        child = os.fork()
        if child == 0:
            work(home)
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print(n)
"""

_PUT_FOR_EVER = """
    import itertools, sys
    from pathlib import Path
    from stepmill.core.clock import SystemClock
    from stepmill.storage.database import Database
    from stepmill.storage.objects.folder import FolderStore
    from stepmill.storage.objects.uri import S3Uri

    home = Path(sys.argv[1])
    store = FolderStore(Database.open_sqlite(home / "stepmill.db"), home / "objects", SystemClock())
    for turn in itertools.count():
        files = []
        for number in range(10):
            path = home / f"{number}.out"
            path.write_bytes(f"{turn}:{number};".encode() * 5000)
            files.append((S3Uri("bucket", f"files/{number}"), path))
        store.put_files(files, move=True)
        store.put_stream(S3Uri("bucket", "stream"), (f"{turn};".encode() for _ in range(5000)))
        store.put_bytes(S3Uri("bucket", "bytes"), f"{turn};".encode() * 5000)
        print(turn, flush=True)
"""


def _contents(store: FolderStore) -> dict[str, bytes]:
    return {info.key: store.read_bytes(info.uri) for info in store.all(S3Uri("bucket"))}


def test_at_no_point_does_a_killed_process_leave_half_an_object_or_lose_a_file(tmp_path: Path) -> None:
    rounds = int(finish(start_python(_DIE_EVERYWHERE, tmp_path)))
    assert rounds > 50
    seen = set()
    for number in range(1, rounds + 1):
        home = tmp_path / str(number)
        database = Database.open_sqlite(home / "stepmill.db")
        store = FolderStore(database, home / "objects", SystemClock())
        found = _contents(store)
        seen.add(tuple(sorted(found)))
        assert found.pop("k", b"old" * 10_000) in (b"old" * 10_000, b"new" * 10_000)
        assert found.pop("again", b"a" * 10_000) == b"a" * 10_000
        assert set(found) in (set(), {"files/a", "files/b", "files/c"}, {"files/a", "files/c"})
        for key, content in found.items():
            assert content == key[-1:].encode() * 10_000
        if not found:  # not stored: then still where they were, and can be stored now
            waiting = [(S3Uri("bucket", f"files/{name}"), home / name) for name in "abc"]
            assert [path.read_bytes()[:1] for _, path in waiting] == [b"a", b"b", b"c"]
            store.put_files(waiting, move=True)
        before = _contents(store)
        store.collect_garbage()
        assert _contents(store) == before
        assert list((home / "objects" / "incoming").iterdir()) == []
        names = {path.name for path in (home / "objects" / "blobs").glob("*/*")}
        assert names == {store.path(info.uri).name for info in store.all(S3Uri("bucket"))}
        database.close()
    assert len(seen) == 5  # every stage was met: nothing, k, the files, the copy, one deleted


@pytest.mark.parametrize("seed", range(4))
def test_whenever_a_busy_process_is_killed_all_objects_are_whole(tmp_path: Path, seed: int) -> None:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    store = FolderStore(database, tmp_path / "objects", SystemClock())
    store.create_bucket("bucket")
    process = start_python(_PUT_FOR_EVER, tmp_path)
    assert process.stdout is not None
    for _ in range(random.Random(seed).randint(1, 12)):
        process.stdout.readline()
        store.collect_garbage()  # beside the living writer
    process.kill()
    process.communicate()
    for _ in range(2):
        contents = _contents(store)
        turns = set()
        for key, content in contents.items():
            first = content[: content.index(b";") + 1]
            assert content == first * 5000
            if key.startswith("files/"):
                turn, number = first[:-1].split(b":")
                assert key == f"files/{number.decode()}"
                turns.add(turn)
        assert len(contents) == 12
        assert len(turns) == 1  # of many files all or none
        store.collect_garbage()
    assert store.collect_garbage() == 0
    database.close()


_COUNT_FOR_EVER = """
    import sys
    from dataclasses import replace
    from pathlib import Path
    from stepmill.core.clock import SystemClock
    from stepmill.storage.database import Database
    from stepmill.storage.sql_records import SqlRecordStore

    store = SqlRecordStore(Database.open_sqlite(Path(sys.argv[1])), SystemClock())
    while True:
        made = store.create_numbered("package", "group", lambda n: f"group/{n}", lambda n: {"n": n})
        store.update("count", "all", lambda old: replace(old, number=made.number))
        print(made.number, flush=True)
"""


def test_what_a_record_store_has_answered_survives_a_kill(tmp_path: Path) -> None:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    store = SqlRecordStore(database, SystemClock())
    store.create("count", "all", {})
    process = start_python(_COUNT_FOR_EVER, tmp_path / "stepmill.db")
    assert process.stdout is not None
    answered = [json.loads(process.stdout.readline()) for _ in range(25)]
    process.kill()
    process.communicate()
    assert answered == list(range(1, 26))
    made: tuple[Record, ...] = store.list("package", sort_by="number", limit=1000).records
    assert [record.number for record in made] == list(range(1, len(made) + 1))
    assert len(made) >= 25
    assert 0 <= len(made) - store.get("count", "all").number <= 1
    database.close()
