"""Pipelines, as the engine sees them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.engine.interpreters.pipelines.advance import advance
from stepmill.engine.interpreters.pipelines.events import (
    Event,
    RetryRequested,
    StopRequested,
    TimerFired,
    UpdateRequested,
    decode_event,
    encode_event,
)
from stepmill.engine.interpreters.pipelines.frames import Frame, decode_frame, encode_frame
from stepmill.engine.interpreters.pipelines.outcome import Advance
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.engine.plans import Plans
from stepmill.storage.executions import PIPELINES, ExecutionDetails


class PipelineLanguage:
    """A ``Language``.

    Args:
        plans: Of the definitions.
    """

    name = PIPELINES
    final = frozenset(str(status) for status in PipelineExecutionStatus if status.is_final)
    open = frozenset(str(status) for status in PipelineExecutionStatus if not status.is_final)

    def __init__(self, plans: Plans) -> None:
        self._plans = plans

    def plan(self, details: ExecutionDetails, text: str | None = None) -> Plan:
        """See ``Language``."""
        return self._plans.of(details.definition, text=text)

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
        del at
        if outcome.status is not None:
            details = msgspec.structs.replace(details, failure_reason=outcome.failure_reason)
        if isinstance(event, StopRequested | RetryRequested | UpdateRequested):
            details = _told(details, event)
        return details

    def is_durable(self, details: ExecutionDetails) -> bool:
        """See ``Language``."""
        del details
        return True

    def texts(self, outcome: Advance) -> Mapping[str, str]:
        """See ``Language``."""
        del outcome
        return {}

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


def _told(
    details: ExecutionDetails, event: StopRequested | RetryRequested | UpdateRequested
) -> ExecutionDetails:
    """Return what is kept of an execution after somebody wished something of it."""
    changed: dict[str, str | int | None] = {"modified_by": event.by or None}
    match event:
        case StopRequested():
            changed["stop_token"] = event.token or None
        case RetryRequested():
            changed |= {"retry_token": event.token or None, "parallelism": event.parallelism}
        case UpdateRequested():
            changed |= {
                "display_name": event.display_name,
                "description": event.description,
                "parallelism": event.parallelism,
            }
    said = {name: value for name, value in changed.items() if value is not None}
    return msgspec.structs.replace(details, **said)
