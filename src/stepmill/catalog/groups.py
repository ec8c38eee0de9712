"""Model package groups: names under which versions of a model are registered.

Source: SageMaker API reference, CreateModelPackageGroup, DescribeModelPackageGroup,
PutModelPackageGroupPolicy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from stepmill.catalog import packages
from stepmill.catalog.packages import GROUP_KIND, PACKAGE_KIND
from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject, read_json
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

BY_NAME = Selection(sort_by=SortBy.NAME)


class ModelPackageGroups:
    """Keeps model package groups. Safe to share between threads.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
        tags: Keeps their tags.
    """

    def __init__(self, records: RecordStore, arns: Arns, tags: Tags) -> None:
        self._records = records
        self._arns = arns
        self._tags = tags

    def create(self, request: JsonObject, *, by: str = "") -> JsonObject:
        """Make a group from a CreateModelPackageGroup request, and return what Describe answers.

        Args:
            request: The document as AWS takes it.
            by: Name of the key of whoever asks; empty for the terminal.

        Raises:
            InvalidInputError: If it cannot have that name or those tags.
            ConflictError: If there is one of that name.
        """
        name = packages.checked_name(request.get("ModelPackageGroupName"), "ModelPackageGroupName")
        tags = read_tags(request.get("Tags"))
        try:
            record = self._records.create(GROUP_KIND, name.lower(), {"request": request, "by": by})
        except ConflictError as error:
            raise ConflictError(f"The model package group {name!r} already exists.") from error
        described = packages.describe_group(record, self._arns)
        self._tags.set(str(described["ModelPackageGroupArn"]), tags)
        return described

    def open(self, name_or_arn: str) -> Record:
        """Return the record of a group; make the group if it is missing."""
        key = packages.group_key(name_or_arn)
        kept = self._records.find(GROUP_KIND, key)
        if kept is not None:
            return kept
        name = key if name_or_arn.startswith("arn:") else name_or_arn
        try:
            return self._records.create(GROUP_KIND, key, {"request": {"ModelPackageGroupName": name}})
        except ConflictError:
            return self._records.get(GROUP_KIND, key)

    def get(self, name_or_arn: str) -> Record:
        """Return the record of a group.

        Raises:
            NotFoundError: If there is none.
        """
        record = self._records.find(GROUP_KIND, packages.group_key(name_or_arn))
        if record is None:
            raise NotFoundError(
                f"There is no model package group {name_or_arn!r}.",
                mend="`stepmill models list` shows all; a RegisterModel step makes one.",
            )
        return record

    def describe(self, name_or_arn: str) -> JsonObject:
        """Return what DescribeModelPackageGroup answers.

        Raises:
            NotFoundError: If there is none.
        """
        return packages.describe_group(self.get(name_or_arn), self._arns)

    def list(self, selection: Selection = BY_NAME) -> tuple[Sequence[JsonObject], str | None]:
        """Return the groups that are asked for, and the token of the next page, if there is one."""
        page = selection.page(self._records, GROUP_KIND)
        return [packages.describe_group(record, self._arns) for record in page.records], page.next_token

    def delete(self, name_or_arn: str) -> None:
        """Remove a group, its tags and its policy.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it still holds versions.
        """
        group = self.get(name_or_arn)
        if self._records.list(PACKAGE_KIND, parent=group.name, limit=1).records:
            raise WrongStateError(
                f"The model package group {name_or_arn!r} still holds versions.",
                mend="Delete its versions first.",
            )
        self._records.delete(GROUP_KIND, group.name)
        self._tags.clear(self._arns.sagemaker(GROUP_KIND, group.name))

    def policy(self, name_or_arn: str) -> str:
        """Return the policy of a group, as it was given; empty if it has none.

        Raises:
            NotFoundError: If there is no such group.
        """
        return str(self.get(name_or_arn).body.get("policy") or "")

    def set_policy(self, name_or_arn: str, policy: str) -> JsonObject:
        """Keep a resource policy with a group, and return what DescribeModelPackageGroup answers.

        It is kept and given back, and grants nothing: here there is one account.

        Args:
            name_or_arn: The group.
            policy: The text of the document; empty takes the group's policy away.

        Raises:
            NotFoundError: If there is no such group.
            InvalidInputError: If it is no JSON object.
        """
        if policy and not isinstance(read_json(policy, where="ResourcePolicy"), Mapping):
            raise InvalidInputError(
                "A policy is a JSON object.", where="ResourcePolicy", mend='Write {"Version": ...}.'
            )

        def changed(record: Record) -> Record:
            return replace(record, body={**record.body, "policy": policy})

        record = self._records.update(GROUP_KIND, self.get(name_or_arn).name, changed)
        return packages.describe_group(record, self._arns)
