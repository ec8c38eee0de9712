"""Feature groups: made, described, changed, listed and deleted.

Each has an id of its own, so that a group that is made anew under a name never sees the rows of the former
one. Names are told apart without their case, as their ARNs are.

Source: SageMaker API reference, CreateFeatureGroup, DescribeFeatureGroup, UpdateFeatureGroup,
DeleteFeatureGroup.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stepmill.catalog.features.configs import check_configs, updated_request
from stepmill.catalog.features.group import GROUP_KIND, FeatureGroup, part, read_group, table_key
from stepmill.catalog.features.metadata import FeatureMetadata
from stepmill.catalog.features.offline.layout import group_address
from stepmill.catalog.features.schema import check_name, read_schema
from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock, as_text
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.features import FeatureRows
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

# Tables of SQL outlive their groups, as on AWS: the files stay when a group is deleted.
TABLE_KIND = "feature-table"

BY_NAME = Selection(sort_by=SortBy.NAME)
_CREATED = "Created"
_KEPT_ELSEWHERE = frozenset({"Tags", "FeatureDefinitions"})


@dataclass(frozen=True, slots=True)
class Known:
    """A group as it was when it was last looked at.

    Args:
        version: Its id, and how often it has changed; who uses it has to see whether that is still so.
        group: It.
    """

    version: tuple[str, int]
    group: FeatureGroup


class FeatureGroups:
    """Keeps feature groups. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        rows: Where their records are kept: in the same database.
        arns: Builds their ARNs.
        tags: Keeps their tags.
        clock: Tells when features are added.
        has_bucket: Whether there is a bucket of a name.
    """

    def __init__(
        self,
        records: RecordStore,
        rows: FeatureRows,
        arns: Arns,
        tags: Tags,
        clock: Clock,
        *,
        has_bucket: Callable[[str], bool],
    ) -> None:
        self.metadata = FeatureMetadata(records)
        self._records = records
        self._rows = rows
        self._arns = arns
        self._tags = tags
        self._clock = clock
        self._has_bucket = has_bucket
        # Reading a group of many features takes longer than writing a record of it.
        self._known: dict[str, Known] = {}

    def create(self, request: JsonObject) -> FeatureGroup:
        """Make a group from a CreateFeatureGroup request. Records can be put at once.

        Raises:
            InvalidInputError: If SageMaker would not take it, or its bucket is not there.
            UnsupportedError: If it asks for what is not offered.
            ConflictError: If there is one of that name.
        """
        name = check_name(request.get("FeatureGroupName"), "FeatureGroupName")
        schema, tags = read_schema(request), read_tags(request.get("Tags"))
        check_configs(request, self._has_bucket)
        kept = {member: value for member, value in request.items() if member not in _KEPT_ELSEWHERE}
        with self._records.transaction():
            if self._records.find(GROUP_KIND, name.lower()) is not None:
                raise ConflictError(
                    f"Resource Already Exists: FeatureGroup with name {name} already exists. "
                    f"Choose a different name.\nInfo: Feature Group '{name}' already exists."
                )
            identity = uuid.uuid4().hex
            body: dict[str, Json] = {
                "id": identity,
                "epoch": self._free_epoch(name),
                "request": kept,
                "features": schema.write(),
            }
            record = self._records.create(GROUP_KIND, name.lower(), body, parent=identity, status=_CREATED)
            group = read_group(record, self._arns)
            self._keep_table(group)
        self._tags.set(group.arn, tags)
        return group

    def get(self, name_or_arn: str) -> FeatureGroup:
        """Return a group.

        Raises:
            NotFoundError: If there is none.
        """
        group = self.find(name_or_arn)
        if group is None:
            raise group_not_found(name_or_arn)
        return group

    def find(self, name_or_arn: str) -> FeatureGroup | None:
        """Return a group by its name or ARN; ``None`` if there is none."""
        key = self._key(name_or_arn)
        known = self._known.get(key)
        if known is not None and known.version == self._rows.version(GROUP_KIND, key):
            return known.group
        record = self._records.find(GROUP_KIND, key) if key else None
        if record is None:
            self._known.pop(key, None)
            return None
        group = read_group(record, self._arns)
        self._known[key] = Known((record.parent, record.revision), group)
        return group

    def known(self, name_or_arn: str) -> Known | None:
        """Return a group as this process knows it, without looking; ``None`` if it does not."""
        return self._known.get(self._key(name_or_arn))

    def list(self, selection: Selection = BY_NAME) -> tuple[Sequence[FeatureGroup], str | None]:
        """Return the groups that are asked for, and the token of the next page, if there is one."""
        page = selection.page(self._records, GROUP_KIND)
        return [read_group(record, self._arns) for record in page.records], page.next_token

    def all(self, selection: Selection = BY_NAME) -> Iterator[FeatureGroup]:
        """Yield all groups that are asked for."""
        for record in replace(selection, limit=1000, after=None).all(self._records, GROUP_KIND):
            yield read_group(record, self._arns)

    def update(self, name_or_arn: str, request: JsonObject) -> FeatureGroup:
        """Change a group as an UpdateFeatureGroup request says: its features, time to live, throughput.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If SageMaker would not change it so.
        """
        group = self.get(name_or_arn)
        at = as_text(self._clock.now())

        def changed(record: Record) -> Record:
            now = read_group(record, self._arns)
            additions: Any = request.get("FeatureAdditions") or ()
            schema = now.schema.with_additions(additions) if additions else now.schema
            added = {**part(record.body, "added"), **{str(each["FeatureName"]): at for each in additions}}
            kept = updated_request(now, request)
            change: dict[str, Json] = {"request": kept, "features": schema.write(), "added": added}
            return replace(record, body={**record.body, **change, "updated": True})

        with self._records.transaction():
            record = self._records.update(GROUP_KIND, group.name.lower(), changed)
            new = read_group(record, self._arns)
            self._keep_table(new)
        return new

    def delete(self, name_or_arn: str) -> FeatureGroup:
        """Remove a group, its online store, its features' metadata and its tags. Its files stay.

        Raises:
            NotFoundError: If there is none.
        """
        with self._records.transaction():
            group = self.get(name_or_arn)
            self._rows.clear(group.id)
            self.metadata.clear(group)
            self._records.delete(GROUP_KIND, group.name.lower())
        self._known.pop(group.name.lower(), None)
        self._tags.clear(group.arn)
        return group

    def of_table(self, database: str, table: str) -> FeatureGroup | None:
        """Return the group whose files a table of SQL reads, also after its deletion; ``None`` if none does.

        Of several that were given the same table it is the newest.
        """
        page = self._records.list(TABLE_KIND, parent=table_key(database, table), descending=True, limit=1)
        return self._of_table(page.records[0]) if page.records else None

    def of_file(self, address: str) -> FeatureGroup | None:
        """Return the group among whose files an address lies, also after its deletion; ``None`` if in none's.

        Args:
            address: Of a file, or of a folder of files: ``ResolvedOutputS3Uri`` and all below.
        """
        folder = group_address(address)
        record = self._records.find(TABLE_KIND, folder.rpartition("/")[2].lower()) if folder else None
        group = self._of_table(record) if record else None
        is_its_own = group and group.offline and str(group.offline.data) == f"{folder}/data"
        return group if is_its_own else None

    def tables(self) -> Iterator[FeatureGroup]:
        """Yield the groups that have tables of SQL, those of deleted ones too."""
        return (group for group in self.with_files() if group.offline is not None and group.offline.table)

    def with_files(self) -> Iterator[FeatureGroup]:
        """Yield the groups that have or had an offline store, deleted ones too."""
        for record in Selection(sort_by=SortBy.NAME, limit=1000).all(self._records, TABLE_KIND):
            yield self._of_table(record)

    def _of_table(self, record: Record) -> FeatureGroup:
        return read_group(replace(record, body=part(record.body, "group")), self._arns)

    def _keep_table(self, group: FeatureGroup) -> None:
        if group.offline is None:
            return
        name, offline = group.folder.lower(), group.offline
        parent = table_key(offline.database, offline.table) if offline.table else ""
        body: dict[str, Json] = {"group": group.body}
        if self._records.find(TABLE_KIND, name) is None:
            self._records.create(TABLE_KIND, name, body, parent=parent)
        else:
            self._records.update(TABLE_KIND, name, lambda old: replace(old, body=body))

    def _free_epoch(self, name: str) -> int:
        """Return the second in which a group counts as made: its files lie apart from former ones'."""
        epoch = int(self._clock.now().timestamp())
        while self._records.find(TABLE_KIND, f"{name}-{epoch}".lower()) is not None:
            epoch += 1
        return epoch

    def _key(self, name_or_arn: str) -> str:
        if not name_or_arn.startswith("arn:"):
            return name_or_arn.lower()
        prefix = self._arns.sagemaker(GROUP_KIND, "")
        return name_or_arn.removeprefix(prefix).lower() if name_or_arn.startswith(prefix) else ""


def group_not_found(name_or_arn: str) -> NotFoundError:
    """Return the error that says that there is no such group, in the words of SageMaker."""
    return NotFoundError(
        f"Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {name_or_arn}"
    )
