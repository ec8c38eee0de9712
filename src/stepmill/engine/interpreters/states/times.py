"""Moments, as definitions and inputs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)\Z", re.ASCII
)


def moment_text(at: datetime) -> str:
    """Return a moment as the context object writes it, in milliseconds.

    Example:
        >>> moment_text(datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC))
        '2026-01-02T03:04:05.678Z'
    """
    return f"{at.strftime('%Y-%m-%dT%H:%M:%S')}.{at.microsecond // 1000:03d}Z"


def parse_moment(text: object) -> datetime | None:
    """Return the moment of a text with ``T`` and an offset or ``Z`` (RFC 3339); ``None`` if it is none.

    Parts below a microsecond are cut off.
    """
    found = _RFC3339.match(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    micro = int((fraction or "0").ljust(6, "0")[:6])
    try:
        local = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro, tzinfo=UTC
        )
        return local - _offset(zone)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta(0)
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return -size if zone[0] == "-" else size
