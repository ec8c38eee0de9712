"""The history of the tables, as Alembic migrations.

A new database is made in one go from ``stepmill.storage.tables`` and stamped: importing and running
Alembic costs half a second, which a first ``stepmill run`` need not pay. A test holds the two ways
to the same result.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from sqlalchemy import Column, MetaData, String, Table
from sqlalchemy.engine import Connection

from stepmill.core.errors import StorageError
from stepmill.storage.tables import metadata

HEAD = "0007"
SCRIPTS = Path(__file__).parent

_KNOWN = ("0001", "0002", "0003", "0004", "0005", HEAD)

# Alembic's own table, in Alembic's own shape.
_version_table = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def bring_up_to_date(engine: sqlalchemy.Engine) -> None:
    """Make the tables, or migrate them to the version that this Stepmill works with.

    Several processes may do so at once: all but the first find the work done.

    Raises:
        StorageError: If a newer Stepmill wrote the database.
    """
    with engine.connect() as connection:
        version = _current_version(connection)
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


def upgrade(engine: sqlalchemy.Engine, *, to: str = HEAD, scripts: Path = SCRIPTS) -> None:
    """Run Alembic's migrations, all in one transaction.

    Args:
        engine: Whose ``begin`` takes the write lock when the connection says ``stepmill_write``.
        to: The version to reach.
        scripts: Folder of ``env.py`` and ``versions/``.
    """
    from alembic import command  # slow to import, needed only when the tables changed
    from alembic.config import Config

    config = Config()
    # Alembic reads a percent sign in a path as the beginning of a variable.
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    with engine.connect().execution_options(stepmill_write="FULL") as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def _current_version(connection: Connection) -> str | None:
    if not sqlalchemy.inspect(connection).has_table(_version_table.name):
        return None
    version: str | None = connection.scalar(sqlalchemy.select(_version_table.c.version_num))
    return version


def _make_new(engine: sqlalchemy.Engine) -> None:
    # Two processes may open a new home at once: the write lock makes the second one wait, and
    # it then finds everything there.
    with engine.connect().execution_options(stepmill_write="FULL") as connection, connection.begin():
        if _current_version(connection) is None:
            metadata.create_all(connection)
            _version_table.create(connection, checkfirst=True)
            connection.execute(_version_table.insert().values(version_num=HEAD))
