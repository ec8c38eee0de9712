"""The clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stepmill.testing import FakeClock


def test_it_stands_still() -> None:
    clock = FakeClock()
    assert clock.now() == clock.now() == datetime(2026, 1, 1, tzinfo=UTC)


def test_it_goes_where_it_is_told() -> None:
    clock = FakeClock(datetime(2030, 5, 6, tzinfo=UTC))
    clock.advance(timedelta(hours=1))
    assert clock.now() == datetime(2030, 5, 6, 1, tzinfo=UTC)
    clock.advance(timedelta(hours=-2))
    assert clock.now() == datetime(2030, 5, 5, 23, tzinfo=UTC)
    clock.set(datetime(2020, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert (clock.now(), clock.now().tzinfo) == (datetime(2020, 1, 1, tzinfo=UTC), UTC)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        FakeClock(datetime(2020, 1, 1))  # noqa: DTZ001
