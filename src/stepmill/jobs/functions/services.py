"""Everything that there is to functions beside the registry, put together once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepmill.compute.spec import Compute
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.jobs.functions.calls import FunctionCalls, FunctionSurroundings
from stepmill.jobs.functions.events import FunctionEvents
from stepmill.jobs.functions.invoker import FunctionInvoker
from stepmill.jobs.functions.policies import FunctionPolicies
from stepmill.jobs.functions.registry import FunctionRegistry
from stepmill.jobs.functions.versions import FunctionVersions
from stepmill.jobs.handler import LOG_TAIL_LINES
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.records import RecordStore


@dataclass(frozen=True)
class FunctionStores:
    """Where functions, and what becomes of their calls, are kept.

    Args:
        records: Its changes survive a power cut.
        progress: Of calls; what becomes of one can be read from its folder again.
        objects: Where code lies.
    """

    records: RecordStore
    progress: RecordStore
    objects: ObjectStore


class FunctionServices:
    """Versions, permissions and calls of functions; each is made when somebody needs it.

    Args:
        registry: The functions.
        stores: Where all is kept.
        compute: Runs calls.
        surroundings: Gives what calls have in common, when the first is made.
        log_tail: Returns the last lines, at most so many, of the log in a job's folder.
        clock: Tells the time.
        arns: Builds ARNs.
    """

    def __init__(
        self,
        registry: FunctionRegistry,
        stores: FunctionStores,
        compute: Callable[[], Compute],
        surroundings: Callable[[], FunctionSurroundings],
        log_tail: Callable[[Path, int], Sequence[str]],
        *,
        clock: Clock,
        arns: Arns,
    ) -> None:
        self._stores = stores
        self._compute = compute
        self._surroundings = surroundings
        self._log_tail = log_tail
        self._clock = clock
        self.registry = registry
        self.versions = FunctionVersions(registry, stores.records, arns)
        self.policies = FunctionPolicies(stores.records)
        # Threads of a door may ask for the same part at the same moment, and there is to be one of each.
        self._lock = threading.RLock()
        self._calls: FunctionCalls | None = None
        self._invoker: FunctionInvoker | None = None
        self._events: FunctionEvents | None = None

    @property
    def calls(self) -> FunctionCalls:
        """Calls functions."""
        with self._lock:
            if self._calls is None:
                stores = self._stores
                self._calls = FunctionCalls(
                    stores.objects,
                    stores.progress,
                    self._compute(),
                    self._surroundings(),
                    lambda folder: self._log_tail(folder, LOG_TAIL_LINES),
                )
            return self._calls

    @property
    def invoker(self) -> FunctionInvoker:
        """Calls functions for those who wait for the answer."""
        with self._lock:
            if self._invoker is None:
                self._invoker = FunctionInvoker(self.calls, self._log_tail)
            return self._invoker

    @property
    def events(self) -> FunctionEvents:
        """The events that functions are called with later. ``resume`` delivers what is left of them."""
        with self._lock:
            if self._events is None:
                self._events = FunctionEvents(self.versions, self.calls, self._stores.records, self._clock)
            return self._events

    def delete(self, name: str) -> None:
        """Remove a function with all its versions, aliases and permissions; a call under way goes on.

        Raises:
            NotFoundError: If there is none.
        """
        self.registry.delete(name)
        self.versions.forget(name)
        self.policies.forget(name)

    def close(self) -> None:
        """Begin nothing more. What runs goes on."""
        with self._lock:
            if self._events is not None:
                self._events.close()
