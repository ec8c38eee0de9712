"""Changes training jobs that were taken: how long their machines are kept, and what is profiled.

Source: API reference, UpdateTrainingJob; developer guide, "Use SageMaker AI managed warm pools".
"""

from __future__ import annotations

from datetime import timedelta

from stepmill.core.clock import Clock
from stepmill.core.errors import WrongStateError
from stepmill.core.json import Json, JsonObject, object_of
from stepmill.jobs.machine.booking import key_of
from stepmill.jobs.machine.queue import MachineQueue
from stepmill.jobs.records import TRAINING_JOB, JobRecords, state_of
from stepmill.jobs.warm_pools import PoolStatus
from stepmill.storage.records import RecordStore


class TrainingUpdates:
    """Changes training jobs.

    Args:
        records: Where they are kept.
        machine: Keeps what they have booked.
        clock: Tells the time.
    """

    def __init__(self, records: RecordStore, machine: MachineQueue, clock: Clock) -> None:
        self._jobs = JobRecords(records, TRAINING_JOB)
        self._machine = machine
        self._clock = clock

    def keep_alive(self, name: str, seconds: int) -> None:
        """Have the machine of a job that has ended kept for another time, from its end on; 0 gives it back.

        Raises:
            NotFoundError: If there is no such job.
            WrongStateError: If nothing is kept of it.
        """
        record, now = self._jobs.get(name), self._clock.now()
        pool = state_of(record).pool
        status = None if pool is None else pool.status(now)
        if pool is None or pool.kept_from is None or status is not PoolStatus.AVAILABLE:
            raise _not_available(record.name, "none" if status is None else str(status))
        kept = pool.kept(pool.kept_from, pool.kept_from + timedelta(seconds=seconds))
        until = max(now, kept.kept_until or now)
        if not self._machine.keep_on(key_of(TRAINING_JOB, record.name), until):
            raise _not_available(record.name, "another one by now")
        # Whoever has reused it meanwhile has written that.
        self._jobs.change_pool(
            record.name, lambda left: left if left.reused_by else left.until(until), keep_alive=seconds
        )

    def profiler(self, name: str, config: JsonObject, rules: Json = None) -> None:
        """Change what Describe tells of the profiling of a job. As when it is created, nothing here profiles.

        Args:
            name: Of the job.
            config: Members that replace those of its ProfilerConfig.
            rules: Its ProfilerRuleConfigurations from now on; ``None``: those that it has.

        Raises:
            NotFoundError: If there is no such job.
            WrongStateError: If it has ended.
        """
        record = self._jobs.get(name)
        if (status := state_of(record).status).is_final:
            raise WrongStateError(
                f"The request was rejected because the training job is in status {status}.",
                where="ProfilerConfig",
                mend="Only a job that runs can be profiled in another way.",
            )

        def changed(request: JsonObject) -> JsonObject:
            own = {**object_of(request.get("ProfilerConfig")), **config}
            more: JsonObject = {} if rules is None else {"ProfilerRuleConfigurations": rules}
            return {**request, "ProfilerConfig": own, **more}

        self._jobs.change_request(record.name, changed)


def _not_available(name: str, status: str) -> WrongStateError:
    return WrongStateError(
        f"The warm pool of the training job {name!r} cannot be updated: its status is {status}, and only "
        "one that is Available can be.",
        where="ResourceConfig.KeepAlivePeriodInSeconds",
        mend="Update it between the end of the job and the end of the time that its machine is kept.",
    )
