"""Engines that drive state machines over a real database; the machines are made by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stepmill.core.clock import Clock
from stepmill.core.states_arns import StatesArns
from stepmill.core.tasks import TaskHandler
from stepmill.engine.engine import Engine
from stepmill.engine.hands import ExecutionHands
from stepmill.engine.machines.control import MachineControl
from stepmill.engine.machines.iterations import RESOURCE, IterationHandler
from stepmill.engine.machines.language import MachinePlans, StatesLanguage
from stepmill.engine.machines.reading import MachineExecutionReader
from stepmill.engine.machines.starting import MachineStart
from stepmill.language.states.definition import StateMachine
from stepmill.storage.sql_executions import SqlExecutionStore
from stepmill.testing.handlers import ScriptedHandler
from support.engines import Home

ARNS = StatesArns("us-west-2", "123456789012")
ROLE = "arn:aws:iam::123456789012:role/r"


class MachineHome(Home):
    """A folder in which engines of state machines run.

    Args:
        folder: Where.
        machines: Text of a definition -> the machine that it stands for.
        clock: Tells the time.
    """

    def __init__(
        self, folder: Path, machines: Mapping[str, StateMachine], clock: Clock | None = None
    ) -> None:
        super().__init__(folder, clock)
        self.machines = machines

    def plans(self, store: SqlExecutionStore) -> MachinePlans:
        return MachinePlans(store.definition, lambda text: self.machines[text])

    def drive(
        self, handlers: Mapping[str, TaskHandler] | None = None, **options: Any
    ) -> tuple[Engine, MachineControl]:
        """An engine for machines, and what can be asked of it."""
        store = self.store()
        plans = self.plans(store)
        iterations = IterationHandler(store, plans, lambda: engine, clock=self.clock, arns=ARNS)
        known = {RESOURCE: iterations, **(handlers or {})}
        engine: Engine = self.engine(ScriptedHandler(), others=[(StatesLanguage(plans), known)], **options)
        return engine, self.control(engine, store, plans)

    def control(
        self, hands: ExecutionHands, store: SqlExecutionStore | None = None, plans: MachinePlans | None = None
    ) -> MachineControl:
        """What can be asked of whoever drives."""
        store = store or self.store()
        reader = MachineExecutionReader(store, self.folder / "engines")
        return MachineControl(store, reader, plans or self.plans(store), hands, clock=self.clock, arns=ARNS)

    def reader(self) -> MachineExecutionReader:
        return MachineExecutionReader(self.store(), self.folder / "engines")


@contextmanager
def open_machine_home(
    folder: Path, machines: Mapping[str, StateMachine], clock: Clock | None = None
) -> Iterator[MachineHome]:
    home = MachineHome(folder, machines, clock)
    try:
        yield home
    finally:
        home.close()


def start_of(definition: str, **options: Any) -> MachineStart:
    """A wish to run a machine that is called as its definition's text; a whole document's is called ``M``."""
    name = "M" if definition.startswith("{") else definition
    return MachineStart(name, ARNS.machine(name), definition, ROLE, **options)
