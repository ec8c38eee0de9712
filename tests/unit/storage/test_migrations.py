"""Alembic and the quick way lead to the same tables; old databases are lifted, newer ones refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from stepmill.core.errors import StorageError
from stepmill.storage import migrations
from stepmill.storage.database import Database, sqlite_engine
from stepmill.storage.tables import metadata

_FUTURE = "0999"
_NEXT = f'''
"""A change of the future."""

import sqlalchemy as sa
from alembic import op

revision = "{_FUTURE}"
down_revision = "{migrations.HEAD}"


def upgrade() -> None:
    op.add_column("buckets", sa.Column("colour", sa.String(10), nullable=False, server_default="green"))
'''


def _schema(path: Path) -> dict[str, object]:
    """Describe every table and index of a file as SQLite itself sees them."""
    engine = sqlite_engine(path)
    with engine.connect() as connection:

        def ask(pragma: str) -> list[tuple[object, ...]]:
            return sorted(tuple(row) for row in connection.exec_driver_sql(f"PRAGMA {pragma}"))

        tables = ask("table_list")
        described: dict[str, object] = {}
        for _schema_name, name, *rest in tables:
            if str(name).startswith("sqlite_"):
                continue
            described[str(name)] = (rest, ask(f"table_info('{name}')"))
            for _, index, *properties in ask(f"index_list('{name}')"):
                described[f"{name}.{index}"] = (properties, ask(f"index_info('{index}')"))
    engine.dispose()
    return described


def _version(path: Path) -> str | None:
    engine = sqlite_engine(path)
    with engine.connect() as connection:
        version = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return version


def _migrated(path: Path, **options: object) -> None:
    engine = sqlite_engine(path)
    try:
        migrations.upgrade(engine, **options)  # type: ignore[arg-type]
    finally:
        engine.dispose()


def test_both_ways_lead_to_the_same_tables(tmp_path: Path) -> None:
    Database.open_sqlite(tmp_path / "quick.db").close()
    _migrated(tmp_path / "alembic.db")
    quick, slow = _schema(tmp_path / "quick.db"), _schema(tmp_path / "alembic.db")
    assert set(quick) >= {*metadata.tables, "alembic_version"}
    assert slow == quick


def test_alembic_finds_no_difference_to_the_tables(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata

    _migrated(tmp_path / "stepmill.db")
    engine = sqlite_engine(tmp_path / "stepmill.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(migrations.SCRIPTS)).get_heads() == [migrations.HEAD]


def test_both_ways_write_down_the_version(tmp_path: Path) -> None:
    Database.open_sqlite(tmp_path / "quick.db").close()
    _migrated(tmp_path / "alembic.db")
    assert _version(tmp_path / "quick.db") == _version(tmp_path / "alembic.db") == migrations.HEAD


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "stepmill.db"
    Database.open_sqlite(path).close()
    before = _schema(path)
    Database.open_sqlite(path).close()
    assert _schema(path) == before


def test_a_migrated_database_opens(tmp_path: Path) -> None:
    _migrated(tmp_path / "stepmill.db")
    Database.open_sqlite(tmp_path / "stepmill.db").close()


def _future_scripts(folder: Path) -> Path:
    scripts = folder / "100% scripts"
    shutil.copytree(migrations.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "v0999_next.py").write_text(_NEXT)
    return scripts


def test_a_later_version_lifts_an_older_database_with_its_content(tmp_path: Path) -> None:
    path, scripts = tmp_path / "stepmill.db", _future_scripts(tmp_path)
    database = Database.open_sqlite(path)
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO buckets VALUES ('one', 0)")
    database.close()
    _migrated(path, to=_FUTURE, scripts=scripts)
    _migrated(path, to=_FUTURE, scripts=scripts)
    assert _version(path) == _FUTURE
    engine = sqlite_engine(path)
    with engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT * FROM buckets").one()
        assert row.colour == "green"
    engine.dispose()


def test_the_first_database_is_lifted_at_opening(tmp_path: Path) -> None:
    path = tmp_path / "stepmill.db"
    engine = sqlite_engine(path)
    migrations.upgrade(engine, to="0001")
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("INSERT INTO buckets VALUES ('one', 0)")
    engine.dispose()
    database = Database.open_sqlite(path)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT name FROM buckets").scalar() == "one"
    database.close()
    Database.open_sqlite(tmp_path / "new.db").close()
    assert _schema(path) == _schema(tmp_path / "new.db")


def test_a_migration_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path, scripts = tmp_path / "stepmill.db", _future_scripts(tmp_path)
    broken = scripts / "versions" / "v0999_next.py"
    broken.write_text(_NEXT + "    raise KeyError('half-way')\n")
    Database.open_sqlite(path).close()
    before = _schema(path)
    with pytest.raises(KeyError):
        _migrated(path, to=_FUTURE, scripts=scripts)
    assert _schema(path) == before
    assert _version(path) == migrations.HEAD


def test_a_database_of_a_newer_stepmill_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stepmill.db"
    Database.open_sqlite(path).close()
    _migrated(path, to=_FUTURE, scripts=_future_scripts(tmp_path))
    before = _schema(path)
    with pytest.raises(StorageError, match=r"version 0999.*stepmill\.db.*pip install -U stepmill"):
        Database.open_sqlite(path)
    assert _schema(path) == before


def test_an_older_database_is_lifted_at_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, scripts = tmp_path / "stepmill.db", _future_scripts(tmp_path)
    Database.open_sqlite(path).close()
    lifted = []

    def upgrade(engine: sqlalchemy.Engine) -> None:
        real(engine, to=_FUTURE, scripts=scripts)
        lifted.append(engine)

    real = migrations.upgrade
    monkeypatch.setattr(migrations, "HEAD", _FUTURE)
    monkeypatch.setattr(migrations, "upgrade", upgrade)
    Database.open_sqlite(path).close()
    Database.open_sqlite(path).close()
    assert len(lifted) == 1
    assert _version(path) == _FUTURE


def test_nobody_migrates_by_importing(tmp_path: Path) -> None:
    """Documentation and doctest tools import every module."""
    from stepmill.storage.migrations import env

    assert env.metadata is metadata
