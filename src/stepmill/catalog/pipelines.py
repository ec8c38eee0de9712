"""The pipelines of this home: definitions under a name, in versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import Json
from stepmill.storage.records import Record, RecordStore

PIPELINE_KIND = "pipeline"
VERSION_KIND = "pipeline-version"

# API reference, CreatePipeline, PipelineName.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}")


@dataclass(frozen=True)
class PipelineVersion:
    """One version of a pipeline.

    Args:
        name: The pipeline's, as it was first spelt.
        arn: The pipeline's.
        version: 1, 2, 3 ...
        definition: Text of the document.
        created_at: Aware, UTC.
        is_new: Whether the call that returned this made it.
    """

    name: str
    arn: str
    version: int
    definition: str
    created_at: datetime
    is_new: bool = False


class Pipelines:
    """Keeps pipelines. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
    """

    def __init__(self, records: RecordStore, arns: Arns) -> None:
        self._records = records
        self._arns = arns

    def put(self, name: str, definition: str) -> PipelineVersion:
        """Make a pipeline, or its next version; a text equal to the newest version's makes none.

        Raises:
            InvalidInputError: If SageMaker would refuse the name.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInputError(
                f"{name!r} is no name for a pipeline.",
                mend="Use up to 256 letters, digits and single hyphens between them, as SageMaker does.",
            )
        key = name.lower()
        try:
            self._records.create(PIPELINE_KIND, key, {"name": name})
        except ConflictError:
            newest = self._newest(key)
            if newest is not None and newest.body["definition"] == definition:
                return self._version(newest)
        made = self._records.create_numbered(
            VERSION_KIND,
            key,
            lambda number: f"{key}/{number}",
            lambda _number: {"name": name, "definition": definition},
        )
        # Touched, so that listings by last change show it.
        self._records.update(PIPELINE_KIND, key, lambda record: replace(record, number=made.number))
        return replace(self._version(made), is_new=True)

    def get(self, name: str, version: int | None = None) -> PipelineVersion:
        """Return a version of a pipeline, the newest if none is named.

        Raises:
            NotFoundError: If there is no such pipeline or version.
        """
        key = name.lower()
        record = (
            self._newest(key) if version is None else self._records.find(VERSION_KIND, f"{key}/{version}")
        )
        if record is not None:
            return self._version(record)
        if version is not None and self._newest(key) is not None:
            raise NotFoundError(f"The pipeline {name!r} has no version {version}.")
        near = get_close_matches(name, self.names(), 1)
        raise NotFoundError(
            f"There is no pipeline {name!r}.",
            mend=f"Did you mean {near[0]!r}?" if near else "`stepmill run FILE` makes one.",
        )

    def names(self) -> list[str]:
        """Return the names of all pipelines, sorted."""
        names: list[str] = []
        token: str | None = None
        while True:
            page = self._records.list(PIPELINE_KIND, sort_by="name", limit=1000, after=token)
            names += [str(record.body["name"]) for record in page.records]
            token = page.next_token
            if token is None:
                return names

    def _newest(self, key: str) -> Record | None:
        page = self._records.list(VERSION_KIND, parent=key, sort_by="number", descending=True, limit=1)
        return page.records[0] if page.records else None

    def _version(self, record: Record) -> PipelineVersion:
        body: Mapping[str, Json] = record.body
        name = str(body["name"])
        return PipelineVersion(
            name, self._arns.pipeline(name), record.number, str(body["definition"]), record.created_at
        )
