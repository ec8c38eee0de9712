"""What the runs of a job say of it: tags with its ARN, and the trial of its execution."""

from __future__ import annotations

from collections.abc import Mapping

from stepmill.catalog.job_components import experiment_config
from stepmill.core.endpoint import JobIdentity
from stepmill.jobs.records import JOB_KINDS, request_of, state_of
from stepmill.storage.records import Record, RecordStore

JOB_TAG = "stepmill.job.arn"
EXECUTION_TAG = "stepmill.execution.arn"
STEP_TAG = "stepmill.step"


class RecordedJobs:
    """Tells of processing and training jobs. See ``runs.JobFacts``.

    Args:
        records: Where they are kept.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    def tags(self, job: JobIdentity) -> Mapping[str, str]:
        """See ``JobFacts``."""
        record = self._find(job)
        if record is None:
            return {}
        state = state_of(record)
        told = {JOB_TAG: state.arn, EXECUTION_TAG: state.execution_arn, STEP_TAG: state.step}
        return {key: value for key, value in told.items() if value}

    def trial(self, job: JobIdentity) -> str:
        """See ``JobFacts``."""
        record = self._find(job)
        return experiment_config(request_of(record), record.name).trial if record else ""

    def _find(self, job: JobIdentity) -> Record | None:
        return self._records.find(job.kind, job.name) if job.kind in JOB_KINDS else None
