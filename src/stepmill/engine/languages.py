"""What the engine must know of a language whose executions it drives; all else its interpreter knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from stepmill.core.json import JsonObject
from stepmill.engine.interpreters.commands import Command
from stepmill.storage.executions import ExecutionDetails

# Each language has its own, and gets back only what it gave.
Plan: TypeAlias = Any
Frame: TypeAlias = Any
Event: TypeAlias = Any

# Body of an inbox event that tells nothing but to drive the execution.
NUDGE = ""


class Fact(Protocol):
    """What happened, for the history of an execution."""

    @property
    def type(self) -> str:
        """Name of what happened."""
        ...

    @property
    def step(self) -> str:
        """Whom it concerns; empty for the execution itself."""
        ...

    @property
    def body(self) -> JsonObject:
        """The rest."""
        ...


class Outcome(Protocol):
    """What one event leads to."""

    @property
    def frames(self) -> Mapping[str, Frame | None]:
        """The changed frames by key; ``None``: to be deleted."""
        ...

    @property
    def history(self) -> Sequence[Fact]:
        """What happened, in order."""
        ...

    @property
    def commands(self) -> Sequence[Command]:
        """What is to be done, in order."""
        ...

    @property
    def status(self) -> str | None:
        """The execution's new status, if it changed."""
        ...


class Language(Protocol):
    """A language, as the engine sees it. Safe to share between threads."""

    @property
    def name(self) -> str:
        """As executions name their language where they are kept."""
        ...

    @property
    def final(self) -> frozenset[str]:
        """The statuses in which nothing more happens by itself."""
        ...

    @property
    def open(self) -> frozenset[str]:
        """All other statuses."""
        ...

    def plan(self, details: ExecutionDetails, text: str | None = None) -> Plan:
        """Return what an execution follows.

        Args:
            details: Of the execution.
            text: Its definition, if it is at hand: it need not be stored yet.

        Raises:
            DefinitionError: If this version of Stepmill refuses its definition.
        """
        ...

    def advance(self, plan: Plan, frames: Mapping[str, Frame], event: Event, at: datetime) -> Outcome:
        """Return what an event leads to.

        Raises:
            IllegalTransitionError: If the event cannot happen now.
        """
        ...

    def timer_fired(self, timer_id: str) -> Event:
        """Return the event that says that a timer has fired."""
        ...

    def details_after(
        self, details: ExecutionDetails, event: Event, outcome: Any, at: datetime
    ) -> ExecutionDetails:
        """Return what is kept of an execution after an event."""
        ...

    def is_durable(self, details: ExecutionDetails) -> bool:
        """Return whether the end of an execution must survive a power cut once somebody has seen it."""
        ...

    def texts(self, outcome: Any) -> Mapping[str, str]:
        """Return what an outcome leaves beside the frames, to be kept like one: key -> text."""
        ...

    def encode_frame(self, frame: Frame) -> str:
        """Return a frame as JSON text."""
        ...

    def decode_frame(self, text: str) -> Frame:
        """Return the frame of such a text."""
        ...

    def encode_event(self, event: Event) -> str:
        """Return an event as JSON text."""
        ...

    def decode_event(self, text: str) -> Event:
        """Return the event of such a text.

        Raises:
            msgspec.DecodeError: If it is none.
        """
        ...
