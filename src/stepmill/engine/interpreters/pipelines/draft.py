"""The work of one advance: what was read, what has changed so far, and what is still to be done."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import PipelineExecutionStatus, StepStatus
from stepmill.engine.interpreters.commands import Command
from stepmill.engine.interpreters.pipelines.frames import (
    EXECUTION,
    INPUTS,
    ExecutionFrame,
    Frame,
    GateFrame,
    InputsFrame,
    ItemsFrame,
    LoopFrame,
    OutputFrame,
    ReadsFrame,
    ReadyFrame,
    StepFrame,
)
from stepmill.engine.interpreters.pipelines.outcome import Advance, HistoryEvent, HistoryType
from stepmill.engine.interpreters.pipelines.plan import Plan, PlannedStep


class Draft:
    """Changes laid over the frames of an execution.

    Args:
        plan: Of the execution's definition.
        frames: The frames as the last advance left them; read key by key, never changed.
        at: The moment of the event.
    """

    def __init__(self, plan: Plan, frames: Mapping[str, Frame], at: datetime) -> None:
        self.plan = plan
        self.at = at
        self.history: list[HistoryEvent] = []
        self.commands: list[Command] = []
        # Gates whose last need was met, with the index of the iteration (-1: none).
        self.opened: deque[tuple[str, int]] = deque()
        # Names of ForEach steps that may let another child through, or have ended.
        self.due_loops: deque[str] = deque()
        self._frames = frames
        self._changes: dict[str, Frame | None] = {}
        found = frames.get(EXECUTION)
        self._root = found if isinstance(found, ExecutionFrame) else None
        self._root_before = self._root

    @property
    def has_execution(self) -> bool:
        """Whether the execution has been started."""
        return self._root is not None

    @property
    def execution(self) -> ExecutionFrame:
        """The root frame."""
        if self._root is None:
            raise IllegalTransitionError("This execution has no root frame: nothing has started it.")
        return self._root

    @execution.setter
    def execution(self, frame: ExecutionFrame) -> None:
        self._root = frame

    def change_execution(self, **changes: Any) -> None:
        """Set some members of the root frame."""
        self.execution = replace(self.execution, **changes)

    @property
    def inputs(self) -> InputsFrame:
        """What the execution was started with."""
        frame = self._get(INPUTS)
        if not isinstance(frame, InputsFrame):
            raise IllegalTransitionError("This execution has lost its inputs.")
        return frame

    @property
    def may_start(self) -> bool:
        """Whether steps that have not started may."""
        root = self.execution
        return root.status is PipelineExecutionStatus.EXECUTING and not root.is_failing

    def step(self, name: str) -> StepFrame | None:
        """The frame of a step that has started; ``None`` before."""
        frame = self._get(f"step/{name}")
        return frame if isinstance(frame, StepFrame) else None

    def known_step(self, name: str) -> StepFrame:
        """The frame of a step that must have started."""
        frame = self.step(name)
        if frame is None:
            raise IllegalTransitionError(f"Step {name!r} has no frame.")
        return frame

    def output(self, name: str) -> OutputFrame | None:
        """The output of a step; ``None`` if it has none yet."""
        frame = self._get(f"output/{name}")
        return frame if isinstance(frame, OutputFrame) else None

    def reads(self, name: str) -> ReadsFrame:
        """The values read for a step so far."""
        frame = self._get(f"reads/{name}")
        return frame if isinstance(frame, ReadsFrame) else ReadsFrame()

    def missing(self, gate: str, index: int) -> int:
        """How many needs of a gate are missing."""
        frame = self._get(gate_key(gate, index))
        return frame.missing if isinstance(frame, GateFrame) else len(self.plan.gates[gate].needs)

    def ready(self, number: int, loop: str = "") -> ReadyFrame:
        """An entry of the ready queue, or of a ForEach's own."""
        frame = self._get(ready_key(number, loop))
        if not isinstance(frame, ReadyFrame):
            raise IllegalTransitionError(f"Entry {number} of the ready queue {loop!r} is missing.")
        return frame

    def loop(self, name: str) -> LoopFrame | None:
        """The progress of a ForEach; ``None`` before its items are known."""
        frame = self._get(f"loop/{name}")
        return frame if isinstance(frame, LoopFrame) else None

    def items(self, name: str) -> tuple[Json, ...]:
        """The items of a ForEach; none before they are known."""
        frame = self._get(f"items/{name}")
        return frame.items if isinstance(frame, ItemsFrame) else ()

    def put(self, key: str, frame: Frame) -> None:
        """Write a frame other than the root."""
        self._changes[key] = frame

    def put_step(self, frame: StepFrame) -> StepFrame:
        """Write a step's frame, and return it."""
        self._changes[f"step/{frame.name}"] = frame
        return frame

    def drop(self, key: str) -> None:
        """Delete a frame, if it is there."""
        if self._get(key) is not None:
            self._changes[key] = None

    def say(self, what: HistoryType, step: str = "", body: JsonObject | None = None) -> None:
        """Add a fact to the history."""
        self.history.append(HistoryEvent(what, step, body or {}))

    def planned(self, frame: StepFrame) -> PlannedStep:
        """The plan of a step, or of the body step that a child is made from."""
        return self.plan.steps[body_step(frame.name, frame.index)]

    def has_succeeded(self, name: str) -> bool:
        """Whether a step has succeeded, and so is not run again by a retry."""
        frame = self.step(name)
        return frame is not None and frame.status is StepStatus.SUCCEEDED

    def outcome(self) -> Advance:
        """Return all changes, without those that changed nothing in the end."""
        changes = {key: frame for key, frame in self._changes.items() if self._frames.get(key) != frame}
        before, after = self._root_before, self._root
        if after is not None and after != before:
            changes[EXECUTION] = after
        is_new = after is not None and (before is None or before.status is not after.status)
        return Advance(
            frames=changes,
            history=tuple(self.history),
            commands=tuple(self.commands),
            status=after.status if after is not None and is_new else None,
            failure_reason=after.failure_reason
            if after is not None and is_new and after.status.is_final
            else "",
        )

    def _get(self, key: str) -> Frame | None:
        if key in self._changes:
            return self._changes[key]
        return self._frames.get(key)


def gate_key(gate: str, index: int) -> str:
    """Return the key of a gate's frame; each iteration of a ForEach has its own."""
    return f"gate/{gate}" if index < 0 else f"gate/{gate}/{index}"


def ready_key(number: int, loop: str = "") -> str:
    """Return the key of an entry of the ready queue, or of a ForEach's own."""
    return f"ready/{loop}/{number}" if loop else f"ready/{number}"


def child_name(body: str, index: int) -> str:
    """Return the name of a body step's child in one iteration; outside of one, the name itself.

    Example:
        >>> child_name("Train", 3), child_name("Train", -1)
        ('Train-3', 'Train')
    """
    return body if index < 0 else f"{body}-{index}"


def body_step(name: str, index: int) -> str:
    """Return the opposite of ``child_name``.

    Example:
        >>> body_step("Train-3", 3), body_step("Train-3", -1)
        ('Train', 'Train-3')
    """
    return name if index < 0 else name.removesuffix(f"-{index}")
