"""Takes the capacity away from a training job on demand, as the spot market does at any time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from stepmill.compute.spec import Compute
from stepmill.compute.supervision.files import SPEC
from stepmill.core.errors import WrongStateError
from stepmill.core.statuses import JobStatus
from stepmill.jobs.peers import stop_together
from stepmill.jobs.records import TRAINING_JOB, JobRecords, JobState, request_of, state_of
from stepmill.storage.records import Record, RecordStore


class Interruptions:
    """Interrupts jobs, whichever process drives them.

    Args:
        records: Where jobs are kept.
        compute: Runs them, here or in another process.
        folder: Holds the folders of training jobs.
    """

    def __init__(self, records: RecordStore, compute: Compute, folder: Path) -> None:
        self._jobs = JobRecords(records, TRAINING_JOB)
        self._compute = compute
        self._folder = folder

    def interrupt(self, name: str) -> Record:
        """Interrupt a training job: SIGTERM, and SIGKILL after its grace time. It goes on later.

        Raises:
            NotFoundError: If there is none of that name.
            WrongStateError: If it does not run, or not on spot capacity.
        """
        record = self._jobs.get(name)
        state = state_of(record)
        if not is_on_spot(request_of(record)):
            raise WrongStateError(
                f"The training job {record.name!r} does not run on spot capacity.",
                where=record.name,
                mend="Set EnableManagedSpotTraining when it is created, and StoppingCondition."
                "MaxWaitTimeInSeconds.",
            )
        folder = self._folder / record.name
        if state.status is not JobStatus.IN_PROGRESS or not (folder / SPEC).exists():
            raise WrongStateError(
                f"The training job {record.name!r} does not run now: it is {state.secondary}.",
                where=record.name,
                mend="Only a job that runs can be interrupted.",
            )
        # First the wish: whoever sees the end is to know why it came.
        record = self._jobs.change(record.name, _interrupting)
        stop_together(self._compute, folder)
        return record


def is_on_spot(request: Mapping[str, object]) -> bool:
    """Say whether a training job was asked to run on spot capacity."""
    return str(request.get("EnableManagedSpotTraining")).lower() == "true"


def _interrupting(state: JobState) -> JobState:
    return msgspec.structs.replace(state, interrupting=True)
