"""Looks into the inboxes of the executions that an engine owns."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

import msgspec

from stepmill.engine.driven import Driven
from stepmill.engine.languages import NUDGE, Event
from stepmill.engine.patience import Patience
from stepmill.storage.executions import ExecutionStore, InboxWatch

# How late an event from another process may be noticed. A look costs some microseconds.
INBOX_INTERVAL = timedelta(milliseconds=100)

_log = logging.getLogger(__name__)


class Inbox:
    """For one thread.

    Args:
        store: Where executions are kept.
        owner: Id of the engine.
        patience: Waits out a store that fails.
        on_stray: Told of an execution that has an event and is not driven; ``None``: nobody is.
    """

    def __init__(
        self,
        store: ExecutionStore,
        owner: str,
        patience: Patience,
        on_stray: Callable[[str], None] | None,
    ) -> None:
        self._store = store
        self._owner = owner
        self._patience = patience
        self._on_stray = on_stray
        self._watch: InboxWatch | None = None
        self._next_look = 0.0

    def close(self) -> None:
        """Let go of what the looks need."""
        if self._watch is not None:
            self._watch.close()

    def may_have_changed(self) -> bool:
        """Return whether it is time for a look, and one may be worth it."""
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + INBOX_INTERVAL.total_seconds()
        if self._watch is None:
            self._watch = self._patience.call(self._store.watch)
        return self._patience.call(self._watch.has_changed)

    def read(self, driven: Mapping[str, Driven]) -> list[tuple[str, Event | None, int]]:
        """Return (execution, event, inbox id) of all that waits for these executions, oldest first.

        The event is ``None`` where it tells nothing, or cannot be read.
        """
        events: list[tuple[str, Event | None, int]] = []
        for row in self._patience.call(partial(self._store.inbox, self._owner)):
            execution = driven.get(row.execution)
            if execution is None:
                if self._on_stray is not None:
                    self._on_stray(row.execution)
                continue
            event: Event = None
            try:
                event = None if row.body == NUDGE else execution.language.decode_event(row.body)
            except msgspec.DecodeError as error:
                _log.error(
                    "An event for execution %s cannot be read and is dropped: %s", row.execution, error
                )
            events.append((row.execution, event, row.id))
        return events
