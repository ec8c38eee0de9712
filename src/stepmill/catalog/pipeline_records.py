"""Pipelines and their versions as values, and as the records that keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stepmill.catalog.aliases import aliases_of
from stepmill.core.arns import Arns
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record

PIPELINE_KIND = "pipeline"
VERSION_KIND = "pipeline-version"

# Status of the record of a pipeline that is being deleted; others have none.
DELETING = "Deleting"


@dataclass(frozen=True, slots=True)
class PipelineAbout:
    """What is said of a pipeline beside its definition. ``None`` in a change: as it was.

    Args:
        display_name: For humans.
        description: For humans.
        role: ARN of the role that its executions run under.
        parallelism: The most steps at once, of executions that do not say it themselves.
    """

    display_name: str | None = None
    description: str | None = None
    role: str | None = None
    parallelism: int | None = None

    def over(self, body: JsonObject) -> dict[str, Json]:
        """Return the body of a pipeline's record after this was said of it."""
        said: dict[str, Json | None] = {
            "display_name": self.display_name,
            "description": self.description,
            "role": self.role,
            "parallelism": self.parallelism,
        }
        return {**body, **{name: value for name, value in said.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline.

    Args:
        name: As it was first spelt.
        arn: Its ARN.
        version: Number of its newest version.
        about: What is said of it.
        aliases: Alias -> the version that it names.
        created_at: Aware, UTC.
        modified_at: The same.
        created_by: Name of the key of whoever made it; empty for the terminal.
        modified_by: The same, of whoever changed it last.
        is_deleting: Whether its deletion has begun.
    """

    name: str
    arn: str
    version: int
    about: PipelineAbout
    aliases: Mapping[str, int]
    created_at: datetime
    modified_at: datetime
    created_by: str = ""
    modified_by: str = ""
    is_deleting: bool = False


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
        display_name: Of this version; may be empty.
        description: Of this version; may be empty.
        aliases: That name this version, sorted.
    """

    name: str
    arn: str
    version: int
    definition: str
    created_at: datetime
    is_new: bool = False
    display_name: str = ""
    description: str = ""
    aliases: tuple[str, ...] = field(default=())


def read_pipeline(record: Record, arns: Arns) -> Pipeline:
    """Return the pipeline of a record."""
    body = record.body
    name = str(body["name"])
    parallelism = body.get("parallelism")
    return Pipeline(
        name=name,
        arn=arns.pipeline(name),
        version=record.number,
        about=PipelineAbout(
            display_name=_text(body, "display_name"),
            description=_text(body, "description"),
            role=_text(body, "role"),
            parallelism=parallelism if isinstance(parallelism, int) else None,
        ),
        aliases=read_aliases(record),
        created_at=record.created_at,
        modified_at=record.modified_at,
        created_by=_text(body, "created_by") or "",
        modified_by=_text(body, "modified_by") or "",
        is_deleting=record.status == DELETING,
    )


def read_version(record: Record, aliases: Mapping[str, int], arns: Arns) -> PipelineVersion:
    """Return the version of a record.

    Args:
        record: Of the version.
        aliases: Of the pipeline.
        arns: Builds ARNs.
    """
    body = record.body
    name = str(body["name"])
    return PipelineVersion(
        name=name,
        arn=arns.pipeline(name),
        version=record.number,
        definition=str(body["definition"]),
        created_at=record.created_at,
        display_name=_text(body, "display_name") or "",
        description=_text(body, "description") or "",
        aliases=aliases_of(aliases, record.number),
    )


def read_aliases(record: Record) -> dict[str, int]:
    """Return alias -> version out of the record of a pipeline."""
    kept = record.body.get("aliases")
    return {alias: int(str(version)) for alias, version in kept.items()} if isinstance(kept, Mapping) else {}


def _text(body: JsonObject, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None
