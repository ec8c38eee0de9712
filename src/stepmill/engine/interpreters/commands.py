"""What the interpreter wants done outside. The engine carries it out after the state is committed."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from stepmill.core.tasks import Task


class StartTask(msgspec.Struct, frozen=True, tag=True):
    """Hand this task to the handler of its resource."""

    task: Task


class StopTask(msgspec.Struct, frozen=True, tag=True):
    """Ask a task that was started to end soon. Its final report is still expected."""

    task_id: str


class SetTimer(msgspec.Struct, frozen=True, tag=True):
    """Send ``TimerFired(timer_id)`` at that moment. One that comes too late or too often is ignored."""

    timer_id: str
    due_at: datetime


class DropTimer(msgspec.Struct, frozen=True, tag=True):
    """Forget a timer that nobody waits for any more. One that has fired or was never set is no fault."""

    timer_id: str


Command: TypeAlias = StartTask | StopTask | SetTimer | DropTimer

_decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)


def encode_command(command: Command) -> str:
    """Return the command as JSON text."""
    return msgspec.json.encode(command).decode()


def decode_command(text: str | bytes) -> Command:
    """Return the command of a text that ``encode_command`` wrote.

    Raises:
        msgspec.DecodeError: If it did not.
    """
    return _decoder.decode(text)
