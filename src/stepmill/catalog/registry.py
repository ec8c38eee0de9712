"""The model registry: groups of model packages, and the versions in them.

A version is made once for a token, so that a task that is handed over again after a crash finds the
version that it made before.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from stepmill.catalog import packages
from stepmill.catalog.content import ContentDigests
from stepmill.catalog.groups import ModelPackageGroups
from stepmill.catalog.package_updates import updated
from stepmill.catalog.packages import PACKAGE_KIND, ModelApprovalStatus
from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock, as_text
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record, RecordStore, Selection

TOKEN_KIND = "model-package-token"  # noqa: S105  (the name of a kind, no secret)


@dataclass(frozen=True)
class Approval:
    """One decision about a version, as it was made.

    Args:
        status: What was decided.
        description: Why; may be empty.
        at: When, ISO 8601.
    """

    status: ModelApprovalStatus
    description: str
    at: str


class ModelRegistry:
    """Keeps model packages. Safe to share between threads.

    Args:
        records: Where they are kept.
        contents: Looks up the digests of model data.
        clock: Tells when an approval was given.
        arns: Builds their ARNs.
        tags: Keeps their tags.
    """

    def __init__(
        self, records: RecordStore, contents: ContentDigests, clock: Clock, arns: Arns, tags: Tags
    ) -> None:
        self.groups = ModelPackageGroups(records, arns, tags)
        self._records = records
        self._contents = contents
        self._clock = clock
        self._arns = arns
        self._tags = tags
        self._claiming = threading.Lock()

    def create(self, request: JsonObject, *, token: str = "", source: JsonObject | None = None) -> JsonObject:
        """Make a model package from a CreateModelPackage request, and return what Describe answers.

        With a group's name it becomes the group's next version; a group that is missing is made.

        Args:
            request: The document as AWS takes it.
            token: Idempotency key: the second call with the same one returns what the first made.
            source: Where it comes from (execution, step); kept with it.

        Raises:
            InvalidInputError: If the request cannot be taken.
            UnsupportedError: If it asks for what is not offered.
            NotFoundError: If model data that it names is not there.
            ConflictError: If it names a package of its own and that exists.
        """
        status = ModelApprovalStatus.read(request.get("ModelApprovalStatus") or ModelApprovalStatus.PENDING)
        state: dict[str, Json] = {"token": token, "source": source or {}, "approvals": []}
        group = packages.group_of(request)
        packages.check_offered(request)
        tags = read_tags(request.get("Tags"))
        made = self._made_before(token)
        if made is None:
            # Large models take a while to digest, so this is done before anyone is kept waiting.
            state["digests"] = self._digests(request)
            with self._claiming:
                made = self._made_before(token) or self._add(request, state, group, status)
                self._remember(token, made)
        described = packages.describe_package(made, self._arns)
        self._tags.set(str(described["ModelPackageArn"]), tags)
        return described

    def describe(self, name_or_arn: str) -> JsonObject:
        """Return what DescribeModelPackage answers, for an ARN, ``group/version``, or a name.

        Raises:
            NotFoundError: If there is none.
        """
        return packages.describe_package(self._package(name_or_arn), self._arns)

    def versions(
        self,
        group: str,
        *,
        status: ModelApprovalStatus | None = None,
        descending: bool = True,
        limit: int = 100,
        after: str | None = None,
    ) -> tuple[list[JsonObject], str | None]:
        """Return what Describe answers for the versions of a group, newest first, and the next page's token.

        Raises:
            NotFoundError: If there is no such group.
        """
        page = self._records.list(
            PACKAGE_KIND, parent=self.groups.get(group).name, status=status, sort_by="number",
            descending=descending, limit=limit, after=after,
        )  # fmt: skip
        return [packages.describe_package(record, self._arns) for record in page.records], page.next_token

    def list(self, selection: Selection) -> tuple[Sequence[JsonObject], str | None]:
        """Return what Describe answers for the packages asked for, and the next page's token."""
        page = selection.page(self._records, PACKAGE_KIND)
        return [packages.describe_package(record, self._arns) for record in page.records], page.next_token

    def update(self, name_or_arn: str, request: JsonObject) -> JsonObject:
        """Change a package as an UpdateModelPackage request says, and return what Describe answers.

        Raises:
            NotFoundError: If there is no such package, or model data that it names is not there.
            InvalidInputError: If a member cannot be taken.
            ConflictError: If it has an inference specification of a name that is to be added.
        """
        name = self._package(name_or_arn).name
        at, digests = as_text(self._clock.now()), self._digests(request)
        record = self._records.update(
            PACKAGE_KIND, name, lambda old: updated(old, request, at=at, digests=digests)
        )
        return packages.describe_package(record, self._arns)

    def set_approval(
        self, name_or_arn: str, status: ModelApprovalStatus, *, description: str = ""
    ) -> JsonObject:
        """Record a decision about a package, keep the earlier ones, and return what Describe answers.

        Raises:
            NotFoundError: If there is no such package.
        """
        request: JsonObject = {"ModelApprovalStatus": status, "ApprovalDescription": description}
        return self.update(name_or_arn, request)

    def approvals(self, name_or_arn: str) -> tuple[Approval, ...]:
        """Return the decisions about a package, the first one first.

        Raises:
            NotFoundError: If there is no such package.
        """
        kept = packages.part(self._package(name_or_arn).body, "state").get("approvals")
        return tuple(
            Approval(ModelApprovalStatus.read(one["status"]), str(one["description"]), str(one["at"]))
            for one in (kept if isinstance(kept, Sequence) else ())
            if isinstance(one, Mapping)
        )

    def model_data_digests(self, name_or_arn: str) -> Mapping[str, str]:
        """Return address -> digest of the model data, as it was when the package was made.

        Raises:
            NotFoundError: If there is no such package.
        """
        kept = packages.part(packages.part(self._package(name_or_arn).body, "state"), "digests")
        return {uri: str(digest) for uri, digest in kept.items()}

    def delete(self, name_or_arn: str) -> None:
        """Remove a package and its tags.

        Raises:
            NotFoundError: If there is none.
        """
        name = self._package(name_or_arn).name
        self._records.delete(PACKAGE_KIND, name)
        self._tags.clear(self._arns.sagemaker(PACKAGE_KIND, name))

    def _package(self, name_or_arn: str) -> Record:
        record = self._records.find(PACKAGE_KIND, packages.package_key(name_or_arn))
        if record is None:
            raise NotFoundError(
                f"There is no model package {name_or_arn!r}.",
                mend="Name one as GROUP/VERSION; `stepmill models list` shows them.",
            )
        return record

    def _digests(self, request: JsonObject) -> JsonObject:
        digests: dict[str, Json] = {}
        for index, container in enumerate(packages.containers(request)):
            for place, uri, is_prefix in packages.model_data_of(container):
                where = f"InferenceSpecification.Containers[{index}].{place}"
                digests[uri] = digest_model_data(self._contents, uri, where, is_prefix=is_prefix)
        return digests

    def _add(self, request: JsonObject, state: JsonObject, group: str, status: ModelApprovalStatus) -> Record:
        if not group:
            name = packages.checked_name(request.get("ModelPackageName"), "ModelPackageName")
            return self._add_unversioned(name, {"request": request, "state": state})
        kept = self.groups.open(group)
        key, spelled = kept.name, packages.part(kept.body, "request")["ModelPackageGroupName"]
        full: JsonObject = {"request": request, "state": {**state, "group": spelled}}
        self._claim(state["token"], key)
        return self._records.create_numbered(
            PACKAGE_KIND, key, lambda number: f"{key}/{number}", lambda _number: full, status
        )

    def _add_unversioned(self, name: str, body: JsonObject) -> Record:
        try:
            # Only versions are approved.
            return self._records.create(PACKAGE_KIND, name.lower(), body)
        except ConflictError as error:
            found = self._records.get(PACKAGE_KIND, name.lower())
            token = packages.part(body, "state")["token"]
            if token and packages.part(found.body, "state").get("token") == token:
                return found
            raise ConflictError(f"ModelPackage already exists: {name!r}.") from error

    def _claim(self, token: Json, group: str) -> None:
        """Say, before a version is made, that one is going to be: after a crash it is looked for."""
        if token and self._records.find(TOKEN_KIND, _token_key(str(token))) is None:
            newest = self._records.list(
                PACKAGE_KIND, parent=group, sort_by="number", descending=True, limit=1
            ).records
            body: JsonObject = {"group": group, "after": newest[0].number if newest else 0, "package": ""}
            self._records.create(TOKEN_KIND, _token_key(str(token)), body)

    def _remember(self, token: str, made: Record) -> None:
        if not token:
            return
        key = _token_key(token)
        if self._records.find(TOKEN_KIND, key) is None:
            self._records.create(TOKEN_KIND, key, {"package": made.name})
        else:
            self._records.update(
                TOKEN_KIND, key, lambda claim: replace(claim, body={**claim.body, "package": made.name})
            )

    def _made_before(self, token: str) -> Record | None:
        claim = self._records.find(TOKEN_KIND, _token_key(token)) if token else None
        if claim is None:
            return None
        if name := claim.body.get("package"):
            return self._records.find(PACKAGE_KIND, str(name))
        # Claimed, and then killed: only a version made since can be it.
        after: str | None = None
        while True:
            page = self._records.list(
                PACKAGE_KIND,
                parent=str(claim.body["group"]),
                sort_by="number",
                descending=True,
                after=after,
            )
            for record in page.records:
                if packages.part(record.body, "state").get("token") == token:
                    return record
            after = page.next_token
            if after is None or page.records[-1].number <= int(str(claim.body["after"])):
                return None


def digest_model_data(contents: ContentDigests, uri: str, where: str, *, is_prefix: bool) -> str:
    """Return the digest of model data.

    Raises:
        NotFoundError: If it is not there; the text is the one that SageMaker uses.
    """
    try:
        return contents.below(uri) if is_prefix else contents.of_object(uri)
    except NotFoundError as error:
        raise NotFoundError(
            f"Could not find model data at {uri}.",
            where=where,
            mend="Check the address, and that the step that writes it has run.",
        ) from error


def _token_key(token: str) -> str:
    return sha256(token.encode()).hexdigest()
