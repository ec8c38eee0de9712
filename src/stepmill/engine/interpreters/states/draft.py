"""The work of one advance: what was read, what has changed so far, and what is still to be done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.interpreters.commands import Command
from stepmill.engine.interpreters.states.failure import StateFailure
from stepmill.engine.interpreters.states.frames import (
    CHUNK,
    EXECUTION,
    STARTED,
    BranchFrame,
    ExecutionFrame,
    ForkFrame,
    Frame,
    ItemsFrame,
    Phase,
    ResultsFrame,
    StartedFrame,
    VariablesFrame,
)
from stepmill.engine.interpreters.states.outcome import Advance, HistoryEvent
from stepmill.engine.interpreters.states.plan import Plan, PlannedState

# Of the service. Source: developer guide, "Quotas"; the last of them is the failure itself.
MOST_EVENTS = 25_000


class HistoryFullError(Exception):
    """The history has room only for the execution's end."""


@dataclass(frozen=True, slots=True)
class Enter:
    """To do: a branch goes on with the state that it is at."""

    branch: str


@dataclass(frozen=True, slots=True)
class Ended:
    """To do: a branch has come to its end with an output."""

    branch: str
    output: Json


@dataclass(frozen=True, slots=True)
class Broken:
    """To do: a branch has failed."""

    branch: str
    failure: StateFailure


