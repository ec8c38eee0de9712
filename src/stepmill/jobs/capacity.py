"""Spot capacity: when it is taken from a job, and when there is some again. Here both are settings.

Nothing is kept on the disk: a job's record tells until when it waits, and interruptions come by chance, of
which the same is left after a restart as before.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from stepmill.core.agenda import Agenda
from stepmill.core.clock import Clock
from stepmill.core.settings import SpotSetting

# Staging and starting is what is under way.
_MOST_AT_ONCE = 50
_MOST_THREADS = 4


def time_to_interruption(setting: SpotSetting, job: str, attempt: int) -> timedelta | None:
    """Return how long an attempt at a job runs until it is interrupted by chance; ``None``: it never is.

    Interruptions are as independent as those of a market: the times between them are exponential.

    Args:
        setting: Tells how often, and the seed.
        job: Its name.
        attempt: The first is 0.
    """
    if setting.interruptions_per_hour <= 0:
        return None
    chance = random.Random(f"{setting.seed}/{job}/{attempt}")  # noqa: S311  (nothing secret comes of it)
    return timedelta(hours=chance.expovariate(setting.interruptions_per_hour))


class Capacity:
    """Calls functions at their moment. Safe to share between threads.

    Args:
        clock: Tells the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._agenda = Agenda(
            "capacity", clock, self._do, most_at_once=_MOST_AT_ONCE, most_threads=_MOST_THREADS
        )
        self._lock = threading.Lock()
        self._calls: dict[str, Callable[[], None]] = {}

    def at(self, key: str, moment: datetime, call: Callable[[], None]) -> None:
        """Have a function called at a moment; it handles its own errors."""
        with self._lock:
            self._calls[key] = call
        self._agenda.put(key, moment)

    def now(self, key: str) -> None:
        """Have it called at once, if it waits."""
        with self._lock:
            waits = key in self._calls
        if waits:
            self._agenda.withdraw(key)
            self._agenda.put(key, self._clock.now())

    def forget(self, key: str) -> None:
        """Have it not called."""
        with self._lock:
            self._calls.pop(key, None)
        self._agenda.withdraw(key)

    def close(self) -> None:
        """Begin nothing more."""
        self._agenda.close()

    def _do(self, key: str) -> None:
        with self._lock:
            call = self._calls.pop(key, None)
        try:
            if call is not None:
                call()
        finally:
            self._agenda.done(key)
