"""A clock that stands still until it is told."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Tells the time that it was given. Safe to share between threads.

    Args:
        start: What it shows first; aware.

    Example:
        >>> clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
        >>> clock.advance(timedelta(minutes=5))
        >>> clock.now().isoformat()
        '2026-01-01T00:05:00+00:00'
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._lock = threading.Lock()
        self.set(start)

    def now(self) -> datetime:
        """Return the time that it shows, aware, in UTC."""
        with self._lock:
            return self._now

    def set(self, moment: datetime) -> None:
        """Show this moment; backwards too, as real clocks do.

        Raises:
            ValueError: If it is not aware.
        """
        if moment.tzinfo is None:
            raise ValueError("A moment without a time zone is no moment.")
        with self._lock:
            self._now = moment.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Show so much later."""
        with self._lock:
            self._now += by
