"""Time to live: whether an item's time is over. Pure.

DynamoDB deletes such an item within days; here it is gone at its second, and its bytes at the next look.

Source: DynamoDB developer guide, "Using time to live (TTL)".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from stepmill.catalog.dynamodb.values import Item

MOST_NAME_BYTES = 255
# What lies longer ago is taken for a mistake, and kept.
_LONGEST_AGO = timedelta(days=5 * 365)


def is_over(item: Item, attribute: str, now: datetime) -> bool:
    """Return whether an item's time is over.

    Args:
        item: The item.
        attribute: Which of its attributes tells, in seconds since 1970; empty: none does.
        now: The moment, aware.
    """
    value = item.get(attribute) if attribute else None
    if value is None or "N" not in value:
        return False
    second, present = Decimal(value["N"]), Decimal(now.timestamp())
    return present - Decimal(_LONGEST_AGO.total_seconds()) < second < present
