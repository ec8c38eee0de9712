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
from stepmill.catalog.packages import GROUP_KIND, PACKAGE_KIND, ModelApprovalStatus
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock, as_text
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record, RecordStore

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
    """

    def __init__(self, records: RecordStore, contents: ContentDigests, clock: Clock, arns: Arns) -> None:
        self._records = records
        self._contents = contents
        self._clock = clock
        self._arns = arns
        self._claiming = threading.Lock()

    def create_group(self, name: str, *, description: str = "", tags: Sequence[Json] = ()) -> JsonObject:
        """Make a group and return what DescribeModelPackageGroup answers.

        Raises:
            InvalidInputError: If that cannot be its name.
            ConflictError: If there is one of that name.
        """
        packages.checked_name(name, "ModelPackageGroupName")
        request: dict[str, Json] = {"ModelPackageGroupName": name}
        if description:
            request["ModelPackageGroupDescription"] = description
        if tags:
            request["Tags"] = list(tags)
        try:
            record = self._records.create(GROUP_KIND, name.lower(), {"request": request})
        except ConflictError as error:
            raise ConflictError(f"The model package group {name!r} already exists.") from error
        return packages.describe_group(record, self._arns)

    def describe_group(self, name_or_arn: str) -> JsonObject:
        """Return what DescribeModelPackageGroup answers.

        Raises:
            NotFoundError: If there is none.
        """
        return packages.describe_group(self._group(name_or_arn), self._arns)

    def groups(
        self, *, name_contains: str = "", limit: int = 100, after: str | None = None
    ) -> tuple[list[JsonObject], str | None]:
        """Return groups, by name, and the token of the next page, if there is one."""
        page = self._records.list(
            GROUP_KIND, name_contains=name_contains.lower(), sort_by="name", limit=limit, after=after
        )
        return [packages.describe_group(record, self._arns) for record in page.records], page.next_token

    def delete_group(self, name_or_arn: str) -> None:
        """Remove a group.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it still holds versions.
        """
        group = self._group(name_or_arn)
        if self._records.list(PACKAGE_KIND, parent=group.name, limit=1).records:
            raise WrongStateError(
                f"The model package group {name_or_arn!r} still holds versions.",
                mend="Delete its versions first.",
            )
        self._records.delete(GROUP_KIND, group.name)

    def create(self, request: JsonObject, *, token: str = "", source: JsonObject | None = None) -> JsonObject:
        """Make a model package from a CreateModelPackage request, and return what Describe answers.

        With a group's name it becomes the group's next version; a group that is missing is made.

        Args:
            request: The document as AWS takes it.
            token: Idempotency key: the second call with the same one returns what the first made.
            source: Where it comes from (execution, step); kept with it.

        Raises:
            InvalidInputError: If the request cannot be taken.
            NotFoundError: If model data that it names is not there.
            ConflictError: If it names a package of its own and that exists.
        """
        status = ModelApprovalStatus.read(request.get("ModelApprovalStatus") or ModelApprovalStatus.PENDING)
        state: dict[str, Json] = {"token": token, "source": source or {}, "approvals": []}
        group = request.get("ModelPackageGroupName")
        if not group and not request.get("ModelPackageName"):
            raise InvalidInputError(
                "The model package has neither a group nor a name.",
                where="ModelPackageGroupName",
                mend="Name the group that it becomes a version of.",
            )
        made = self._made_before(token)
        if made is None:
            # Large models take a while to digest, so this is done before anyone is kept waiting.
            state["digests"] = self._digests(request)
            with self._claiming:
                made = self._made_before(token) or self._add(request, state, group, status)
                self._remember(token, made)
        return packages.describe_package(made, self._arns)

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
            PACKAGE_KIND, parent=self._group(group).name, status=status, sort_by="number",
            descending=descending, limit=limit, after=after,
        )  # fmt: skip
        return [packages.describe_package(record, self._arns) for record in page.records], page.next_token

    def set_approval(
        self, name_or_arn: str, status: ModelApprovalStatus, *, description: str = ""
    ) -> JsonObject:
        """Record a decision about a package, keep the earlier ones, and return what Describe answers.

        Raises:
            NotFoundError: If there is no such package.
        """
        at = as_text(self._clock.now())

        def decide(record: Record) -> Record:
            state = packages.part(record.body, "state")
            earlier = state.get("approvals")
            decision: JsonObject = {"status": status, "description": description, "at": at}
            changed: JsonObject = {
                **state,
                "approval_description": description,
                "approvals": [*(earlier if isinstance(earlier, Sequence) else ()), decision],
            }
            return replace(record, status=status, body={**record.body, "state": changed})

        record = self._records.update(PACKAGE_KIND, self._package(name_or_arn).name, decide)
        return packages.describe_package(record, self._arns)

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
        """Remove a package.

        Raises:
            NotFoundError: If there is none.
        """
        self._records.delete(PACKAGE_KIND, self._package(name_or_arn).name)

    def _group(self, name_or_arn: str) -> Record:
        record = self._records.find(GROUP_KIND, packages.group_key(name_or_arn))
        if record is None:
            raise NotFoundError(
                f"There is no model package group {name_or_arn!r}.",
                mend="`stepmill models list` shows all; a RegisterModel step makes one.",
            )
        return record

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

    def _add(
        self, request: JsonObject, state: JsonObject, group: Json, status: ModelApprovalStatus
    ) -> Record:
        if not group:
            name = packages.checked_name(request.get("ModelPackageName"), "ModelPackageName")
            body: JsonObject = {"request": request, "state": state}
            return self._add_unversioned(name, body, status)
        key = packages.group_key(str(group))
        kept = self._records.find(GROUP_KIND, key) or self._make_group(str(group), key)
        spelled = packages.part(kept.body, "request")["ModelPackageGroupName"]
        full: JsonObject = {"request": request, "state": {**state, "group": spelled}}
        self._claim(state["token"], key)
        return self._records.create_numbered(
            PACKAGE_KIND, key, lambda number: f"{key}/{number}", lambda _number: full, status
        )

    def _add_unversioned(self, name: str, body: JsonObject, status: ModelApprovalStatus) -> Record:
        try:
            return self._records.create(PACKAGE_KIND, name.lower(), body, status=status)
        except ConflictError as error:
            found = self._records.get(PACKAGE_KIND, name.lower())
            token = packages.part(body, "state")["token"]
            if token and packages.part(found.body, "state").get("token") == token:
                return found
            raise ConflictError(f"ModelPackage already exists: {name!r}.") from error

    def _make_group(self, name_or_arn: str, key: str) -> Record:
        name = key if name_or_arn.startswith("arn:") else name_or_arn
        try:
            return self._records.create(GROUP_KIND, key, {"request": {"ModelPackageGroupName": name}})
        except ConflictError:
            return self._records.get(GROUP_KIND, key)

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