Todo = Enter | Ended | Broken


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
        self.todo: deque[Todo] = deque()
        # Compact texts of the outputs that branches go on with, so that none is written twice.
        self.texts: dict[str, str] = {}
        self._frames = frames
        self._changes: dict[str, Frame | None] = {}
        self._branches: dict[str, BranchFrame | None] = {}
        self._variables: dict[str, JsonObject] = {}
        self._end: tuple[str | None, str | None, str | None] = (None, None, None)
        root = frames.get(EXECUTION)
        self._root_before = root if isinstance(root, ExecutionFrame) else None
        self.root = self._root_before
        self.last_event = root.last_event if isinstance(root, ExecutionFrame) else 0

    # ---- the execution ----------------------------------------------------------------------

    @property
    def execution(self) -> ExecutionFrame:
        """The root frame; its ``last_event`` is that of the last advance."""
        if self.root is None:
            raise IllegalTransitionError("This execution has no root frame: nothing has started it.")
        return self.root

    @property
    def started(self) -> StartedFrame:
        """What the execution was started with."""
        frame = self.get(STARTED)
        if not isinstance(frame, StartedFrame):
            raise IllegalTransitionError("This execution has lost what it was started with.")
        return frame

    @property
    def is_running(self) -> bool:
        """Whether the execution has begun and not ended."""
        return self.root is not None and self.root.status is StateMachineExecutionStatus.RUNNING

    def end(
        self,
        status: StateMachineExecutionStatus,
        *,
        output: str | None = None,
        error: str | None = None,
        cause: str | None = None,
    ) -> None:
        """Note how the execution ends."""
        self.root = replace(self.execution, status=status, ready=())
        self._end = (output, error, cause)

    def say(self, what: str, step: str, link: int, key: str = "", details: JsonObject | None = None) -> int:
        """Add an event to the history, and return its id.

        Raises:
            HistoryFullError: If there is room only for the execution's end, where the service's limit holds.
        """
        if self.plan.parity and self.last_event >= MOST_EVENTS - 1 and not what.startswith("Execution"):
            raise HistoryFullError
        self.last_event += 1
        body: JsonObject = {"previousEventId": link, key: details} if key else {"previousEventId": link}
        self.history.append(HistoryEvent(what, step, body))
        return self.last_event

    # ---- branches ---------------------------------------------------------------------------

    def branch(self, name: str) -> BranchFrame:
        """A branch that must be there; a change of it is kept."""
        frame = self.find_branch(name)
        if frame is None:
            raise IllegalTransitionError(f"Branch {name} has no frame.")
        return frame

    def find_branch(self, name: str) -> BranchFrame | None:
        """A branch; ``None`` if it is not there, or no longer."""
        if name in self._branches:
            return self._branches[name]
        frame = self._frames.get(f"branch/{name}")
        if not isinstance(frame, BranchFrame):
            return None
        own = self._branches[name] = replace(frame)
        return own

    def new_branch(self, name: str, state: str, value: Json, link: int) -> BranchFrame:
        """Make a branch that will enter a state."""
        frame = self._branches[name] = BranchFrame(state, value, Phase.READY, link)
        return frame

    def drop_branch(self, name: str) -> None:
        """Forget a branch and its variables."""
        self._branches[name] = None
        self._variables.pop(name, None)
        self.drop(f"variables/{name}")

    def planned(self, branch: BranchFrame) -> PlannedState:
        """The plan of the state that a branch is in."""
        return self.plan.states[branch.state]

    # ---- variables --------------------------------------------------------------------------

    def variables(self, branch: str) -> JsonObject:
        """All variables that a branch sees."""
        known = self._variables.get(branch)
        if known is None:
            own = self.get(f"variables/{branch}")
            parent = branch.rpartition(".")[0]
            known = dict(self.variables(parent)) if parent else {}
            if isinstance(own, VariablesFrame):
                known.update(own.values)
            self._variables[branch] = known
        return known

    def assign(self, branch: str, values: JsonObject) -> None:
        """Set variables of a branch's own scope."""
        key = f"variables/{branch}"
        own = self.get(key)
        before = own.values if isinstance(own, VariablesFrame) else {}
        self.put(key, VariablesFrame({**before, **values}))
        self._variables.pop(branch, None)

    # ---- forks ------------------------------------------------------------------------------

    def fork(self, branch: str) -> ForkFrame:
        """The progress of the Parallel or Map that a branch is in."""
        frame = self.get(f"fork/{branch}")
        if not isinstance(frame, ForkFrame):
            raise IllegalTransitionError(f"Branch {branch} has no fork.")
        return frame

    def put_items(self, branch: str, items: Iterable[Json]) -> None:
        """Write the items of a Map, in chunks."""
        known = tuple(items)
        for first in range(0, len(known), CHUNK):
            self.put(f"items/{branch}/{first // CHUNK}", ItemsFrame(known[first : first + CHUNK]))

    def append_items(self, owner: str, known: int, items: Sequence[Json]) -> None:
        """Write further inputs of iterations behind those that are known."""
        frames: dict[int, list[Json]] = {}
        for index, item in enumerate(items, start=known):
            chunk = index // CHUNK
            if chunk not in frames:
                before = self.get(f"items/{owner}/{chunk}")
                frames[chunk] = list(before.items) if isinstance(before, ItemsFrame) else []
            frames[chunk].append(item)
        for chunk, found in frames.items():
            self.put(f"items/{owner}/{chunk}", ItemsFrame(tuple(found)))

    def item(self, branch: str, index: int) -> Json:
        """An item of a Map."""
        frame = self.get(f"items/{branch}/{index // CHUNK}")
        if not isinstance(frame, ItemsFrame):
            raise IllegalTransitionError(f"Branch {branch} has no item {index}.")
        return frame.items[index % CHUNK]

    def put_result(self, branch: str, index: int, output: Json) -> None:
        """Write the output of a branch or an iteration."""
        key = f"results/{branch}/{index // CHUNK}"
        frame = self.get(key)
        before = frame.outputs if isinstance(frame, ResultsFrame) else {}
        self.put(key, ResultsFrame({**before, str(index): output}))

    def results(self, branch: str, total: int) -> list[Json]:
        """The outputs of all branches or iterations, in order; those that have none are left out."""
        found: list[Json] = []
        for chunk in range(-(-total // CHUNK)):
            frame = self.get(f"results/{branch}/{chunk}")
            if isinstance(frame, ResultsFrame):
                first = chunk * CHUNK
                names = map(str, range(first, first + CHUNK))
                found += [frame.outputs[name] for name in names if name in frame.outputs]
        return found

    def drop_fork(self, branch: str) -> None:
        """Forget a fork with its items and results; its branches must be gone."""
        total = self.fork(branch).total
        self.drop(f"fork/{branch}")
        self.drop_chunks(branch, total)

    def drop_chunks(self, owner: str, total: int) -> None:
        """Forget items and results."""
        for chunk in range(-(-total // CHUNK)):
            self.drop(f"items/{owner}/{chunk}")
            self.drop(f"results/{owner}/{chunk}")

    # ---- frames -----------------------------------------------------------------------------

    def get(self, key: str) -> Frame | None:
        """A frame other than the root and the branches."""
        if key in self._changes:
            return self._changes[key]
        return self._frames.get(key)

    def put(self, key: str, frame: Frame) -> None:
        """Write a frame other than the root and the branches."""
        self._changes[key] = frame

    def drop(self, key: str) -> None:
        """Delete a frame, if it is there."""
        if self.get(key) is not None:
            self._changes[key] = None

    def outcome(self) -> Advance:
        """Return all changes, without those that changed nothing in the end."""
        changes: dict[str, Frame | None] = dict(self._changes)
        changes.update((f"branch/{name}", frame) for name, frame in self._branches.items())
        changes = {key: frame for key, frame in changes.items() if self._frames.get(key) != frame}
        before, after = self._root_before, self.root
        if after is not None:
            after = replace(after, last_event=self.last_event)
            if after != before:
                changes[EXECUTION] = after
        # Redriven, it may come to the same end at once.
        is_new = after is not None and (
            before is None or (before.status, before.redrives) != (after.status, after.redrives)
        )
        output, error, cause = self._end
        return Advance(
            frames=changes,
            history=tuple(self.history),
            commands=tuple(self.commands),
            status=after.status if after is not None and is_new else None,
            output=output,
            error=error,
            cause=cause,
        )
