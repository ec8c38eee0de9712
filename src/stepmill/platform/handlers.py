"""Finds who does the tasks of a resource of state machines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from stepmill.core.tasks import Report, Task, TaskHandler
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


class HandlerAtFirstUse:
    """Does tasks by a handler that is made when the first of them comes. See ``core.tasks.TaskHandler``.

    Args:
        make: Makes it.
    """

    def __init__(self, make: Callable[[], TaskHandler]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: TaskHandler | None = None

    def start(self, task: Task, report: Report) -> None:
        """Begin the work, or pick it up."""
        self._handler().start(task, report)

    def stop(self, task: Task) -> None:
        """Ask the work to end."""
        self._handler().stop(task)

    def _handler(self) -> TaskHandler:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made
