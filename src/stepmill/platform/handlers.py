"""Finds who does the tasks of a resource of state machines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from stepmill.core.tasks import TaskHandler
from stepmill.engine.outbox import HandlerLookup


class ResourceHandlers:
    """A lookup: first those known by name, made at their first use, then what others find.

    Args:
        makers: Resource -> makes who does its tasks.
        others: Asked in turn for a resource that is not among them; each is made at its first use.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[], TaskHandler]],
        others: Sequence[Callable[[], HandlerLookup]] = (),
    ) -> None:
        self._makers = makers
        self._others = others
        self._lock = threading.RLock()
        self._made: dict[str, TaskHandler] = {}

    def get(self, resource: str, /) -> TaskHandler | None:
        """Return who does the tasks of a resource; ``None`` if nobody does."""
        if resource not in self._makers:
            found = (other().get(resource) for other in self._others)
            return next((handler for handler in found if handler is not None), None)
        with self._lock:
            if resource not in self._made:
                self._made[resource] = self._makers[resource]()
            return self._made[resource]
