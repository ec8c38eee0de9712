"""What can be asked of whoever drives executions: an engine, or one that stands for another process's."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from stepmill.engine.hands import ExecutionHands
from stepmill.engine.interpreters.pipelines.events import (
    Event,
    RetryRequested,
    StopRequested,
    UpdateRequested,
)
from stepmill.engine.starting import StartRequest
from stepmill.engine.summaries import ExecutionSummary

_STOP = StopRequested()
_RETRY = RetryRequested()


class ExecutionControl(ExecutionHands, Protocol):
    """Safe to share between threads."""

    def close(self) -> None:
        """Stop driving. Jobs go on; any engine may resume the executions. Closing twice does nothing."""
        ...

    def check(self, definition: str) -> None:
        """Refuse what is no definition, before anything is made of it.

        Raises:
            InvalidInputError: If it is no Unicode text.
            DefinitionError: If it is wrong. Carries all findings.
        """
        ...

    def start(self, request: StartRequest) -> str:
        """Start an execution; return its id, once it is written.

        Raises:
            InvalidInputError: If the name, the parallelism, a text or the selection cannot be taken.
            DefinitionError: If the definition is wrong, or a parameter. Carries all findings.
            UnsupportedError: If there is a step that cannot be run here; it is named.
            NotFoundError: If the source of a selective execution is not there.
            WrongStateError: If it is not at its end.
            ConflictError: If the client token was used for a start that differs.
            StorageError: If the store fails. In all cases nothing was written.
        """
        ...

    def stop(self, execution: str, wish: StopRequested = _STOP) -> None:
        """Ask an execution to end early; it is driven to its end even if nobody drove it.

        With a token that asked it before, nothing more is asked.

        Raises:
            NotFoundError: If there is none of that id.
            WrongStateError: If it is at its end.
        """
        ...

    def retry(self, execution: str, wish: RetryRequested = _RETRY) -> None:
        """Have a failed or stopped execution go on from where it failed.

        When this returns it is ``Executing`` again: whoever looks does not mistake the old end for the new.
        With a token that asked it before, nothing more is asked.

        Raises:
            InvalidInputError: If the parallelism is below 1.
            NotFoundError: If there is none of that id.
            WrongStateError: If it runs, or has succeeded.
            DefinitionError: If this version of Stepmill refuses its definition.
        """
        ...

    def update(self, execution: str, wish: UpdateRequested) -> None:
        """Have something else be said of an execution; it is when this returns.

        Raises:
            InvalidInputError: If the parallelism is below 1, or a text is none.
            NotFoundError: If there is none of that id.
            DefinitionError: If this version of Stepmill refuses its definition.
        """
        ...

    def post(self, execution: str, event: Event) -> bool:
        """Give an event to an execution that is not at its end, whoever drives it.

        The event is durable when this returns: the result of a callback, for example, as
        ``TaskSucceeded(task_id, output)``.

        Returns:
            Whether somebody drives the execution now; if not, the event waits for ``resume``.

        Raises:
            NotFoundError: If there is none of that id.
            WrongStateError: If it is at its end.
        """
        ...

    def resume(self, execution: str | None = None) -> list[str]:
        """Have driven what nobody drives: one execution, or all that are not at their end.

        Of all, one that cannot be resumed is logged, and the others are.

        Returns:
            Ids of the executions that are driven since.

        Raises:
            NotFoundError: If there is none of that id.
            DefinitionError: If this version of Stepmill refuses the definition of that one.
        """
        ...

    def wait(self, execution: str, timeout: timedelta | None = None) -> ExecutionSummary:
        """Wait until an execution is at its end, or nobody drives it, or the time is over.

        Raises:
            NotFoundError: If there is none of that id.
            IllegalTransitionError: If this process could not go on with it: a bug in Stepmill.
        """
        ...

    def wait_for_progress(
        self, execution: str, after_position: int, timeout: timedelta | None = None
    ) -> ExecutionSummary:
        """Wait like ``wait``, but no longer than until the history goes beyond a position."""
        ...

    def describe(self, execution: str) -> ExecutionSummary:
        """Return how an execution stands as a whole.

        Raises:
            NotFoundError: If there is none of that id.
        """
        ...
