"""What can be asked of executions of state machines. Works beside the engine and in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, NotFoundError, WrongStateError
from stepmill.core.states_arns import StatesArns
from stepmill.core.tasks import TaskHeartbeat, TaskReport, TaskStarted, TaskSubmitted
from stepmill.engine.hands import ExecutionHands
from stepmill.engine.interpreters.states.chance import parse_token, token_of
from stepmill.engine.interpreters.states.events import Event, RedriveRequested, StopRequested, encode_event
from stepmill.engine.interpreters.states.frames import STARTED, StartedFrame, decode_frame
from stepmill.engine.machines.kept import machine_of
from stepmill.engine.machines.language import MachinePlans, StatesLanguage
from stepmill.engine.machines.reading import MachineExecutionReader, missing
from stepmill.engine.machines.starting import MachineStart, is_same_start, prepare_machine
from stepmill.engine.machines.summaries import MachineExecution, summarize_machine
from stepmill.engine.recovery import as_stored
from stepmill.engine.waiting import wait_for, wait_until
from stepmill.storage.executions import ExecutionStore, NewExecution, StoredTask
from stepmill.storage.texts import check_text

# Source: developer guide, "Redriving executions": within two weeks of the end.
REDRIVABLE_FOR = timedelta(days=14)
# So long is waited until a report by token has been taken in; it is durable before.
_TAKEN_IN_WITHIN_S = 2.0

_OPEN, _FINAL = StatesLanguage.open, StatesLanguage.final
_NOT_FINAL_REPORTS = (TaskStarted, TaskSubmitted, TaskHeartbeat)


class MachineControl:
    """Starts executions of state machines, and passes wishes and reports on. Safe to share between threads.

    Args:
        store: Where executions are kept.
        executions: Reads executions.
        plans: Of the definitions.
        hands: Has them driven.
        clock: Tells the time.
        arns: Builder of ARNs.
    """

    def __init__(
        self,
        store: ExecutionStore,
        executions: MachineExecutionReader,
        plans: MachinePlans,
        hands: ExecutionHands,
        *,
        clock: Clock,
        arns: StatesArns,
    ) -> None:
        self._store = store
        self._executions = executions
        self._plans = plans
        self._hands = hands
        self._clock = clock
        self._arns = arns

    def start(self, request: MachineStart) -> MachineExecution:
        """Start an execution; return it once it is written.

        A start with the name and the input of an execution that runs means that execution.

        Raises:
            InvalidInputError: If the name or the input cannot be taken.
            DefinitionError: If the definition is wrong. Carries all findings.
            ConflictError: If the name is taken.
            StorageError: If the store fails. In all cases nothing was written.
        """
        written: list[NewExecution] = []

        def prepare(owner: str) -> NewExecution:
            new = prepare_machine(
                request, plans=self._plans, arns=self._arns, owner=owner, at=self._clock.now()
            )
            written[:] = [new]
            return new

        while True:
            try:
                self._hands.begin(prepare)
            except ConflictError:
                if is_same_start(self._store, written[0]):
                    return self._executions.describe(written[0].id)
            else:
                return summarize_machine(as_stored(written[0]), is_owner_alive=True)

    def stop(self, execution: str, wish: StopRequested) -> MachineExecution:
        """End an execution; return it as it is then. One that is at its end stays as it is.

        Args:
            execution: Its id or ARN.
            wish: With error and cause, if they are given.

        Raises:
            NotFoundError: If there is none.
        """
        check_text(wish.error or "", wish.cause or "")
        summary = self._executions.describe(execution)
        if not summary.status.is_final:
            self._ask(summary.id, wish, lambda: self._is_final(summary.id))
        return self._executions.describe(summary.id)

    def redrive(self, execution: str, wish: RedriveRequested) -> MachineExecution:
        """Have an execution that ended badly go on from where it did; return it as it is then.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it cannot be redriven.
        """
        summary = self._executions.describe(execution)
        details = summary.details
        if wish.token and details.redrive_token == wish.token:
            return summary
        reason = why_not_redrivable(summary)
        if reason is None and details.stopped_at and self._clock.now() - details.stopped_at > REDRIVABLE_FOR:
            reason = "Execution is not redrivable because it ended more than 14 days ago"
        if reason is not None:
            raise WrongStateError(reason, where=summary.arn)
        count = details.redrive_count
        self._ask(
            summary.id, wish, lambda: machine_of(self._store.get(summary.id).details).redrive_count > count
        )
        return self._executions.describe(summary.id)

    def report(self, token: str, make: Callable[[str], TaskReport]) -> StoredTask:
        """Report the end, or a sign of life, of a task that waits for its token.

        The report is durable when this returns, and taken in if the engine is not busy.

        Args:
            token: As the task was given it.
            make: Given the id of the task, returns the report.

        Returns:
            The task.

        Raises:
            NotFoundError: If it is no token of a task here.
            WrongStateError: If its task waits no longer.
        """
        kept = self.task_of(token)
        report = make(kept.task.id)
        execution = kept.task.id.partition("/")[0]
        self._store.post(execution, encode_event(report), statuses=_OPEN)
        self._hands.have_driven(execution)
        if not isinstance(report, _NOT_FINAL_REPORTS):
            # Whoever uses the token again shall hear that the task is over.
            deadline = time.monotonic() + _TAKEN_IN_WITHIN_S
            while self._store.task(kept.task.id) is not None and time.monotonic() < deadline:
                self._hands.rest(execution, _TAKEN_IN_WITHIN_S, self._store.get(execution).position)
        return kept

    def task_of(self, token: str) -> StoredTask:
        """Return the task that waits for a token. Raises what ``report`` raises."""
        named = parse_token(token)
        if named is None:
            raise NotFoundError("Invalid Token: 'Invalid token'")
        execution, task_id = named
        kept = self._store.task(task_id)
        if kept is not None and kept.task.extra.get("token") == token:
            if not kept.stopping:
                return kept
        elif not self._was_token(execution, task_id, token):
            raise NotFoundError("Invalid Token: 'Invalid token'")
        raise WrongStateError("Task Timed Out: 'Provided task does not exist anymore'", where=task_id)

    def post(self, execution: str, event: Event) -> None:
        """Give an event to an execution that is not at its end, whoever drives it. It is durable then.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it is at its end.
        """
        stored = self._executions.stored(execution)
        self._store.post(stored.id, encode_event(event), statuses=_OPEN)
        self._hands.have_driven(stored.id)

    def wait(self, execution: str, timeout: timedelta | None = None) -> MachineExecution:
        """Wait until an execution is at its end, or nobody drives it, or the time is over.

        Raises:
            NotFoundError: If there is none.
            IllegalTransitionError: If this process could not go on with it: a bug in Stepmill.
        """
        return self.wait_for_progress(execution, None, timeout)

    def wait_for_progress(
        self, execution: str, after_position: int | None, timeout: timedelta | None = None
    ) -> MachineExecution:
        """Wait like ``wait``, but no longer than until the history goes beyond a position."""
        known = self._executions.stored(execution).id
        return wait_for(
            lambda: self._executions.describe(known),
            timeout,
            after_position,
            rest=lambda left_s: self._hands.rest(known, left_s, after_position),
        )

    # ---- inside -----------------------------------------------------------------------------

    def _ask(self, execution: str, wish: Event, is_done: Callable[[], bool]) -> None:
        try:
            statuses = _FINAL if isinstance(wish, RedriveRequested) else _OPEN
            self._store.post(execution, encode_event(wish), statuses=statuses)
        except WrongStateError:
            return  # It has just come to its end, or has just been redriven.
        except NotFoundError:
            raise missing(execution) from None
        self._hands.have_driven(execution)

        def go_on() -> None:
            self._hands.rest(execution, _TAKEN_IN_WITHIN_S, self._store.get(execution).position)
            if not is_done():
                self._hands.have_driven(execution)

        wait_until(is_done, go_on)

    def _is_final(self, execution: str) -> bool:
        return self._store.get(execution).status in _FINAL

    def _was_token(self, execution: str, task_id: str, token: str) -> bool:
        text = self._store.frame(execution, STARTED)
        if text is None:
            return False
        frame = decode_frame(text)
        return isinstance(frame, StartedFrame) and token == token_of(frame.seed, execution, task_id)


def why_not_redrivable(summary: MachineExecution) -> str | None:
    """Return why an execution cannot be redriven, as AWS words it; ``None`` if it can be.

    Source: API reference, DescribeExecution, "redriveStatusReason".
    """
    if summary.details.is_express:
        return "Execution of an express state machine cannot be redriven"
    if not summary.status.is_final:
        return f"Execution is {summary.status} and cannot be redriven"
    if summary.status == "SUCCEEDED":
        return "Execution is SUCCEEDED and cannot be redriven"
    return None
