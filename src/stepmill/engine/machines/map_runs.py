"""Looking at the runs of distributed maps: what executions keep of them."""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.core.errors import NotFoundError
from stepmill.core.states_arns import StatesArn
from stepmill.engine.interpreters.states.frames import MapRunFrame, decode_frame
from stepmill.engine.machines.reading import MachineExecutionReader
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.storage.executions import ExecutionStore

_PREFIX = "run/"
# A run without any iteration is looked for among so many of its machine's newest executions.
_MOST_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class MapRun:
    """A run of a distributed Map.

    Args:
        run: How it stands.
        execution: The execution that it is of.
    """

    run: MapRunFrame
    execution: MachineExecution


class MapRuns:
    """Reads Map Runs.

    Args:
        store: Where executions are kept.
        executions: Reads executions.
    """

    def __init__(self, store: ExecutionStore, executions: MachineExecutionReader) -> None:
        self._store = store
        self._executions = executions

    def describe(self, arn: str) -> MapRun:
        """Return a Map Run by its ARN.

        Raises:
            NotFoundError: If there is none.
        """
        children = self._executions.find(map_run=arn, limit=1).executions
        if children:
            execution = self._executions.describe(children[0].details.parent)
            found = self._run_in(execution, arn)
            if found is not None:
                return found
        named = StatesArn.read(arn)
        machine = named.name if named is not None else ""
        for execution in self._executions.find(machine=machine, limit=_MOST_LOOKED_AT).executions:
            found = self._run_in(execution, arn)
            if found is not None:
                return found
        raise NotFoundError(f"Resource not found: '{arn}'", where=arn)

    def of_execution(self, execution: str) -> list[MapRun]:
        """Return the Map Runs of an execution, the newest first.

        Raises:
            NotFoundError: If there is no such execution.
        """
        parent = self._executions.describe(execution)
        runs = [MapRun(run, parent) for run in self._runs(parent.id)]
        return sorted(runs, key=lambda each: (each.run.started_at, each.run.arn), reverse=True)

    def _run_in(self, execution: MachineExecution, arn: str) -> MapRun | None:
        return next((MapRun(run, execution) for run in self._runs(execution.id) if run.arn == arn), None)

    def _runs(self, execution: str) -> list[MapRunFrame]:
        frames = map(decode_frame, self._store.frames(execution, prefix=_PREFIX).values())
        return [frame for frame in frames if isinstance(frame, MapRunFrame)]
