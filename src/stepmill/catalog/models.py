"""Models: which image serves which model data.

Source: SageMaker API reference, CreateModel and DescribeModel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stepmill.catalog.content import ContentDigests
from stepmill.catalog.package_reviews import ModelApprovalStatus
from stepmill.catalog.packages import checked_name, model_data_of, part
from stepmill.catalog.registry import ModelRegistry, digest_model_data
from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.arns import Arns
from stepmill.core.clock import as_text
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record, RecordStore, Selection

MODEL_KIND = "model"
NEWEST_FIRST = Selection(descending=True)

# An inference pipeline has at most fifteen containers.
MOST_CONTAINERS = 15

_ARN = re.compile(r"arn:[^:]+:sagemaker:[^:]*:[^:]*:model/(?P<name>[^/]+)")


class Models:
    """Keeps models. Safe to share between threads.

    Args:
        records: Where they are kept.
        contents: Looks up whether model data is there.
        registry: Where model packages that a container names are looked up.
        arns: Builds their ARNs.
        tags: Keeps their tags.
    """

    def __init__(
        self, records: RecordStore, contents: ContentDigests, registry: ModelRegistry, arns: Arns, tags: Tags
    ) -> None:
        self._records = records
        self._contents = contents
        self._registry = registry
        self._arns = arns
        self._tags = tags

    def create(self, request: JsonObject, *, token: str = "") -> JsonObject:
        """Make a model from a CreateModel request, and return what DescribeModel answers.

        Args:
            request: The document as AWS takes it.
            token: Idempotency key: the second call with the same one returns what the first made.

        Raises:
            InvalidInputError: If the request cannot be taken.
            NotFoundError: If model data or a model package that it names is not there.
            WrongStateError: If a model package that it names is not approved.
            ConflictError: If there is a model of that name.
        """
        name = checked_name(request.get("ModelName"), "ModelName")
        tags = read_tags(request.get("Tags"))
        if token and (earlier := self._made_before(name, token)):
            return self._describe(earlier)
        digests: dict[str, Json] = {}
        for where, container in _containers(request):
            digests |= self._check_container(container, where)
        body: JsonObject = {"request": request, "state": {"token": token, "digests": digests}}
        try:
            described = self._describe(self._records.create(MODEL_KIND, name.lower(), body))
        except ConflictError as error:
            raise ConflictError(f"Cannot create already existing model {name!r}.") from error
        self._tags.set(str(described["ModelArn"]), tags)
        return described

    def describe(self, name_or_arn: str) -> JsonObject:
        """Return what DescribeModel answers.

        Raises:
            NotFoundError: If there is none.
        """
        return self._describe(self._get(name_or_arn))

    def list(self, selection: Selection = NEWEST_FIRST) -> tuple[Sequence[JsonObject], str | None]:
        """Return the models that are asked for, and the token of the next page, if there is one."""
        page = selection.page(self._records, MODEL_KIND)
        return [self._describe(record) for record in page.records], page.next_token

    def delete(self, name_or_arn: str) -> None:
        """Remove a model and its tags; its data stays.

        Raises:
            NotFoundError: If there is none.
        """
        name = self._get(name_or_arn).name
        self._records.delete(MODEL_KIND, name)
        self._tags.clear(self._arns.sagemaker(MODEL_KIND, name))

    def _get(self, name_or_arn: str) -> Record:
        match = _ARN.fullmatch(name_or_arn)
        record = self._records.find(MODEL_KIND, (match["name"] if match else name_or_arn).lower())
        if record is None:
            raise NotFoundError(f"Could not find model {name_or_arn!r}.")
        return record

    def _made_before(self, name: str, token: str) -> Record | None:
        record = self._records.find(MODEL_KIND, name.lower())
        return record if record and part(record.body, "state").get("token") == token else None

    def _describe(self, record: Record) -> JsonObject:
        request = part(record.body, "request")
        name = str(request["ModelName"])
        return {
            "EnableNetworkIsolation": False,
            **{key: value for key, value in request.items() if key != "Tags"},
            "ModelArn": self._arns.sagemaker("model", name),
            "CreationTime": as_text(record.created_at),
        }

    def _check_container(self, container: JsonObject, where: str) -> dict[str, Json]:
        """Look for what a container names; return address -> digest of its model data."""
        package = container.get("ModelPackageName")
        if not container.get("Image") and not package:
            raise InvalidInputError(
                "The container names neither an image nor a model package.",
                where=where,
                mend='Give it an "Image".',
            )
        if package:
            status = self._registry.describe(str(package)).get("ModelApprovalStatus")
            if status not in (None, ModelApprovalStatus.APPROVED):
                raise WrongStateError(
                    f"The model package {package!r} is {status}.",
                    where=f"{where}.ModelPackageName",
                    mend="Approve it first.",
                )
        return {
            uri: digest_model_data(self._contents, uri, f"{where}.{place}", is_prefix=is_prefix)
            for place, uri, is_prefix in model_data_of(container)
        }


def _containers(request: JsonObject) -> list[tuple[str, JsonObject]]:
    """Return the containers of a request, each with its place in the document."""
    primary, several = request.get("PrimaryContainer"), request.get("Containers")
    if (primary is None) == (not several):
        raise InvalidInputError(
            "A model has either a PrimaryContainer or Containers.",
            where="PrimaryContainer",
            mend="Give one of the two.",
        )
    if primary is not None:
        found: list[tuple[str, Json]] = [("PrimaryContainer", primary)]
    elif isinstance(several, Sequence) and not isinstance(several, str):
        found = [(f"Containers[{index}]", one) for index, one in enumerate(several)]
    else:
        raise InvalidInputError("Containers is a list.", where="Containers", mend="Write it as a list.")
    if len(found) > MOST_CONTAINERS:
        raise InvalidInputError(
            f"A model has at most {MOST_CONTAINERS} containers.", where="Containers", mend="Use fewer."
        )
    for where, one in found:
        if not isinstance(one, Mapping):
            raise InvalidInputError(
                "A container is an object.", where=where, mend='Write it as {"Image": "..."}.'
            )
    return [(where, one) for where, one in found if isinstance(one, Mapping)]
