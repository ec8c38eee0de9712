"""What reaches the loop that drives executions, beside what lies in their inboxes."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from stepmill.engine.driven import Driven
from stepmill.engine.languages import Event
from stepmill.storage.executions import NewExecution


@dataclass(frozen=True, slots=True)
class Look:
    """The inbox has something."""


@dataclass(frozen=True, slots=True)
class Due:
    """In place of an event: this timer is due."""

    timer_id: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """An execution that is to be written with all that its first event leads to.

    Args:
        new: What is to be written; its owner is this engine.
        driven: The same, in memory.
        done: Set once it is written, or could not be.
    """

    new: NewExecution
    driven: Driven
    done: Future[None] = field(default_factory=Future)


# An event comes with the id of its execution.
Message: TypeAlias = tuple[str, Event] | Driven | Beginning | Look
