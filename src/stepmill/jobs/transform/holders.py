"""Transform jobs as holders of keys: what the code of a model may ask of this installation's services."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepmill.catalog.permissions.documents import Statement
from stepmill.core.arns import Arns
from stepmill.core.endpoint import JobIdentity
from stepmill.core.json import read_json
from stepmill.jobs.grants import grants_of_request
from stepmill.jobs.records import TRANSFORM_JOB, request_of, state_of
from stepmill.jobs.sessions import running_record
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.records import Record, RecordStore


@dataclass(frozen=True)
class TransformHolders:
    """Transform jobs. See ``sessions.Holders``.

    Args:
        records: Where they are kept.
        arns: Builds ARNs.
        folder: Of the jobs' folders.
        project: Folder that relative paths start from.
    """

    records: RecordStore
    arns: Arns
    folder: Path
    project: Path

    def find(self, job: JobIdentity) -> Record | None:
        """See ``Holders``."""
        return running_record(self.records, TRANSFORM_JOB, job)

    def grants(self, record: Record) -> tuple[Statement, ...]:
        """See ``Holders``. The model is the one that the job was begun with."""
        # Whoever runs no transform job does not load what reads their requests.
        from stepmill.jobs.transform.containers import NoCatalog
        from stepmill.jobs.transform.laying import MODEL
        from stepmill.jobs.transform.request import KEPT_MODEL, read_transform_request

        kept = self.folder / record.kind / record.name / MODEL
        if not kept.is_file():
            return ()
        document = {**request_of(record), KEPT_MODEL: read_json(kept.read_bytes())}
        request = read_transform_request(document, self.project, NoCatalog(), NoCatalog())
        return grants_of_request(
            request,
            member="TransformJob",
            name=record.name,
            arn=state_of(record).arn,
            arns=self.arns,
            written=[request.output] if isinstance(request.output, S3Uri) else [],
            hyperparameters={},
        )
