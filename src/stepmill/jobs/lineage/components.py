"""The trial components of jobs that ended before each job was given one: lineage has one of each job.

Source: developer guide, "Amazon SageMaker AI-Created Tracking Entities".
"""

from __future__ import annotations

from contextlib import suppress

from stepmill.catalog.entities import COMPONENT
from stepmill.catalog.job_components import ExperimentConfig, component_name, component_of_job
from stepmill.catalog.trial_components import TrialComponents
from stepmill.core.errors import ConflictError
from stepmill.jobs.describing import describe
from stepmill.jobs.lineage.sheet import MEMBERS
from stepmill.storage.records import Record, RecordStore


def has_component(records: RecordStore, record: Record) -> bool:
    """Return whether a job has its trial component: nearly always, it is made with the job's end."""
    name = component_name(record.name, MEMBERS[record.kind])
    return records.find(COMPONENT.kind, name.lower()) is not None


def open_component(components: TrialComponents, record: Record) -> None:
    """Make the trial component of a job that has ended, in no trial, unless it has one."""
    member = MEMBERS[record.kind]
    described = describe(record)
    request = component_of_job(described, member, ExperimentConfig("", ""))
    source = {"SourceArn": described[f"{member}Arn"], "SourceType": f"SageMaker{member}"}
    with suppress(ConflictError):
        components.create(request, source=source)
