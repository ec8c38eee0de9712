from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.language.pipelines.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30d", timedelta(days=30)),
        ("P30D", timedelta(days=30)),
        ("p30d", timedelta(days=30)),
        ("T16m", timedelta(minutes=16)),
        ("PT16M", timedelta(minutes=16)),
        ("T12H", timedelta(hours=12)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("P2W", timedelta(weeks=2)),
        ("P1M", timedelta(days=30)),
        ("P1Y", timedelta(days=365)),
        ("PT0.5H", timedelta(minutes=30)),
        ("PT0S", timedelta(0)),
    ],
)
def test_a_duration_is_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "T", "30", "d30", "16 m", "P-1D", "P1H", "30dd", "1e3d", "P30D ", "٣d"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a duration"):
        parse_duration(text)


def test_a_minute_and_a_month_differ_by_their_t() -> None:
    assert parse_duration("16m") == timedelta(days=480)
    assert parse_duration("T16m") == timedelta(minutes=16)


def test_no_duration_is_longer_than_a_thousand_years() -> None:
    with pytest.raises(InvalidInputError, match="thousand years"):
        parse_duration("P999999999Y")


@given(st.text(alphabet="PTYMWDHS0123456789.pt", max_size=40))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        assert parse_duration(text) >= timedelta(0)
    except InvalidInputError:
        pass
