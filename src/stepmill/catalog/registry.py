"""The model registry: groups of model packages, and the versions in them.

A version is made once for a token, so that a task that is handed over again after a crash finds the
version that it made before.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from stepmill.catalog import packages
from stepmill.catalog.content import ContentDigests
from stepmill.catalog.groups import ModelPackageGroups
from stepmill.catalog.model_cards import check_card
from stepmill.catalog.package_events import package_changed, updated_fields
from stepmill.catalog.package_reviews import (
    Approval,
    ModelApprovalStatus,
    StageEntered,
    approvals_of,
    entered,
    stages_of,
)
from stepmill.catalog.package_sources import with_source
from stepmill.catalog.package_tokens import PackageTokens
from stepmill.catalog.package_updates import updated
from stepmill.catalog.packages import PACKAGE_KIND
from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock, as_text
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.happenings import Emit, tell_nobody
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record, RecordStore, Selection


class ModelRegistry:
    """Keeps model packages. Safe to share between threads.

    Args:
        records: Where they are kept.
        contents: Looks up the digests of model data.
        clock: Tells when an approval was given.
        arns: Builds their ARNs.
        tags: Keeps their tags.
        emit: Told of each package that is made or changed.
    """

    def __init__(
        self,
        records: RecordStore,
        contents: ContentDigests,
        clock: Clock,
        arns: Arns,
        tags: Tags,
        emit: Emit = tell_nobody,
    ) -> None:
        self.groups = ModelPackageGroups(records, arns, tags)
        self._records = records
        self._contents = contents
        self._clock = clock
        self._arns = arns
        self._tags = tags
        self._emit = emit
        self._tokens = PackageTokens(records)
        self._claiming = threading.Lock()

    def create(
        self, request: JsonObject, *, token: str = "", source: JsonObject | None = None, by: str = ""
    ) -> JsonObject:
        """Make a model package from a CreateModelPackage request, and return what Describe answers.

        With a group's name it becomes the group's next version; a group that is missing is made.

        Args:
            request: The document as AWS takes it.
            token: Idempotency key: the second call with the same one returns what the first made.
            source: Where it comes from (execution, step); kept with it.
            by: Name of the key of whoever asks; empty for the terminal, and for steps.

        Raises:
            InvalidInputError: If the request cannot be taken.
            UnsupportedError: If it asks for what is not offered.
            NotFoundError: If model data, or a source, that it names is not there.
            ConflictError: If it names a package of its own and that exists.
        """
        status = ModelApprovalStatus.read(request.get("ModelApprovalStatus") or ModelApprovalStatus.PENDING)
        group = packages.group_of(request)
        packages.check_offered(request)
        if request.get("ModelCard") is not None:
            check_card(request["ModelCard"])
        begun: JsonObject = {"token": token, "source": source or {}, "approvals": [], "by": by}
        state = {**begun, **entered(begun, request, at=as_text(self._clock.now()), by=by)}
        tags = read_tags(request.get("Tags"))
        made = self._tokens.made_before(token)
        if made is None:
            request = with_source(request, self._records)
            # Large models take a while to digest, so this is done before anyone is kept waiting.
            state = {**state, "digests": self._digests(request)}
        with self._claiming:
            made = made or self._tokens.made_before(token)
            record = made.record if made else self._add(request, state, group, status)
            described = packages.describe_package(record, self._arns)
            if made is None or not made.is_remembered:
                self._tags.set(str(described["ModelPackageArn"]), tags)
                # Told before it is remembered: after a crash in between it is told twice, never not at all.
                self._emit(package_changed(described, self._clock.now()))
                self._tokens.remember(token, record)
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

    def update(self, name_or_arn: str, request: JsonObject, *, by: str = "") -> JsonObject:
        """Change a package as an UpdateModelPackage request says, and return what Describe answers.

        Args:
            name_or_arn: Which.
            request: The document as AWS takes it.
            by: Name of the key of whoever asks; empty for the terminal.

        Raises:
            NotFoundError: If there is no such package, or model data that it names is not there.
            InvalidInputError: If a member cannot be taken.
            ConflictError: If it has an inference specification of a name that is to be added.
        """
        name = self._package(name_or_arn).name
        at, digests = as_text(self._clock.now()), self._digests(request)
        seen: list[Record] = []

        def change(old: Record) -> Record:
            # Others may have changed it meanwhile: what this change did is seen from here only.
            seen[:] = [old]
            return updated(old, request, at=at, by=by, digests=digests)

        record = self._records.update(PACKAGE_KIND, name, change)
        before, after = (packages.describe_package(one, self._arns) for one in (*seen, record))
        if fields := updated_fields(before, after):
            self._emit(package_changed(after, self._clock.now(), fields=fields))
        return after

    def set_approval(
        self, name_or_arn: str, status: ModelApprovalStatus, *, description: str = ""
    ) -> JsonObject:
        """Record a decision about a version, keep the earlier ones, and return what Describe answers.

        Raises:
            NotFoundError: If there is no such package.
            InvalidInputError: If it is not a version of a group.
        """
        return self.update(name_or_arn, {"ModelApprovalStatus": status, "ApprovalDescription": description})

    def set_stage(self, name_or_arn: str, stage: str, status: str, *, description: str = "") -> JsonObject:
        """Let a version enter a stage of its life, keep the earlier ones, and return what Describe answers.

        Raises:
            NotFoundError: If there is no such package.
            InvalidInputError: If it is not a version of a group, or stage or status cannot be a name.
        """
        cycle: dict[str, Json] = {"Stage": stage, "StageStatus": status}
        if description:
            cycle["StageDescription"] = description
        return self.update(name_or_arn, {"ModelLifeCycle": cycle})

    def approvals(self, name_or_arn: str) -> tuple[Approval, ...]:
        """Return the decisions about a version, the first one first.

        Raises:
            NotFoundError: If there is no such package.
        """
        return approvals_of(packages.part(self._package(name_or_arn).body, "state"))

    def stages(self, name_or_arn: str) -> tuple[StageEntered, ...]:
        """Return the stages that a version has entered, the first one first.

        Raises:
            NotFoundError: If there is no such package.
        """
        return stages_of(packages.part(self._package(name_or_arn).body, "state"))

    def source(self, name_or_arn: str) -> Mapping[str, str]:
        """Return the execution, pipeline and step that made a package; empty if none did.

        Raises:
            NotFoundError: If there is no such package.
        """
        kept = packages.part(packages.part(self._package(name_or_arn).body, "state"), "source")
        return {name: str(value) for name, value in kept.items()}

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
        may_be_missing = request.get("SkipModelValidation") == "All"
        digests: dict[str, Json] = {}
        for index, container in enumerate(packages.containers(request)):
            for place, uri, is_prefix in packages.model_data_of(container):
                where = f"InferenceSpecification.Containers[{index}].{place}"
                try:
                    digests[uri] = digest_model_data(self._contents, uri, where, is_prefix=is_prefix)
                except NotFoundError:
                    if not may_be_missing:
                        raise
        return digests

    def _add(self, request: JsonObject, state: JsonObject, group: str, status: ModelApprovalStatus) -> Record:
        if not group:
            name = packages.checked_name(request.get("ModelPackageName"), "ModelPackageName")
            return self._add_unversioned(name, {"request": request, "state": state})
        kept = self.groups.open(group)
        key, spelled = kept.name, packages.part(kept.body, "request")["ModelPackageGroupName"]
        full: JsonObject = {"request": request, "state": {**state, "group": spelled}}
        self._tokens.claim(str(state["token"]), key)
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
