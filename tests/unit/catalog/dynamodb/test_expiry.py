from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stepmill.catalog.dynamodb.expiry import is_over

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = int(NOW.timestamp())
YEAR = 365 * 24 * 3600


@pytest.mark.parametrize(
    ("value", "over"),
    [
        ({"N": str(SECOND - 1)}, True),
        ({"N": str(SECOND)}, False),
        ({"N": str(SECOND + 1)}, False),
        ({"N": str(SECOND - 4 * YEAR)}, True),
        ({"N": str(SECOND - 6 * YEAR)}, False),
        ({"N": "0"}, False),
        ({"S": str(SECOND - 1)}, False),
        ({"N": "9" + "0" * 125}, False),
    ],
)
def test_whose_time_is_over(value: dict[str, str], over: bool) -> None:
    assert is_over({"end": value}, "end", NOW) is over


def test_nobodys_is_if_no_attribute_tells() -> None:
    item = {"end": {"N": str(SECOND - 1)}}
    assert not is_over(item, "", NOW)
    assert not is_over(item, "other", NOW)
