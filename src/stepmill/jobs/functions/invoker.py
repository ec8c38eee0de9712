"""Calls of functions that somebody waits for."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepmill.compute.spec import JobRunning
from stepmill.core.errors import StepmillError
from stepmill.core.json import Json
from stepmill.jobs.functions.calls import CallEvent, FunctionCall, FunctionCalls
from stepmill.jobs.functions.function import Function
from stepmill.jobs.functions.outcome import Outcome

# Each holds a thread of the door; fewer than that has, or functions that call back would find nobody.
MOST_WAITED_FOR = 32
# Lambda returns the last 4 KB of a call's log.
LOG_TAIL_BYTES = 4096
# More lines than fit into that, as a rule.
_LOG_TAIL_LINES = 500


class TooManyCallsError(StepmillError):
    """As many functions run as may run at once; another moment will do."""


@dataclass(frozen=True)
class Invocation:
    """A call that is over.

    Args:
        request_id: What the function saw as its request.
        version: What ran: ``$LATEST``, or a number.
        outcome: What became of it.
        folder: Of its job; the log is there.
    """

    request_id: str
    version: str
    outcome: Outcome
    folder: Path


class FunctionInvoker:
    """Calls functions and waits for what they answer.

    Args:
        calls: Calls them.
        log_tail: Returns the last lines, at most so many, of the log in a job's folder.
        most_at_once: So many are waited for at once.
    """

    def __init__(
        self,
        calls: FunctionCalls,
        log_tail: Callable[[Path, int], Sequence[str]],
        *,
        most_at_once: int = MOST_WAITED_FOR,
    ) -> None:
        self._calls = calls
        self._log_tail = log_tail
        self._turns = threading.Semaphore(most_at_once)

    def invoke(self, function: Function, event: Json, *, client_context: Json = None) -> Invocation:
        """Call a function and wait until it has ended; its timeout ends it at the latest.

        Args:
            function: Which.
            event: What it is called with.
            client_context: What the caller says about itself.

        Raises:
            TooManyCallsError: If as many run as may. Whoever waits here holds a thread, and functions call
                back: were all threads held, nobody would be left to answer them.
            StepmillError: If the call cannot be begun.
        """
        if not self._turns.acquire(blocking=False):
            raise TooManyCallsError("Rate Exceeded.", mend="Call again in a moment, or with Event.")
        try:
            call = FunctionCall(str(uuid.uuid4()), function, event, client_context=client_context)
            ended = self._run(call)
        finally:
            self._turns.release()
        return ended

    def _run(self, call: FunctionCall) -> Invocation:
        ended: list[Invocation] = []
        is_over = threading.Event()

        def hear(event: CallEvent) -> None:
            if isinstance(event, JobRunning):
                return
            version = call.function.qualifier
            ended.append(Invocation(call.request, version, event.outcome, event.folder))
            is_over.set()

        self._calls.run(call, hear)
        is_over.wait()
        return ended[0]

    def log_of(self, invocation: Invocation) -> bytes:
        """Return the end of a call's log: at most 4 KB."""
        lines = self._log_tail(invocation.folder, _LOG_TAIL_LINES)
        return "".join(f"{line}\n" for line in lines).encode()[-LOG_TAIL_BYTES:]
