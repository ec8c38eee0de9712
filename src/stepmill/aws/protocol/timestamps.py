"""Moments on the wire: epoch seconds, ISO 8601, and the dates of HTTP. Inside they are aware, in UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import TypeAlias

from stepmill.aws.protocol.problems import Unreadable
from stepmill.core.clock import aware

# What an answer may have where the model has a timestamp: kept documents hold text.
Moment: TypeAlias = "datetime | str | int | float"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?\Z", re.ASCII)
_FRACTION = re.compile(r"(:\d\d)\.\d+ ", re.ASCII)


def from_epoch(seconds: float) -> datetime:
    """Return the moment so many seconds after 1970 began.

    Raises:
        Unreadable: If no calendar has it.
    """
    try:
        # Adding keeps microseconds exact and takes moments before 1970, which `fromtimestamp` may not.
        return _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise Unreadable(f"{seconds} is not a moment in epoch seconds") from error


def from_iso(text: str) -> datetime:
    """Return the moment of an ISO 8601 text; without an offset it is UTC.

    Raises:
        Unreadable: If the text is none.
    """
    try:
        moment = datetime.fromisoformat(text)
        return aware(moment).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"{text[:60]!r} is not a moment in ISO 8601") from error


def from_http(text: str) -> datetime:
    """Return the moment of an HTTP date (RFC 7231); its fraction of a second is dropped.

    Raises:
        Unreadable: If the text is none.
    """
    try:
        return parsedate_to_datetime(_FRACTION.sub(r"\1 ", text[:60])).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise Unreadable(f"{text[:60]!r} is not a date of HTTP") from error


def from_text(text: str) -> datetime:
    """Return the moment of a text in any of the formats, as AWS's services take them.

    Raises:
        Unreadable: If it is in none.
    """
    if _NUMBER.match(text):
        return from_epoch(float(text))
    if text[:1].isalpha():
        return from_http(text)
    return from_iso(text)


def moment_of(value: Moment) -> datetime:
    """Return what an answer has where the model has a timestamp as an aware moment.

    Raises:
        Unreadable: If it is none.
    """
    if isinstance(value, datetime):
        return aware(value)
    if isinstance(value, str):
        return from_text(value)
    return from_epoch(value)


def epoch(value: Moment) -> int | float:
    """Return epoch seconds, to the millisecond as AWS sends them; whole ones as an ``int``."""
    if not isinstance(value, datetime):
        value = moment_of(value)
    seconds = round(value.timestamp() if value.tzinfo else moment_of(value).timestamp(), 3)
    whole = int(seconds)
    return whole if whole == seconds else seconds


def iso(value: Moment) -> str:
    """Return ISO 8601 with ``Z``; a fraction of a second only where there is one."""
    moment = moment_of(value).astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"


def iso_milliseconds(value: Moment) -> str:
    """Return ISO 8601 with ``Z`` and always three digits of a second, as S3 writes it."""
    moment = moment_of(value).astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def http_date(value: Moment) -> str:
    """Return the date as HTTP headers have it: ``Tue, 29 Apr 2014 18:30:38 GMT``."""
    return format_datetime(moment_of(value).astimezone(UTC), usegmt=True)


_WRITERS: dict[str, Callable[[Moment], int | float | str]] = {
    "unixtimestamp": epoch,
    "iso8601": iso,
    "rfc822": http_date,
    # Not of the models: what S3 uses where they say nothing.
    "iso8601-milliseconds": iso_milliseconds,
}


def moment_writer(timestamp_format: str) -> Callable[[Moment], int | float | str]:
    """Return what writes moments in a format of the models: ``iso8601``, ``rfc822``, ``unixTimestamp``."""
    return _WRITERS[timestamp_format.lower()]
