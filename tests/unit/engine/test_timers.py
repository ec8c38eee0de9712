from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stepmill.engine.timers import Timer, TimerQueue

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _at(seconds: int, timer_id: str = "t") -> Timer:
    return Timer(NOON + timedelta(seconds=seconds), "execution", timer_id)


def test_an_empty_queue_has_nothing_due() -> None:
    queue = TimerQueue()
    assert queue.next_due() is None
    assert queue.take_due(NOON) == []


def test_a_timer_is_due_at_its_moment_and_not_before() -> None:
    queue = TimerQueue()
    queue.set(_at(10))
    assert queue.take_due(NOON + timedelta(seconds=9)) == []
    assert queue.take_due(NOON + timedelta(seconds=10)) == [_at(10)]
    assert queue.take_due(NOON + timedelta(seconds=11)) == []


@given(st.lists(st.integers(0, 100)), st.integers(0, 100))
def test_due_timers_come_soonest_first_and_the_others_stay(moments: list[int], now: int) -> None:
    queue = TimerQueue()
    for number, moment in enumerate(moments):
        queue.set(_at(moment, str(number)))
    due = queue.take_due(NOON + timedelta(seconds=now))
    assert [timer.due_at for timer in due] == sorted(timer.due_at for timer in due)
    assert len(due) == sum(moment <= now for moment in moments)
    later = [moment for moment in moments if moment > now]
    assert queue.next_due() == (NOON + timedelta(seconds=min(later)) if later else None)
