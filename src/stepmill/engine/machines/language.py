"""State machines, as the engine sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.interpreters.states.advance import advance
from stepmill.engine.interpreters.states.events import (
    Event,
    RedriveRequested,
    TimerFired,
    decode_event,
    encode_event,
)
from stepmill.engine.interpreters.states.frames import Frame, decode_frame, encode_frame
from stepmill.engine.interpreters.states.outcome import Advance
from stepmill.engine.interpreters.states.plan import Plan, Problems, plan_of
from stepmill.engine.machines.kept import OUTPUT_TEXT, machine_of
from stepmill.engine.plans import PlanCache
from stepmill.language.states.definition import StateMachine
from stepmill.storage.executions import STATES, ExecutionDetails

# A machine has some ten states; the children of one Map Run share a plan.
_MOST_PLANS = 256


class MachinePlans(PlanCache[Plan]):
    """Keeps the plans of state machines. A part is the path of a distributed Map: its processor is planned.

    Args:
        load: Returns the document of a digest.
        read: Reads and checks a document.
        parity: Whether AWS's limits hold.
        problems: Tells what keeps parameters from being those of a resource. See ``Plan``.
    """

    def __init__(
        self,
        load: Callable[[str], str],
        read: Callable[[str], StateMachine],
        *,
        parity: bool = False,
        problems: Problems = lambda _resource, _parameters: (),
    ) -> None:
        def make(text: str, part: str) -> Plan:
            return plan_of(read(text), processor=part, parity=parity, problems=problems)

        super().__init__(load, make, limit=_MOST_PLANS)


class StatesLanguage:
    """A ``Language``.

    Args:
        plans: Of the definitions.
    """

    name = STATES
    final = frozenset(str(status) for status in StateMachineExecutionStatus if status.is_final)
    open = frozenset(str(status) for status in StateMachineExecutionStatus if not status.is_final)

    def __init__(self, plans: MachinePlans) -> None:
        self._plans = plans

    def plan(self, details: ExecutionDetails, text: str | None = None) -> Plan:
        """See ``Language``."""
        return self._plans.of(details.definition, machine_of(details).processor, text)

    def advance(self, plan: Plan, frames: Mapping[str, Frame], event: Event, at: datetime) -> Advance:
        """See ``Language``."""
        return advance(plan, frames, event, at)

    def timer_fired(self, timer_id: str) -> Event:
        """See ``Language``."""
        return TimerFired(timer_id)

    def details_after(
        self, details: ExecutionDetails, event: Event, outcome: Advance, at: datetime
    ) -> ExecutionDetails:
        """See ``Language``."""
        status = outcome.status
        if status is None:
            return details
        told = machine_of(details)
        if isinstance(event, RedriveRequested):
            told = msgspec.structs.replace(
                told,
                stopped_at=None,
                error=None,
                cause=None,
                redrive_count=told.redrive_count + 1,
                redriven_at=at,
                redrive_token=event.token,
            )
        if status.is_final:
            told = msgspec.structs.replace(told, stopped_at=at, error=outcome.error, cause=outcome.cause)
        return msgspec.structs.replace(details, machine=told)

    def is_durable(self, details: ExecutionDetails) -> bool:
        """See ``Language``. As of AWS, an express execution is run again, or lost, after a power cut."""
        return not machine_of(details).is_express

    def texts(self, outcome: Advance) -> Mapping[str, str]:
        """See ``Language``."""
        return {} if outcome.output is None else {OUTPUT_TEXT: outcome.output}

    def encode_frame(self, frame: Frame) -> str:
        """See ``Language``."""
        return encode_frame(frame)

    def decode_frame(self, text: str) -> Frame:
        """See ``Language``."""
        return decode_frame(text)

    def encode_event(self, event: Event) -> str:
        """See ``Language``."""
        return encode_event(event)

    def decode_event(self, text: str) -> Event:
        """See ``Language``."""
        return decode_event(text)
