"""Tokens of transactions: asking again with the same token within ten minutes does nothing again.

Source: DynamoDB API reference, TransactWriteItems, ``ClientRequestToken``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError
from stepmill.storage.records import RecordStore

KEPT_FOR = timedelta(minutes=10)

_KIND = "table-transaction"
# With each new one at most so many old ones go, so that none waits for long.
_MOST_FORGOTTEN = 100


class OtherRequestError(ConflictError):
    """A token was used for another request."""


class Tokens:
    """Remembers tokens. Safe to share between threads and processes.

    Args:
        records: Where they are kept: in the same database as the items.
        clock: Tells the time.
    """

    def __init__(self, records: RecordStore, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def once(self, token: str, digest: str, act: Callable[[], None]) -> None:
        """Do something, and remember the token with it; if it is remembered already, do nothing.

        Args:
            token: Of the request.
            digest: Of all else in the request.
            act: Does it; if it raises, the token is not remembered.

        Raises:
            OtherRequestError: If the token was used for another request.
        """
        now = self._clock.now()
        with self._records.transaction():
            found = self._records.find(_KIND, token)
            if found is not None and found.created_at + KEPT_FOR > now:
                if found.body["digest"] != digest:
                    raise OtherRequestError(
                        "The ClientRequestToken was used for a transaction with other parameters."
                    )
                return
            act()
            self._forget(now)
            self._records.create(_KIND, token, {"digest": digest})

    def _forget(self, now: datetime) -> None:
        page = self._records.list(_KIND, created_before=now - KEPT_FOR, limit=_MOST_FORGOTTEN)
        for record in page.records:
            self._records.delete(_KIND, record.name)
