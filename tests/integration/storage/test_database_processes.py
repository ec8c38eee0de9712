"""Several processes on one database: opening it at once, writing at once, forking."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import func, select

from stepmill.storage.database import Database
from stepmill.storage.tables import buckets
from support.storage import finish, start_python

_OPEN = """
    import sys
    from pathlib import Path
    from stepmill.storage.database import Database

    print("ready", flush=True)
    sys.stdin.readline()
    database = Database.open_sqlite(Path(sys.argv[1]))
    with database.write() as connection:
        for number in range(20):
            connection.exec_driver_sql("INSERT INTO buckets VALUES (?, 0)", (f"{sys.argv[2]}-{number}",))
    database.close()
"""

_ADD = """
    import sys
    from pathlib import Path
    from stepmill.storage.database import Database

    database = Database.open_sqlite(Path(sys.argv[1]))
    for _ in range(100):
        with database.write() as connection:
            count = connection.exec_driver_sql("SELECT created_at FROM buckets").scalar()
            connection.exec_driver_sql("UPDATE buckets SET created_at = ?", (count + 1,))
    database.close()
"""


def test_processes_may_open_a_new_home_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "stepmill.db"
    processes = [start_python(_OPEN, path, str(number)) for number in range(6)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        finish(process)
    database = Database.open_sqlite(path)
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(buckets)) == 120
    database.close()


def test_no_update_of_several_processes_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "stepmill.db"
    database = Database.open_sqlite(path)
    with database.write() as connection:
        connection.execute(buckets.insert(), {"name": "count", "created_at": 0})
    processes = [start_python(_ADD, path) for _ in range(4)]
    for process in processes:
        finish(process)
    with database.read() as connection:
        assert connection.scalar(select(buckets.c.created_at)) == 400
    database.close()


def _in_forked_child(work: object) -> int:
    """Run a function in a forked child that ends without tidying up, as a warm parent's children do."""
    child = os.fork()
    if child == 0:
        try:
            work()  # type: ignore[operator]
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_has_connections_of_its_own(tmp_path: Path) -> None:
    database = Database.open_sqlite(tmp_path / "stepmill.db")

    def add(name: str) -> None:
        with database.write() as connection:
            connection.execute(buckets.insert(), {"name": name, "created_at": 0})

    add("before")
    assert _in_forked_child(lambda: add("child")) == 0
    add("after")
    with database.read() as connection:
        assert list(connection.scalars(select(buckets.c.name).order_by(buckets.c.name))) == [
            "after",
            "before",
            "child",
        ]
    database.close()


def test_a_child_forked_while_the_parent_writes_does_not_think_it_writes(tmp_path: Path) -> None:
    database = Database.open_sqlite(tmp_path / "stepmill.db")

    def read_what_is_committed() -> None:
        with database.read() as connection:
            assert list(connection.scalars(select(buckets.c.name))) == []

    with database.write() as connection:
        connection.execute(buckets.insert(), {"name": "mine", "created_at": 0})
        assert _in_forked_child(read_what_is_committed) == 0
    with database.read() as connection:
        assert list(connection.scalars(select(buckets.c.name))) == ["mine"]
    database.close()


def test_a_child_that_tidies_up_hurts_nobody(tmp_path: Path) -> None:
    """Closing the parent's connections in the child would make SQLite delete the log they write to."""
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    with database.write() as connection:
        connection.execute(buckets.insert(), {"name": "one", "created_at": 0})
    assert _in_forked_child(database.close) == 0
    with database.write() as connection:
        connection.execute(buckets.insert(), {"name": "two", "created_at": 0})
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(buckets)) == 2
    database.close()
    again = Database.open_sqlite(tmp_path / "stepmill.db")
    with again.read() as connection:
        assert connection.scalar(select(func.count()).select_from(buckets)) == 2
    again.close()
