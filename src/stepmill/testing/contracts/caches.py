"""What every store of cached results must do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.storage.cache import CacheEntry, CacheStore

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_KEY, _OTHER_KEY = "a" * 64, "b" * 64


def _entry(
    scope: str = "Pipe/Train", key: str = _KEY, at: datetime = _NOON, source: str = "arn:one"
) -> CacheEntry:
    return CacheEntry(scope=scope, key=key, created_at=at, source=source)


class CacheStoreContract:
    """Inherit it, and give a fixture ``store``: an empty ``CacheStore``."""

    @pytest.fixture
    def store(self) -> CacheStore:
        """Return the empty store to test."""
        pytest.fail("The test class has no fixture `store`.")

    def test_nothing_is_found_in_an_empty_store(self, store: CacheStore) -> None:
        assert store.newest(_KEY) is None
        assert store.latest_of("Pipe/Train") is None

    def test_an_entry_comes_back_as_it_was_put(self, store: CacheStore) -> None:
        entry = replace(
            _entry(at=_NOON + timedelta(microseconds=1)),
            output={"ModelArtifacts": {"S3ModelArtifacts": "s3://b/ä"}, "n": [1, 2.5, None, True]},
            metadata={"TrainingJob": {"Arn": "arn:job"}},
            parts={"code": "1" * 64, "": "x"},
        )
        store.put(entry)
        assert store.newest(_KEY) == entry

    @pytest.mark.parametrize("output", [None, "", 0, [], {}, "text", 2.5])
    def test_an_output_may_be_any_json(self, store: CacheStore, output: object) -> None:
        store.put(replace(_entry(), output=output))  # type: ignore[arg-type]
        found = store.newest(_KEY)
        assert found is not None
        assert found.output == output

    def test_putting_again_replaces(self, store: CacheStore) -> None:
        store.put(_entry(source="arn:one", at=_NOON))
        store.put(_entry(source="arn:two", at=_NOON + _HOUR))
        found = store.newest(_KEY)
        assert found is not None
        assert (found.source, found.created_at) == ("arn:two", _NOON + _HOUR)

    def test_the_newest_of_all_scopes_is_found(self, store: CacheStore) -> None:
        store.put(_entry(scope="One/Train", at=_NOON))
        store.put(_entry(scope="Two/Train", at=_NOON + _HOUR))
        store.put(_entry(scope="Three/Train", at=_NOON - _HOUR))
        found = store.newest(_KEY)
        assert found is not None
        assert found.scope == "Two/Train"

    def test_a_scope_hides_the_others(self, store: CacheStore) -> None:
        store.put(_entry(scope="One/Train"))
        store.put(_entry(scope="Two/Train", at=_NOON + _HOUR))
        found = store.newest(_KEY, scope="One/Train")
        assert found is not None
        assert found.scope == "One/Train"
        assert store.newest(_KEY, scope="One/Trai") is None

    def test_what_is_too_old_is_not_found(self, store: CacheStore) -> None:
        store.put(_entry(at=_NOON))
        assert store.newest(_KEY, not_before=_NOON + timedelta(microseconds=1)) is None
        assert store.newest(_KEY, not_before=_NOON) is not None
        assert store.newest(_KEY, scope="Pipe/Train", not_before=_NOON - _HOUR) is not None

    def test_the_latest_of_a_scope_has_any_key(self, store: CacheStore) -> None:
        store.put(_entry(key=_OTHER_KEY, at=_NOON + _HOUR))
        store.put(_entry(key=_KEY, at=_NOON))
        store.put(_entry(scope="Else", at=_NOON + 2 * _HOUR))
        found = store.latest_of("Pipe/Train")
        assert found is not None
        assert found.key == _OTHER_KEY

    def test_a_removed_entry_is_gone(self, store: CacheStore) -> None:
        store.put(_entry())
        store.put(_entry(scope="Else"))
        store.remove("Pipe/Train", _KEY)
        store.remove("Pipe/Train", "unknown")
        assert store.newest(_KEY, scope="Pipe/Train") is None
        assert store.newest(_KEY, scope="Else") is not None

    @pytest.mark.parametrize("key", ["", "k" * 65])
    def test_a_key_that_is_no_digest_is_refused(self, store: CacheStore, key: str) -> None:
        with pytest.raises(InvalidInputError):
            store.put(_entry(key=key))
