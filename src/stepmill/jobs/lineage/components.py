"""The trial components of jobs that no experiment was named for: lineage has one of each job.

Source: developer guide, "Amazon SageMaker AI-Created Tracking Entities".
"""

from __future__ import annotations

from contextlib import suppress

from stepmill.catalog.job_components import ExperimentConfig, component_of_job
from stepmill.catalog.trial_components import TrialComponents
from stepmill.core.errors import ConflictError
from stepmill.jobs.lineage.sheet import MEMBERS
from stepmill.jobs.records import describe
from stepmill.storage.records import Record


def open_component(components: TrialComponents, record: Record) -> None:
    """Make the trial component of a job that has ended, in no trial, unless it has one."""
    member = MEMBERS[record.kind]
    described = describe(record)
    request = component_of_job(described, member, ExperimentConfig("", ""))
    source = {"SourceArn": described[f"{member}Arn"], "SourceType": f"SageMaker{member}"}
    with suppress(ConflictError):
        components.create(request, source=source)
