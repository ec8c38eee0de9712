"""Durations of CacheConfig: ISO 8601, as SDKs and users write it: ``P30D``, ``30d``, ``T16m``.

Source: AWS developer guide, "Caching pipeline steps", and documents seen in the wild: the leading P
may be missing, and letters are of any case.
"""

from __future__ import annotations

import re
from datetime import timedelta

from stepmill.core.errors import InvalidInputError
from stepmill.language.pipelines.places import show

_DURATION = re.compile(
    r"P?(?:(?P<years>N)Y)?(?:(?P<months>N)M)?(?:(?P<weeks>N)W)?(?:(?P<days>N)D)?"
    r"(?:T(?:(?P<hours>N)H)?(?:(?P<minutes>N)M)?(?:(?P<seconds>N)S)?)?".replace(
        "N", r"\d{1,9}(?:\.\d{1,9})?"
    ),
    re.IGNORECASE | re.ASCII,
)
# A calendar's months and years have no fixed length; for the age of a cache entry these will do.
_DAYS = {"years": 365.0, "months": 30.0, "weeks": 7.0, "days": 1.0}
_SECONDS = {"hours": 3600.0, "minutes": 60.0, "seconds": 1.0}
# Source: what a timedelta and a calendar of four-digit years can hold.
_LONGEST = timedelta(days=366 * 1000)


def parse_duration(text: str) -> timedelta:
    """Return the length of a duration.

    Raises:
        InvalidInputError: If the text is no duration, or longer than a thousand years.

    Example:
        >>> parse_duration("30d"), parse_duration("PT16M")
        (datetime.timedelta(days=30), datetime.timedelta(seconds=960))
    """
    match = _DURATION.fullmatch(text) if len(text) <= 128 else None
    parts = {unit: float(number) for unit, number in match.groupdict().items() if number} if match else {}
    if not parts:
        raise InvalidInputError(f"{show(text)} is not a duration.", mend="Write it like 30d, P30D or PT12H.")
    days = sum(parts.get(unit, 0.0) * each for unit, each in _DAYS.items())
    seconds = sum(parts.get(unit, 0.0) * each for unit, each in _SECONDS.items())
    if days + seconds / 86_400 > _LONGEST.days:
        raise InvalidInputError(
            f"{show(text)} is longer than a thousand years.", mend="Leave ExpireAfter out."
        )
    return timedelta(days=days, seconds=seconds)
