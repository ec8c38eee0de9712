"""Moments on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.timestamps import (
    epoch,
    from_epoch,
    from_http,
    from_text,
    http_date,
    iso,
    iso_milliseconds,
    moment_of,
)

MOMENT = datetime(2014, 4, 29, 18, 30, 38, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2014-04-29T18:30:38Z",
        "2014-04-29T20:30:38+02:00",
        "2014-04-29T18:30:38",
        "20140429T183038Z",
        "1398796238",
        "1398796238.0",
        "1.398796238e9",
        "Tue, 29 Apr 2014 18:30:38 GMT",
        "Tue, 29 Apr 2014 18:30:38.123 GMT",
    ],
)
def test_any_format_is_read(text: str) -> None:
    assert from_text(text) == MOMENT
    assert from_text(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "x", "now", "2014-13-01T00:00:00Z", "1e99", "-1" * 20, "99999999999999"]
)
def test_what_is_no_moment_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        from_text(text)


@given(st.text(max_size=50))
def test_no_text_raises_anything_else(text: str) -> None:
    for read in (from_text, from_http):
        try:
            assert read(text).tzinfo is UTC
        except Unreadable:
            pass


def test_a_moment_is_written_in_each_format() -> None:
    assert epoch(MOMENT) == 1398796238
    assert isinstance(epoch(MOMENT), int)
    assert epoch(MOMENT + timedelta(microseconds=123_456)) == 1398796238.123
    assert iso(MOMENT) == "2014-04-29T18:30:38Z"
    assert iso(MOMENT + timedelta(milliseconds=5)) == "2014-04-29T18:30:38.005Z"
    assert iso_milliseconds(MOMENT) == "2014-04-29T18:30:38.000Z"
    assert http_date(MOMENT) == "Tue, 29 Apr 2014 18:30:38 GMT"


def test_a_kept_moment_may_be_text_a_number_or_of_another_zone() -> None:
    eastern = MOMENT.astimezone(timezone(timedelta(hours=-5)))
    for kept in (MOMENT, eastern, MOMENT.isoformat(), MOMENT.timestamp(), MOMENT.replace(tzinfo=None)):
        assert moment_of(kept) == MOMENT
        assert (epoch(kept), iso(kept)) == (1398796238, "2014-04-29T18:30:38Z")


@given(st.integers(-(10**13), 10**13))
def test_milliseconds_survive(milliseconds: int) -> None:
    moment = from_epoch(milliseconds / 1000)
    assert round(epoch(moment) * 1000) == milliseconds
    assert from_text(iso(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)
