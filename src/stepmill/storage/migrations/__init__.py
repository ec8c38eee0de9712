"""The history of the tables, as Alembic migrations.

A new database is made in one go from ``stepmill.storage.tables`` and stamped: importing and running
Alembic costs half a second, which a first ``stepmill run`` need not pay. A test holds the two ways
to the same result.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy

from stepmill.core.errors import StorageError
from stepmill.storage.tables import metadata

HEAD = "0001"

_KNOWN = (HEAD,)
_VERSION_TABLE = "alembic_version"


def bring_up_to_date(engine: sqlalchemy.Engine) -> None:
    """Make the tables, or migrate them to the version that this Stepmill works with.

    Raises:
        StorageError: If a newer Stepmill wrote the database.
    """
    version = _current_version(engine)
    if version == HEAD:
        return
    if version is None:
        _make_new(engine)
    elif version in _KNOWN:
        upgrade(engine)
    else:
        raise StorageError(
            f"The database has version {version}, made by a newer Stepmill than this one.",
            where=str(engine.url.database),
            mend="Upgrade stepmill (`pip install -U stepmill`), or use another home.",
        )


def upgrade(engine: sqlalchemy.Engine) -> None:
    """Run Alembic's migrations up to ``HEAD``."""
    from alembic import command  # slow to import, needed only when the tables changed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.connect().execution_options(stepmill_write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)


def _current_version(engine: sqlalchemy.Engine) -> str | None:
    with engine.connect() as connection:
        if not sqlalchemy.inspect(connection).has_table(_VERSION_TABLE):
            return None
        row = connection.exec_driver_sql(f"SELECT version_num FROM {_VERSION_TABLE}").first()  # noqa: S608
    return str(row[0]) if row else None


def _make_new(engine: sqlalchemy.Engine) -> None:
    # Two processes may open a new home at once: the write lock makes the second one wait, and
    # it then finds everything there.
    with engine.connect().execution_options(stepmill_write=True) as connection, connection.begin():
        metadata.create_all(connection)
        connection.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS {_VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        )
        connection.exec_driver_sql(
            f"INSERT OR IGNORE INTO {_VERSION_TABLE} (version_num) VALUES ('{HEAD}')"  # noqa: S608
        )
