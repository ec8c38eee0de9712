"""When a schedule is due: ``rate(5 minutes)`` and ``cron(0 12 ? * MON-FRI *)``. Pure.

Source: EventBridge user guide, "Setting a schedule pattern for scheduled rules": six fields in UTC; one of
the day of the month and the day of the week is a question mark; L, W and # as below.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError

_RATE = re.compile(r"rate\((?P<value>[1-9]\d{0,9}) (?P<unit>minutes?|hours?|days?)\)")
_CRON = re.compile(r"cron\((?P<fields>[^()]{1,200})\)")
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_LONGEST_RATE = timedelta(days=366 * 100)
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WEEK = 7
_SATURDAY, _SUNDAY = 5, 6

# Whether a day of a month is meant: year, month, day.
_IsDay: TypeAlias = Callable[[int, int, int], bool]


@dataclass(frozen=True)
class Rate:
    """Again and again after the same time."""

    every: timedelta

    def next_after(self, moment: datetime) -> datetime | None:
        """Return when it is due next after a moment at which it was due, or made."""
        try:
            return moment + self.every
        except OverflowError:
            return None


@dataclass(frozen=True)
class Cron:
    """At certain minutes of certain days."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    is_day: _IsDay
    months: tuple[int, ...]
    years: tuple[int, ...]

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first moment later than this one; ``None``: never again.

        Args:
            moment: Aware.
        """
        begin = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for year in (one for one in self.years if one >= begin.year):
            for month in (one for one in self.months if (year, one) >= (begin.year, begin.month)):
                for day in range(1, calendar.monthrange(year, month)[1] + 1):
                    if (year, month, day) < (begin.year, begin.month, begin.day):
                        continue
                    if self.is_day(year, month, day) and (found := self._on(year, month, day, begin)):
                        return found
        return None

    def _on(self, year: int, month: int, day: int, begin: datetime) -> datetime | None:
        for hour in self.hours:
            for minute in self.minutes:
                found = datetime(year, month, day, hour, minute, tzinfo=UTC)
                if found >= begin:
                    return found
        return None


Schedule: TypeAlias = Rate | Cron


def read_schedule(text: str) -> Schedule:
    """Return the schedule of a ``ScheduleExpression``.

    Raises:
        InvalidInputError: If it is none.

    Example:
        >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        >>> read_schedule("rate(5 minutes)").next_after(noon).isoformat()
        '2026-01-01T12:05:00+00:00'
        >>> read_schedule("cron(0 8 ? * MON *)").next_after(noon).isoformat()
        '2026-01-05T08:00:00+00:00'
    """
    if match := _RATE.fullmatch(text):
        value, unit = int(match["value"]), match["unit"]
        # As AWS has it: one minute, and two minutes.
        if (value == 1) == unit.endswith("s") or _UNITS[unit.rstrip("s")] > _LONGEST_RATE / value:
            raise _refused()
        return Rate(value * _UNITS[unit.rstrip("s")])
    cron = _CRON.fullmatch(text)
    fields = cron["fields"].split() if cron else []
    if len(fields) != len(("minutes", "hours", "day", "month", "weekday", "year")):
        raise _refused()
    minutes, hours, day, month, weekday, year = (field.upper() for field in fields)
    if (day == "?") == (weekday == "?"):
        raise _refused()
    return Cron(
        _numbers(minutes, 0, 59),
        _numbers(hours, 0, 23),
        _days_of_month(day) if weekday == "?" else _days_of_week(weekday),
        _numbers(month, 1, 12, _MONTHS),
        _numbers(year, _FIRST_YEAR, _LAST_YEAR),
    )


def _numbers(field: str, least: int, most: int, names: tuple[str, ...] = ()) -> tuple[int, ...]:
    """Return the numbers that a field means, ascending: ``*``, ``1,5``, ``1-5``, ``0/15``, ``JAN-MAR``."""
    found: set[int] = set()
    for part in field.split(","):
        span, has_step, step_text = part.partition("/")
        step = _number(step_text, 1, most) if has_step else 1
        first_text, is_range, last_text = span.partition("-")
        if span == "*":
            first, last = least, most
        elif is_range:
            first, last = _number(first_text, least, most, names), _number(last_text, least, most, names)
        else:
            first = _number(first_text, least, most, names)
            last = most if has_step else first
        if first <= last:
            found.update(range(first, last + 1, step))
        else:
            # FRI-MON goes over the end.
            found.update(one for one in range(least, most + 1) if one >= first or one <= last)
    return tuple(sorted(found))


def _number(text: str, least: int, most: int, names: tuple[str, ...] = ()) -> int:
    if text in names:
        return names.index(text) + 1
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and least <= int(text) <= most):
        raise _refused()
    return int(text)


def _days_of_month(field: str) -> _IsDay:
    if field == "L":
        return lambda year, month, day: day == calendar.monthrange(year, month)[1]
    if field.endswith("W"):
        wanted = 0 if field == "LW" else _number(field[:-1], 1, 31)
        return lambda year, month, day: day == _nearest_weekday(year, month, wanted)
    days = frozenset(_numbers(field, 1, 31))
    return lambda _year, _month, day: day in days


def _nearest_weekday(year: int, month: int, wanted: int) -> int:
    """Return the weekday nearest to a day, within its month; 0 stands for the last one. 0: there is none."""
    length = calendar.monthrange(year, month)[1]
    if wanted > length:
        return 0
    day = wanted or length
    weekday = calendar.weekday(year, month, day)
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == _SUNDAY:
        return day + 1 if day < length else day - 2
    return day


def _days_of_week(field: str) -> _IsDay:
    name, is_nth, nth_text = field.partition("#")
    if is_nth:
        weekday, nth = _number(name, 1, _WEEK, _DAYS), _number(nth_text, 1, 5)
        return lambda year, month, day: (
            _weekday(year, month, day) == weekday and (day - 1) // _WEEK == nth - 1
        )
    if len(field) > 1 and field.endswith("L"):
        weekday = _number(field[:-1], 1, _WEEK, _DAYS)
        return lambda year, month, day: (
            _weekday(year, month, day) == weekday and day + _WEEK > calendar.monthrange(year, month)[1]
        )
    days = frozenset({_WEEK} if field == "L" else _numbers(field, 1, _WEEK, _DAYS))
    return lambda year, month, day: _weekday(year, month, day) in days


def _weekday(year: int, month: int, day: int) -> int:
    """Return the day of the week, as EventBridge counts: 1 is Sunday."""
    return (calendar.weekday(year, month, day) + 1) % _WEEK + 1


def _refused() -> InvalidInputError:
    return InvalidInputError(
        "Parameter ScheduleExpression is not valid.",
        where="ScheduleExpression",
        mend='Write it like "rate(5 minutes)" or "cron(0 12 ? * MON-FRI *)".',
    )
