"""A disk that is really full: a small one in memory, mounted for a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_FILL = """
    import sys
    from pathlib import Path
    from stepmill.core.clock import SystemClock
    from stepmill.core.errors import StorageFullError
    from stepmill.storage.database import Database
    from stepmill.storage.objects.folder import FolderStore
    from stepmill.storage.objects.uri import S3Uri
    from stepmill.storage.sql_records import SqlRecordStore

    home = Path(sys.argv[1])
    database = Database.open_sqlite(home / "stepmill.db")
    store = FolderStore(database, home / "objects", SystemClock())
    records = SqlRecordStore(database, SystemClock())
    store.create_bucket("bucket")
    store.put_bytes(S3Uri("bucket", "kept"), b"kept")

    def refused(act):
        try:
            act()
        except StorageFullError as error:
            assert "stepmill gc" in str(error), error
            return True
        return False

    big = S3Uri("bucket", "big")
    usage = store.disk_usage()
    assert refused(lambda: store.put_stream(big, (bytes(65536) for _ in range(1000))))
    assert store.disk_usage() == usage, "half a blob stayed behind"
    (home / "link").unlink(missing_ok=True)
    path = home / "job-output"
    path.write_bytes(bytes(3_000_000))
    assert refused(lambda: store.put_file(big, path))
    assert path.exists() and store.disk_usage() == usage

    # Rows, until no page more fits; then what is there can still be read.
    count = 0
    while not refused(lambda: records.create("thing", str(count), {"text": "x" * 5000})):
        count += 1
    assert store.read_bytes(S3Uri("bucket", "kept")) == b"kept"
    assert len(records.list("thing", limit=10_000).records) == count
    assert [info.key for info in store.all(S3Uri("bucket"))] == ["kept"]

    # Room again: it goes on.
    path.unlink()
    records.create("thing", "last", {})
    assert store.put_bytes(big, bytes(1_000_000)).size_bytes == 1_000_000
    database.close()
    print("done", count)
"""


@pytest.fixture
def bubblewrap() -> str:
    program = shutil.which("bwrap")
    if program is None:
        pytest.skip("bubblewrap, which mounts the small disk, is not installed")
    probe = [program, "--dev-bind", "/", "/", "--size", "1000000", "--tmpfs", "/tmp", "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a disk")
    return program


def test_a_full_disk_is_said_harms_nothing_and_can_be_mended(bubblewrap: str, tmp_path: Path) -> None:
    disk = ["--dev-bind", "/", "/", "--size", "5000000", "--tmpfs", str(tmp_path)]
    command = [bubblewrap, *disk, sys.executable, "-c", textwrap.dedent(_FILL), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    word, count = ended.stdout.split()
    assert word == "done"
    assert int(count) > 10
