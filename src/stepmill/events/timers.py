"""Has scheduled rules do what they do when it is time. Their next moments are on the disk.

What was due while nobody looked is done once, as soon as somebody does. Of two processes one does it: whoever
moves the moment on first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from stepmill.core.agenda import Agenda
from stepmill.core.clock import Clock, as_text
from stepmill.core.errors import ConflictError, NotFoundError, StepmillError
from stepmill.core.json import JsonObject
from stepmill.events.rules import Rule
from stepmill.events.schedules import read_schedule
from stepmill.storage.records import RecordStore, Selection

TIMER_KIND = "event-timer"
_PAGE = 1000
_MOST_AT_ONCE = 4
_PATIENCE = timedelta(minutes=1)

# Keeps what the rule of that key tells at a moment, and returns what begins it; called in a transaction.
Fire: TypeAlias = Callable[[str, datetime], list[Callable[[], None]]]

_log = logging.getLogger(__name__)


class Timers:
    """Keeps the moments of rules. Safe to share between threads.

    Args:
        records: Where they are kept. Its changes must survive a power cut.
        clock: Tells the time.
        fire: Has a rule do what it does.
    """

    def __init__(self, records: RecordStore, clock: Clock, fire: Fire) -> None:
        self._records = records
        self._clock = clock
        self._fire = fire
        self._agenda = Agenda(
            "stepmill-schedules",
            clock,
            self._due,
            most_at_once=_MOST_AT_ONCE,
            most_threads=_MOST_AT_ONCE,
        )

    def set(self, rule: Rule) -> None:
        """Have a rule done as its schedule says from now on; one without a schedule, or disabled, never."""
        if not (rule.schedule and rule.is_enabled):
            self.clear(rule.key)
            return
        record = self._records.find(TIMER_KIND, rule.key)
        if record is not None and record.body.get("schedule") == rule.schedule:
            self._agenda.put(rule.key, datetime.fromisoformat(str(record.body["next"])))
            return
        self.clear(rule.key)
        following = read_schedule(rule.schedule).next_after(self._clock.now())
        if following is None:
            return
        body: JsonObject = {"schedule": rule.schedule, "next": as_text(following)}
        with suppress(ConflictError):  # another process has set it at this moment
            self._records.create(TIMER_KIND, rule.key, body)
        self._agenda.put(rule.key, following)

    def clear(self, key: str) -> None:
        """Have a rule done no more."""
        self._agenda.withdraw(key)
        with suppress(NotFoundError):
            self._records.delete(TIMER_KIND, key)

    def resume(self) -> int:
        """Watch the moments that are kept. To be called once, by whoever drives this home.

        Returns:
            How many there are.
        """
        count = 0
        for record in Selection(limit=_PAGE).all(self._records, TIMER_KIND):
            count += 1
            self._agenda.put(record.name, datetime.fromisoformat(str(record.body["next"])))
        return count

    def close(self) -> None:
        """Begin nothing more; ``resume`` goes on."""
        self._agenda.close()

    def _due(self, key: str) -> None:
        following: datetime | None = None
        try:
            following = self._do(key)
        except StepmillError as error:
            # It stays as it is, and is looked at again: a disk that is full may not stay so.
            _log.warning("The schedule of rule %s cannot be done now: %s", key, error)
            following = self._clock.now() + _PATIENCE
        if following is None:
            self._agenda.done(key)
        else:
            self._agenda.again(key, following)

    def _do(self, key: str) -> datetime | None:
        """Have a rule done if it is due; return when it is due next."""
        now = self._clock.now()
        begin: list[Callable[[], None]] = []
        with self._records.transaction():
            record = self._records.find(TIMER_KIND, key)
            if record is None:
                return None
            due = datetime.fromisoformat(str(record.body["next"]))
            if due > now:
                return due
            following = read_schedule(str(record.body["schedule"])).next_after(max(due, now))
            begin = self._fire(key, due)
            if following is None:
                self._records.delete(TIMER_KIND, key)
            else:
                body: JsonObject = {**record.body, "next": as_text(following)}
                self._records.update(TIMER_KIND, key, lambda old: replace(old, body=body))
        for one in begin:
            one()
        return following
