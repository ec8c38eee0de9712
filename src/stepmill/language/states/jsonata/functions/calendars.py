"""The calendar: days of the Gregorian calendar as numbers, and the parts of a moment that pictures name.

Source: ISO 8601 (weeks belong to the year, or the month, that their Thursday is in); H. Hinnant,
"chrono-compatible low-level date algorithms".
"""

from __future__ import annotations

from dataclasses import dataclass

MILLIS_A_DAY = 86_400_000
# The moments that ECMAScript's dates can hold.
FURTHEST_MILLIS = 8_640_000_000_000_000


def days_before(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date. Months and days beyond their ends count on.

    Args:
        year: Of the Gregorian calendar, also before it began.
        month: From 1, January.
        day: From 1.
    """
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    shifted = year - (month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468 + day - 1


def date_of(days: int) -> tuple[int, int, int]:
    """Return the year, the month and the day of a number of days from 1970-01-01."""
    days += 719_468
    era = days // 146_097
    of_era = days - era * 146_097
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year_of_era + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in UTC, in milliseconds from 1970-01-01T00:00Z."""

    millis: int

    def part(self, component: str) -> int:  # noqa: C901 - a table
        """Return a part of the moment, by the letter that pictures have for it.

        Source: XPath and XQuery Functions and Operators 3.1, ``fn:format-dateTime``, "The picture string".
        """
        days, of_day = divmod(self.millis, MILLIS_A_DAY)
        year, month, day = date_of(days)
        match component:
            case "Y":
                return year
            case "M":
                return month
            case "D":
                return day
            case "d":
                return days - days_before(year, 1, 1) + 1
            case "F":
                return (days + 3) % 7 + 1
            case "W":
                return _week(days, _first_week(year, 1), _first_week(year + 1, 1), _first_week(year - 1, 1))
            case "w":
                starts = (
                    _first_week(year, month),
                    _first_week(year, month + 1),
                    _first_week(year, month - 1),
                )
                return _week(days, *starts)
            case "X":
                return year + _side(days, _first_week(year, 1), _first_week(year + 1, 1))
            case "x":
                side = _side(days, _first_week(year, month), _first_week(year, month + 1))
                return (month + side - 1) % 12 + 1
            case "H":
                return of_day // 3_600_000
            case "h":
                return of_day // 3_600_000 % 12 or 12
            case "m":
                return of_day // 60_000 % 60
            case "s":
                return of_day // 1000 % 60
            case "f":
                return of_day % 1000
        return 0


def _first_week(year: int, month: int) -> int:
    """Return the day on which the first week of a month, or of the year that begins with it, starts."""
    first = days_before(year, month, 1)
    weekday = (first + 3) % 7 + 1
    return first + 8 - weekday if weekday > 4 else first - weekday + 1


def _week(day: int, start: int, following: int, previous: int) -> int:
    if day >= following:
        return 1
    return (day - (previous if day < start else start)) // 7 + 1


def _side(day: int, start: int, following: int) -> int:
    return -1 if day < start else int(day >= following)
