"""Deliveries: what somebody is to be told, kept until they have been told, or cannot be.

A delivery is on the disk before whoever ordered it hears that it was taken, and goes from there when it
was delivered, or has failed too often; then it is put into the queue for dead letters, if there is one.
Whoever opens the home next delivers what is left, so that something may come twice, and is never lost.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from stepmill.catalog.queue_records import Letter
from stepmill.catalog.queues import Queues
from stepmill.core.agenda import Agenda
from stepmill.core.clock import Clock, as_text
from stepmill.core.errors import StepmillError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record, RecordStore, Selection

DELIVERY_KIND = "delivery"

MOST_AT_ONCE = 20
_PAGE = 1000

_log = logging.getLogger(__name__)


class DeliveryError(StepmillError):
    """It could not be delivered.

    Args:
        what: Why.
        is_final: Whether trying again is of no use.
    """

    def __init__(self, what: str, *, is_final: bool = False) -> None:
        super().__init__(what)
        self.is_final = is_final


@dataclass(frozen=True)
class Parcel:
    """What is to be delivered.

    Args:
        route: How: a key of the senders.
        document: What its sender needs.
        retry_delays_s: Wait before each further attempt, in seconds.
        dead_letters: Name of the queue for what cannot be delivered; empty: it is dropped.
        dead_text: What is put there.
        dead_attributes: What is said of it there.
    """

    route: str
    document: JsonObject
    retry_delays_s: Sequence[int] = ()
    dead_letters: str = ""
    dead_text: str = ""
    dead_attributes: JsonObject = field(default_factory=dict)


# Delivers; raises DeliveryError.
Sender: TypeAlias = Callable[[JsonObject], None]


class Deliveries:
    """Keeps deliveries and makes them. Safe to share between threads.

    Args:
        senders: Route -> who delivers.
        records: Where they are kept. Its changes must survive a power cut.
        queues: Take dead letters.
        clock: Tells the time.
        kind: Of the records: whoever has deliveries of another kind keeps them apart.
        most_at_once: So many are under way at once.
    """

    def __init__(
        self,
        senders: Mapping[str, Sender],
        records: RecordStore,
        queues: Queues,
        clock: Clock,
        *,
        kind: str = DELIVERY_KIND,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._kind = kind
        self._senders = senders
        self._records = records
        self._queues = queues
        self._clock = clock
        self._agenda = Agenda(
            "stepmill-deliveries", clock, self._deliver, most_at_once=most_at_once, most_threads=most_at_once
        )

    def keep(self, parcel: Parcel) -> Record:
        """Put a delivery on the disk, and no more: for what else belongs into the same transaction.

        ``begin`` has it made, after that transaction.
        """
        body: JsonObject = {
            "route": parcel.route,
            "document": parcel.document,
            "delays": list(parcel.retry_delays_s),
            "dead": {
                "queue": parcel.dead_letters,
                "text": parcel.dead_text,
                "attributes": parcel.dead_attributes,
            },
            "attempt": 0,
            "due": "",
        }
        return self._records.create(self._kind, str(uuid.uuid4()), body)

    def begin(self, record: Record) -> None:
        """Have a delivery that was kept made when its time has come."""
        due = str(record.body["due"])
        self._agenda.put(record.name, datetime.fromisoformat(due) if due else record.created_at)

    def submit(self, parcel: Parcel) -> None:
        """Take a delivery: it is on the disk, and is made soon."""
        self.begin(self.keep(parcel))

    def resume(self) -> int:
        """Make what has not been made. To be called once, by whoever drives this home.

        Returns:
            How many there are.
        """
        count = 0
        for record in Selection(limit=_PAGE).all(self._records, self._kind):
            count += 1
            self.begin(record)
        return count

    def close(self) -> None:
        """Begin nothing more; ``resume`` makes what is left."""
        self._agenda.close()

    def _deliver(self, identifier: str) -> None:
        record = self._records.find(self._kind, identifier)
        if record is None:
            self._agenda.done(identifier)
            return
        route = str(record.body["route"])
        try:
            document = record.body["document"]
            self._senders[route](document if isinstance(document, Mapping) else {})
        except DeliveryError as error:
            self._try_again(record, str(error), is_final=error.is_final)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is this attempt's failure)
            if not isinstance(error, StepmillError):
                _log.error("A delivery by %s could not be made.", route, exc_info=error)
            self._try_again(record, str(error), is_final=False)
        else:
            self._remove(record)

    def _try_again(self, record: Record, reason: str, *, is_final: bool) -> None:
        attempt = int(str(record.body["attempt"]))
        delays = record.body["delays"]
        waits = [int(str(one)) for one in delays] if isinstance(delays, Sequence) else []
        if is_final or attempt >= len(waits):
            route = record.body["route"]
            _log.warning("A delivery by %s failed %d times: %s", route, attempt + 1, reason[:500])
            self._bury(record, reason)
            return
        at = self._clock.now() + timedelta(seconds=waits[attempt])
        changes: Mapping[str, Json] = {"attempt": attempt + 1, "due": as_text(at)}
        try:
            self._records.update(
                self._kind, record.name, lambda found: replace(found, body={**found.body, **changes})
            )
        except StepmillError as error:
            # It stays as it is: whoever opens the home next makes this attempt once more.
            _log.warning("A delivery cannot be put off: %s", error)
            self._agenda.done(record.name)
            return
        self._agenda.again(record.name, at)

    def _bury(self, record: Record, reason: str) -> None:
        dead = record.body["dead"]
        letter: JsonObject = dead if isinstance(dead, Mapping) else {}
        queue = str(letter.get("queue") or "")
        try:
            with self._records.transaction():
                if queue and self._queues.exists(queue):
                    said = letter.get("attributes")
                    attributes = said if isinstance(said, Mapping) else {}
                    self._queues.send(queue, Letter(str(letter["text"]), attributes))
                elif queue:
                    _log.warning("There is no queue %r for dead letters (%s)", queue, reason[:200])
                self._records.delete(self._kind, record.name)
        except StepmillError as error:
            _log.warning("A delivery that failed cannot be put away: %s", error)
        self._agenda.done(record.name)

    def _remove(self, record: Record) -> None:
        try:
            self._records.delete(self._kind, record.name)
        except StepmillError as error:
            _log.warning("A delivery that was made cannot be removed: %s", error)
        self._agenda.done(record.name)
