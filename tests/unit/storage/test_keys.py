"""The keys of an installation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.core.clock import SystemClock
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.storage import keys as keys_module
from stepmill.storage.database import Database
from stepmill.storage.keys import KeyStore
from stepmill.storage.sql_records import SqlRecordStore


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqlRecordStore]:
    database = Database.open_sqlite(tmp_path / "s.db")
    yield SqlRecordStore(database, SystemClock())
    database.close()


@pytest.fixture
def keys(records: SqlRecordStore) -> KeyStore:
    return KeyStore(records, SystemClock())


def test_the_key_of_a_name_is_always_the_same(keys: KeyStore, records: SqlRecordStore) -> None:
    first = keys.ensure("default")
    assert KeyStore(records, SystemClock()).ensure("default") == first
    assert keys.find(first.id) == first
    assert first.id.startswith("AKIA")
    assert len(first.id) == 20


def test_keys_differ(keys: KeyStore) -> None:
    made = [keys.create(f"k{i}") for i in range(20)]
    assert len({k.id for k in made}) == len({k.secret for k in made}) == 20
    assert all(k.secret.isalnum() and len(k.secret) == 40 for k in made)


def test_a_name_is_taken_once(keys: KeyStore) -> None:
    keys.create("ci")
    with pytest.raises(ConflictError):
        keys.create("ci")


@pytest.mark.parametrize("name", ["", " ", "-a", "a b", "a/b", "x" * 65, "é", "a\n"])
def test_names_that_cannot_be_are_refused(keys: KeyStore, name: str) -> None:
    with pytest.raises(InvalidInputError):
        keys.create(name)


@pytest.mark.parametrize("by_id", [False, True])
def test_a_revoked_key_is_gone_and_its_name_is_free(keys: KeyStore, by_id: bool) -> None:
    key = keys.create("ci")
    assert keys.find(key.id) == key
    keys.revoke(key.id if by_id else "ci")
    assert keys.find(key.id) is None
    assert keys.list() == []
    assert keys.create("ci").id != key.id


def test_what_another_process_revokes_is_forgotten(
    keys: KeyStore, records: SqlRecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.create("ci")
    assert keys.find(key.id) == key
    KeyStore(records, SystemClock()).revoke("ci")
    monkeypatch.setattr(keys_module, "_KNOWN_FOR_S", 0.0)
    assert keys.find(key.id) is None


def test_nobody_has_what_was_never_made(keys: KeyStore) -> None:
    for name in ("AKIANOBODYNOBODYNOBO", "", "x" * 2000, "AKIA\0", "../../etc"):
        assert keys.find(name) is None
    with pytest.raises(NotFoundError):
        keys.revoke("nobody")
    with pytest.raises(NotFoundError):
        keys.get("nobody")


def test_a_session_has_a_token_and_an_end(keys: KeyStore) -> None:
    session = keys.create_session("me", timedelta(hours=1))
    assert session.token
    assert session.id.startswith("ASIA")
    assert keys.find(session.id) == session
    assert [(k.name, k.expires_at) for k in keys.list()] == [("me", session.expires_at)]


def test_sessions_that_are_over_are_removed_when_the_next_is_made(keys: KeyStore) -> None:
    over = keys.create_session("me", timedelta(seconds=-1))
    keys.create_session("me", timedelta(hours=1))
    assert over.id not in [k.id for k in keys.list()]


def test_no_secret_is_in_what_is_shown_or_logged(keys: KeyStore) -> None:
    key = keys.create("ci")
    assert key.secret not in repr(key)
    assert key.secret not in repr(keys.list())


def test_a_key_whose_making_was_killed_is_finished(keys: KeyStore, records: SqlRecordStore) -> None:
    key = keys.create("ci")
    records.delete(keys_module.KEY_KIND, key.id)
    assert keys.ensure("ci") == key
    assert KeyStore(records, SystemClock()).find(key.id) == key
