"""The pipelines of this home: definitions under a name, in versions.

A change of a pipeline and the version that comes with it are one transaction: there is no pipeline
without a version, and no version that its pipeline does not know of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from stepmill.catalog.aliases import moved_aliases
from stepmill.catalog.pipeline_records import (
    DELETING,
    PIPELINE_KIND,
    VERSION_KIND,
    Pipeline,
    PipelineAbout,
    PipelineVersion,
    read_aliases,
    read_pipeline,
    read_version,
)
from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import Json, digest
from stepmill.core.spelling import did_you_mean
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

# Remembers the deletion of a pipeline under its name, for whoever asks for it twice.
_GRAVE_KIND = "deleted-pipeline"
_PAGE = 1000

# API reference, CreatePipeline, PipelineName.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}")
_NOTHING = PipelineAbout()


@dataclass(frozen=True, slots=True)
class PipelinePage:
    """A part of the list of pipelines; ``next_token`` is ``None`` on the last page."""

    pipelines: tuple[Pipeline, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class VersionPage:
    """A part of the list of a pipeline's versions; ``next_token`` is ``None`` on the last page."""

    versions: tuple[PipelineVersion, ...]
    next_token: str | None


class Pipelines:
    """Keeps pipelines. Safe to share between threads and processes.

    Names that differ by their case alone name the same pipeline, as their ARNs are the same.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
    """

    def __init__(self, records: RecordStore, arns: Arns) -> None:
        self._records = records
        self._arns = arns

    # ---- changing ------------------------------------------------------------------------------

    def put(self, name: str, definition: str) -> PipelineVersion:
        """Make a pipeline, or its next version; a text equal to the newest version's makes none.

        Raises:
            InvalidInputError: If SageMaker would refuse the name.
            ConflictError: If the pipeline is being deleted.
        """
        _check_name(name)
        with self._records.transaction():
            record = self._records.find(PIPELINE_KIND, name.lower())
            if record is None:
                record, is_new = self._make(name, definition, {}), True
            else:
                record, is_new = self._change(_changeable(record), definition)
            newest = self._records.get(VERSION_KIND, _version_name(name, record.number))
        return replace(read_version(newest, read_aliases(record), self._arns), is_new=is_new)

    def create(
        self,
        name: str,
        definition: str,
        about: PipelineAbout = _NOTHING,
        *,
        aliases: Iterable[str] = (),
        by: str = "",
        token: str = "",
    ) -> Pipeline:
        """Make a pipeline with its first version.

        Args:
            name: Of the pipeline.
            definition: Text of the document.
            about: What is said of it.
            aliases: Names of its first version.
            by: Name of the key of whoever asks.
            token: Asking again with the same token for the same makes nothing more.

        Raises:
            InvalidInputError: If SageMaker would refuse the name or an alias.
            ConflictError: If there is one of that name, and not by the same token.
        """
        _check_name(name)
        named: dict[str, Json] = {**moved_aliases({}, 1, add=aliases)}
        body = about.over({"aliases": named, "created_by": by, "modified_by": by})
        body["request"] = digest([token, name, definition, body]) if token else ""
        with self._records.transaction():
            record = self._records.find(PIPELINE_KIND, name.lower())
            if record is None:
                record = self._make(name, definition, body)
            elif not token or record.body.get("request") != body["request"]:
                raise ConflictError(
                    f"Pipeline names must be unique within an account and region, and a pipeline with the "
                    f"name {record.body['name']!r} already exists ({self._arns.pipeline(name)}).",
                    mend="Update that one, or choose another name.",
                )
        return read_pipeline(record, self._arns)

    def update(
        self,
        name: str,
        definition: str | None = None,
        about: PipelineAbout = _NOTHING,
        *,
        aliases: Iterable[str] = (),
        by: str = "",
    ) -> Pipeline:
        """Change a pipeline; a definition that differs from the newest version's is the next version.

        Args:
            name: Of the pipeline.
            definition: Text of the document; ``None``: as it was.
            about: What is said of it from now on.
            aliases: Names of the new version.
            by: Name of the key of whoever asks.

        Raises:
            NotFoundError: If there is no such pipeline.
            InvalidInputError: If SageMaker would refuse an alias, or aliases are given and no new version.
            ConflictError: If an alias names another version, or the pipeline is being deleted.
        """
        with self._records.transaction():
            record, is_new = self._change(_changeable(self._record(name)), definition)
            names = tuple(aliases)
            if names and not is_new:
                raise InvalidInputError(
                    "Aliases can be given only with a new version, and the definition is the newest one's.",
                    where="PipelineVersionAliases",
                    mend="Change the definition, or use UpdatePipelineVersion.",
                )
            moved = moved_aliases(read_aliases(record), record.number, add=names)
            body = about.over({**record.body, "aliases": moved, "modified_by": by})
            record = self._records.update(PIPELINE_KIND, record.name, lambda old: replace(old, body=body))
        return read_pipeline(record, self._arns)

    def update_version(
        self,
        name: str,
        version: int,
        *,
        display_name: str | None = None,
        description: str | None = None,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        by: str = "",
    ) -> PipelineVersion:
        """Say something else of a version, and give it other aliases. ``None`` leaves a text as it was.

        Raises:
            NotFoundError: If there is no such pipeline or version.
            InvalidInputError: If an alias cannot be added or removed.
            ConflictError: If an alias names another version, or the pipeline is being deleted.
        """
        said = {"display_name": display_name, "description": description}
        changed = {member: text for member, text in said.items() if text is not None}
        with self._records.transaction():
            record = _changeable(self._record(name))
            self.get(name, version)
            moved = moved_aliases(read_aliases(record), version, add=add, remove=remove)
            made = self._records.update(
                VERSION_KIND,
                _version_name(name, version),
                lambda old: replace(old, body={**old.body, **changed}) if changed else old,
            )
            body: dict[str, Json] = {**record.body, "aliases": moved, "modified_by": by}
            self._records.update(PIPELINE_KIND, record.name, lambda old: replace(old, body=body))
        return read_version(made, moved, self._arns)

    def begin_deletion(self, name: str) -> Pipeline:
        """Let a pipeline be one that is being deleted: it is started and changed no more.

        Raises:
            NotFoundError: If there is no such pipeline.
        """
        return self._set_status(name, DELETING)

    def cancel_deletion(self, name: str) -> None:
        """Let a pipeline be one as any other again."""
        self._set_status(name, "")

    def delete(self, name: str, *, token: str = "") -> None:
        """Remove a pipeline and all its versions; with its token, ``deleted_by`` tells of it afterwards.

        Raises:
            NotFoundError: If there is no such pipeline.
        """
        key = self._record(name).name
        with self._records.transaction():
            while found := self._records.list(VERSION_KIND, parent=key, limit=_PAGE).records:
                for record in found:
                    self._records.delete(VERSION_KIND, record.name)
            self._records.delete(PIPELINE_KIND, key)
            if self._records.find(_GRAVE_KIND, key) is None:
                self._records.create(_GRAVE_KIND, key, {})
            self._records.update(_GRAVE_KIND, key, lambda old: replace(old, body={"token": token}))

    # ---- looking -------------------------------------------------------------------------------

    def deleted_by(self, name: str, token: str) -> bool:
        """Return whether the last pipeline of that name was deleted by that token."""
        grave = self._records.find(_GRAVE_KIND, name.lower())
        return bool(token) and grave is not None and grave.body.get("token") == token

    def describe(self, name: str) -> Pipeline:
        """Return a pipeline.

        Raises:
            NotFoundError: If there is no such pipeline.
        """
        return read_pipeline(self._record(name), self._arns)

    def get(self, name: str, version: int | None = None, *, alias: str = "") -> PipelineVersion:
        """Return a version of a pipeline: by its number, by an alias, else the newest.

        Raises:
            NotFoundError: If there is no such pipeline, version or alias.
        """
        record = self._record(name)
        aliases = read_aliases(record)
        if alias and alias not in aliases:
            raise NotFoundError(
                f"No version of the pipeline {name!r} has the alias {alias!r}.",
                mend=f"There are {', '.join(sorted(aliases))}." if aliases else "It has no aliases.",
            )
        number = aliases[alias] if alias else record.number if version is None else version
        found = self._records.find(VERSION_KIND, _version_name(name, number))
        if found is None:
            raise NotFoundError(
                f"The pipeline {name!r} has no version {number}.", mend=f"The newest is {record.number}."
            )
        return read_version(found, aliases, self._arns)

    def page(self, selection: Selection) -> PipelinePage:
        """Return a part of the list of pipelines.

        Raises:
            InvalidInputError: If the token or the limit is not one.
        """
        page = selection.page(self._records, PIPELINE_KIND)
        return PipelinePage(
            tuple(read_pipeline(record, self._arns) for record in page.records), page.next_token
        )

    def versions(self, name: str, selection: Selection) -> VersionPage:
        """Return a part of the list of a pipeline's versions.

        Raises:
            NotFoundError: If there is no such pipeline.
            InvalidInputError: If the token or the limit is not one.
        """
        record = self._record(name)
        aliases = read_aliases(record)
        page = replace(selection, parent=record.name).page(self._records, VERSION_KIND)
        found = tuple(read_version(each, aliases, self._arns) for each in page.records)
        return VersionPage(found, page.next_token)

    def names(self) -> list[str]:
        """Return the names of all pipelines, sorted."""
        names: list[str] = []
        token: str | None = None
        while True:
            page = self._records.list(PIPELINE_KIND, sort_by=SortBy.NAME, limit=_PAGE, after=token)
            names += [str(record.body["name"]) for record in page.records]
            token = page.next_token
            if token is None:
                return names

    # ---- inside --------------------------------------------------------------------------------

    def _record(self, name: str) -> Record:
        record = self._records.find(PIPELINE_KIND, name.lower())
        if record is None:
            raise NotFoundError(
                f"There is no pipeline {name!r}.",
                mend=did_you_mean(name, self.names(), "`stepmill run FILE` makes one."),
            )
        return record

    def _make(self, name: str, definition: str, body: dict[str, Json]) -> Record:
        record = self._records.create(PIPELINE_KIND, name.lower(), {**body, "name": name}, number=1)
        self._add_version(record, definition, 1)
        return record

    def _change(self, record: Record, definition: str | None) -> tuple[Record, bool]:
        """Add a version if the definition is a new one; return the pipeline's record and whether it was."""
        newest = self._records.get(VERSION_KIND, _version_name(record.name, record.number))
        if definition is None or newest.body["definition"] == definition:
            return record, False
        number = record.number + 1
        self._add_version(record, definition, number)
        changed = self._records.update(PIPELINE_KIND, record.name, lambda old: replace(old, number=number))
        return changed, True

    def _add_version(self, record: Record, definition: str, number: int) -> None:
        body: dict[str, Json] = {"name": record.body["name"], "definition": definition}
        self._records.create(
            VERSION_KIND, _version_name(record.name, number), body, parent=record.name, number=number
        )

    def _set_status(self, name: str, status: str) -> Pipeline:
        record = self._record(name)
        return read_pipeline(
            self._records.update(PIPELINE_KIND, record.name, lambda old: replace(old, status=status)),
            self._arns,
        )


def _version_name(name: str, number: int) -> str:
    return f"{name.lower()}/{number}"


def _changeable(record: Record) -> Record:
    if record.status == DELETING:
        raise ConflictError(
            f"The pipeline {record.body['name']!r} is being deleted.", mend="Delete it again to see it done."
        )
    return record


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name[:300]!r} is no name for a pipeline.",
            mend="Use up to 256 letters, digits and single hyphens between them, as SageMaker does.",
        )
