"""Time comes in from outside, so that every rule about time can be tested without waiting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)


def aware(moment: datetime) -> datetime:
    """Return a moment with a zone: UTC if it has none.

    Example:
        >>> aware(datetime(2026, 1, 2)).isoformat()
        '2026-01-02T00:00:00+00:00'
    """
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_text(moment: datetime) -> str:
    """Return an aware moment as ISO 8601 in UTC, the form that documents carry.

    Example:
        >>> as_text(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        '2026-01-02T03:04:05Z'
    """
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
