"""Map Runs: found, stopped, forgotten."""

from __future__ import annotations

from msgspec.structs import replace

from stepmill.core.errors import IllegalTransitionError
from stepmill.engine.interpreters.commands import StopTask
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.frames import BranchFrame, FailedFrame, MapRunFrame, MapRunStatus


def run_of(draft: Draft, number: int) -> MapRunFrame:
    """Return a Map Run, by the id of the event of its start."""
    frame = draft.get(f"run/{number}")
    if not isinstance(frame, MapRunFrame):
        raise IllegalTransitionError(f"There is no Map Run {number}.")
    return frame


def find_run(draft: Draft, branch: BranchFrame) -> MapRunFrame | None:
    """Return the Map Run that a branch is in; ``None`` if it is in none."""
    frame = draft.get(f"run/{branch.scheduled}")
    return frame if isinstance(frame, MapRunFrame) else None


def iteration_name(run: MapRunFrame, index: int) -> str:
    """Return the last part of the id of an iteration's task."""
    return f"{index}r{run.redrives}" if run.redrives else str(index)


def drop_data(draft: Draft, number: int, run: MapRunFrame) -> None:
    """Forget the inputs and outputs of a Map Run that will not be redriven."""
    draft.drop(f"source/{number}")
    draft.drop_chunks(str(number), run.iterations.total)
    for failure in range(run.failures):
        draft.drop(f"failed/{number}/{failure}")


def stop_run(draft: Draft, name: str, branch: BranchFrame, status: MapRunStatus) -> MapRunFrame:
    """Stop all tasks of the Map Run that a branch is in, and note how it ends."""
    number = branch.scheduled
    run = run_of(draft, number)
    head = f"{draft.started.execution_id}/{name}/{number}"
    whats = [iteration_name(run, index) for index in run.running]
    if run.is_reading:
        whats.append(f"read{run.pages - 1}")
    if run.is_writing:
        whats.append(f"write{run.redrives}")
    draft.commands.extend(StopTask(f"{head}.{what}") for what in whats)
    for offset, index in enumerate(run.running):
        draft.put(f"failed/{number}/{run.failures + offset}", FailedFrame(index))
    run = replace(
        run,
        status=status,
        stopped_at=draft.at,
        failures=run.failures + len(run.running),
        running=(),
        items=replace(run.items, running=0, aborted=run.items.aborted + run.items.running),
        iterations=replace(
            run.iterations, running=0, aborted=run.iterations.aborted + run.iterations.running
        ),
        is_reading=False,
        is_writing=False,
    )
    draft.put(f"run/{number}", run)
    return run
