"""When schedules are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.events.schedules import Cron, read_schedule

MINUTE = timedelta(minutes=1)


def after(text: str, *moment: int) -> list[str]:
    """Return when a schedule is due the next three times."""
    found: list[str] = []
    now: datetime | None = datetime(*moment, tzinfo=UTC)  # type: ignore[misc, arg-type]
    for _ in range(3):
        now = read_schedule(text).next_after(now) if now else None
        found += [f"{now:%Y-%m-%d %H:%M}"] if now else []
    return found


def test_rates_count_from_the_last_time() -> None:
    now = datetime(2026, 1, 31, 23, 58, 30, tzinfo=UTC)
    for text, wait in (
        ("rate(1 minute)", MINUTE),
        ("rate(90 minutes)", 90 * MINUTE),
        ("rate(1 hour)", 60 * MINUTE),
        ("rate(7 days)", timedelta(days=7)),
    ):
        assert read_schedule(text).next_after(now) == now + wait
    assert read_schedule("rate(36500 days)").next_after(datetime(9990, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-03-04 10:00", "2026-03-05 10:00", "2026-03-06 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-03-03 12:15", "2026-03-04 12:15", "2026-03-05 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-03-03 18:00", "2026-03-04 18:00", "2026-03-05 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-04-01 08:00", "2026-05-01 08:00", "2026-06-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-03-03 12:15", "2026-03-03 12:30", "2026-03-03 12:45"]),
        ("cron(0/30 20-2 ? * MON-FRI *)", ["2026-03-03 20:00", "2026-03-03 20:30", "2026-03-03 21:00"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-04-06 09:00", "2026-05-04 09:00", "2026-06-01 09:00"]),
        ("cron(0 9 L * ? *)", ["2026-03-31 09:00", "2026-04-30 09:00", "2026-05-31 09:00"]),
        ("cron(0 9 LW * ? *)", ["2026-03-31 09:00", "2026-04-30 09:00", "2026-05-29 09:00"]),
        ("cron(0 9 15W * ? *)", ["2026-03-16 09:00", "2026-04-15 09:00", "2026-05-15 09:00"]),
        ("cron(0 9 1W * ? *)", ["2026-04-01 09:00", "2026-05-01 09:00", "2026-06-01 09:00"]),
        ("cron(0 9 ? * 6L *)", ["2026-03-27 09:00", "2026-04-24 09:00", "2026-05-29 09:00"]),
        ("cron(0 9 ? * L *)", ["2026-03-07 09:00", "2026-03-14 09:00", "2026-03-21 09:00"]),
        ("cron(0 0 29 feb ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(5,10 0 1 1,7 ? 2026-2027)", ["2026-07-01 00:05", "2026-07-01 00:10", "2027-01-01 00:05"]),
        ("cron(0 0 1 1 ? 2026)", []),
        ("cron(0 0 31 2 ? *)", []),
    ],
)
def test_when_cron_is_due(text: str, expected: list[str]) -> None:
    assert after(text, 2026, 3, 3, 12, 0) == expected


def test_the_nearest_weekday_stays_in_its_month() -> None:
    # The first of August 2026 is a Saturday, the last of May a Sunday.
    assert after("cron(0 0 1W 8 ? 2026)", 2026, 1, 1) == ["2026-08-03 00:00"]
    assert after("cron(0 0 31W 5 ? 2026)", 2026, 1, 1) == ["2026-05-29 00:00"]
    assert after("cron(0 0 31W 4 ? 2026)", 2026, 1, 1) == []


@pytest.mark.parametrize(
    "text",
    [
        "", "rate()", "rate(0 minutes)", "rate(1 minutes)", "rate(2 minute)", "rate(5 seconds)",
        "rate(-1 day)",
        "rate(5  minutes)", " rate(5 minutes)", "rate(1.5 hours)", "rate(9999999999 days)", "every day",
        "cron()", "cron(* * * * *)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)", "cron(60 0 * * ? *)",
        "cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 * 13 ? *)",
        "cron(0 0 ? * 8 *)", "cron(0 0 ? * MOON *)", "cron(0 0 * * ? 1969)", "cron(0 0 * * ? 2200)",
        "cron(0/0 0 * * ? *)", "cron(a 0 * * ? *)", "cron(0 0 ? * 2#6 *)", "cron(0 0 L-3 * ? *)",
        "cron(, 0 * * ? *)", "cron(٣ 0 * * ? *)", "cron(0 0 1 1 ? * extra)", "at(2026-01-01T00:00:00)",
    ],
)  # fmt: skip
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(InvalidInputError, match="ScheduleExpression is not valid"):
        read_schedule(text)


fields = st.lists(st.integers(0, 59), min_size=1, max_size=3)


@given(fields, st.lists(st.integers(0, 23), min_size=1, max_size=2), st.integers(0, 60 * 24 * 400))
def test_the_next_time_is_the_first_minute_that_fits(minutes: list[int], hours: list[int], at: int) -> None:
    def write(numbers: list[int]) -> str:
        return ",".join(map(str, numbers))

    schedule = read_schedule(f"cron({write(minutes)} {write(hours)} ? * SUN,WED *)")
    assert isinstance(schedule, Cron)
    now = datetime(2026, 1, 1, tzinfo=UTC) + at * MINUTE
    found = schedule.next_after(now)
    assert found is not None
    assert found > now
    expected = now + MINUTE
    while not (
        expected.minute in minutes and expected.hour in hours and expected.weekday() in (2, 6)
    ):  # Wednesday, Sunday
        expected += MINUTE
    assert found == expected
