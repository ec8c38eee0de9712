"""Jobs with keys of their own, for tests of what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from stepmill.catalog.permissions.role_policies import RolePolicies
from stepmill.catalog.roles import Roles
from stepmill.core.endpoint import AccessKey
from stepmill.core.json import JsonObject, write_json
from stepmill.core.statuses import JobStatus
from stepmill.jobs.access import Visitor
from stepmill.jobs.processing import ProcessingKind
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB, JobRecords, JobState
from stepmill.jobs.sessions import JobHolders, JobSessions
from stepmill.jobs.training import TrainingKind
from stepmill.storage.job_keys import SessionKeys
from support.keeping import ARNS, Keeping


@dataclass
class Sessions:
    """Records of jobs, and whoever gives them keys."""

    kept: Keeping

    def __post_init__(self) -> None:
        records, folder = self.kept.records, self.kept.folder
        kinds: dict[str, Any] = {PROCESSING_JOB: ProcessingKind(), TRAINING_JOB: TrainingKind()}
        holders = {
            name: JobHolders(kind, records, ARNS, folder / "jobs", folder) for name, kind in kinds.items()
        }
        self.sessions = JobSessions(SessionKeys(records), holders, self.kept.clock)
        self.roles = Roles(records, ARNS)
        self.policies = RolePolicies(self.roles)

    def begin(
        self, name: str, request: JsonObject, *, kind: str = TRAINING_JOB, task: str = "task", role: str = ""
    ) -> AccessKey:
        """Make a job's record, and return its key."""
        arn = ARNS.sagemaker(kind, name)
        JobRecords(self.kept.records, kind).open(name, request, JobState(task, arn))
        visitor = Visitor.of(
            kind, name, task, role=role, session=name, folder=Path("/none"), lasts=timedelta(hours=1)
        )
        return self.sessions.open(visitor)

    def end(self, name: str, kind: str = TRAINING_JOB) -> None:
        """Let a job end."""
        JobRecords(self.kept.records, kind).change(
            name, lambda state: msgspec.structs.replace(state, status=JobStatus.COMPLETED)
        )

    def policy(self, role: str, *statements: JsonObject, name: str = "own") -> None:
        """Give a role a policy of its own."""
        text = write_json({"Version": "2012-10-17", "Statement": list(statements)})
        self.roles.change(
            role, lambda kept: msgspec.structs.replace(kept, inline={**kept.inline, name: text})
        )
