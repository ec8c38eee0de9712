"""Events for functions: taken durably, and delivered soon, by calling the function with each.

An event is on the disk before whoever brought it hears that it was taken, and goes from there only when
the function has answered, or has failed too often. Whoever opens the home next delivers what is left; a
call that was under way is picked up, not made again.

Source: AWS Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation".
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from stepmill.compute.spec import JobRunning
from stepmill.core.agenda import Agenda
from stepmill.core.clock import Clock, as_text
from stepmill.core.errors import NotFoundError, StepmillError
from stepmill.core.json import Json, JsonObject
from stepmill.jobs.functions.calls import CallEnded, CallEvent, FunctionCall, FunctionCalls
from stepmill.jobs.functions.outcome import Answered
from stepmill.jobs.functions.versions import FunctionVersions
from stepmill.storage.records import Record, RecordStore

EVENT_KIND = "function-event"

# Lambda tries twice more: after one minute, and after two.
RETRY_DELAYS = (timedelta(minutes=1), timedelta(minutes=2))
MOST_AT_ONCE = 50
_MOST_STARTING = 4
_PAGE = 1000

_log = logging.getLogger(__name__)


class FunctionEvents:
    """Takes events and delivers them.

    Args:
        versions: Which functions there are.
        calls: Calls them.
        records: Where events are kept. Its changes must survive a power cut.
        clock: Tells the time.
        retry_delays: How long to wait before each further attempt, after the first.
        most_at_once: So many functions are called at once.
    """

    def __init__(
        self,
        versions: FunctionVersions,
        calls: FunctionCalls,
        records: RecordStore,
        clock: Clock,
        *,
        retry_delays: Sequence[timedelta] = RETRY_DELAYS,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._versions = versions
        self._calls = calls
        self._records = records
        self._clock = clock
        self._retry_delays = tuple(retry_delays)
        self._agenda = Agenda(
            "stepmill-events", clock, self._deliver, most_at_once=most_at_once, most_threads=_MOST_STARTING
        )

    def submit(self, name: str, qualifier: str, event: Json) -> str:
        """Take an event; the function is called soon.

        Args:
            name: Of the function.
            qualifier: A version or alias; empty: the function as it stands when its turn comes.
            event: What it is called with.

        Returns:
            The request id that the function will see. The event is on the disk.
        """
        record = self.keep(name, qualifier, event)
        self.begin(record)
        return record.name

    def keep(self, name: str, qualifier: str, event: Json) -> Record:
        """Put an event on the disk, and no more: for what else belongs into the same transaction.

        See ``submit`` for the arguments. ``begin`` has it delivered, after that transaction.
        """
        body: JsonObject = {"function": name, "qualifier": qualifier, "event": event, "attempt": 0, "due": ""}
        return self._records.create(EVENT_KIND, str(uuid.uuid4()), body)

    def begin(self, record: Record) -> None:
        """Have an event that was kept delivered when its time has come."""
        due = str(record.body["due"])
        self._agenda.put(record.name, datetime.fromisoformat(due) if due else record.created_at)

    def resume(self) -> int:
        """Deliver what has not been delivered. To be called once, by whoever drives this home.

        Returns:
            How many there are.
        """
        count = 0
        token: str | None = None
        while True:
            page = self._records.list(EVENT_KIND, limit=_PAGE, after=token)
            for record in page.records:
                count += 1
                self.begin(record)
            token = page.next_token
            if token is None:
                return count

    def close(self) -> None:
        """Begin nothing more. What runs goes on, and is picked up by ``resume``."""
        self._agenda.close()

    def _deliver(self, event_id: str) -> None:
        record = self._records.find(EVENT_KIND, event_id)
        if record is None:
            self._agenda.done(event_id)
            return
        body = record.body
        attempt = int(str(body["attempt"]))
        try:
            function = self._versions.get(str(body["function"]), str(body["qualifier"]))
            call = FunctionCall(f"{event_id}/{attempt}", function, body["event"], request_id=event_id)
            self._calls.run(call, partial(self._hear, record))
        except NotFoundError as error:
            _log.warning("An event is dropped, its function is gone: %s", error)
            self._drop(event_id)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is this attempt's failure)
            if not isinstance(error, StepmillError):
                _log.error("A call of %s could not be made.", body["function"], exc_info=error)
            self._try_again(record, str(error))

    def _hear(self, record: Record, event: CallEvent) -> None:
        if isinstance(event, JobRunning):
            return
        if isinstance(event.outcome, Answered):
            self._drop(record.name)
            return
        self._try_again(record, _reason(event))

    def _try_again(self, record: Record, reason: str) -> None:
        attempt = int(str(record.body["attempt"]))
        name = record.body["function"]
        if attempt >= len(self._retry_delays):
            _log.warning("%s failed %d times with an event, which is dropped: %s", name, attempt + 1, reason)
            self._drop(record.name)
            return
        at = self._clock.now() + self._retry_delays[attempt]
        changes: Mapping[str, Json] = {"attempt": attempt + 1, "due": as_text(at)}
        try:
            self._records.update(
                EVENT_KIND, record.name, lambda found: replace(found, body={**found.body, **changes})
            )
        except StepmillError as error:
            # The attempt stays as it is: whoever opens the home next finds this call over, and goes on.
            _log.warning("An event of %s cannot be put off: %s", name, error)
            self._agenda.done(record.name)
            return
        self._agenda.again(record.name, at)

    def _drop(self, event_id: str) -> None:
        try:
            self._records.delete(EVENT_KIND, event_id)
        except StepmillError as error:
            _log.warning("An event that was delivered cannot be removed: %s", error)
        self._agenda.done(event_id)


def _reason(ended: CallEnded) -> str:
    return str(ended.outcome)[:500]
