"""CreateModel, DescribeModel, ListModels, DeleteModel.

Source: SageMaker API reference. The texts of errors are those that the SDKs look for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sagemaker.listing import read_listing
from stepmill.aws.services.sagemaker.refusals import VALIDATION, told_as
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.json import JsonObject
from stepmill.platform import Platform


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""

    def create(call: Call) -> dict[str, Any]:
        # Model data or a package that is not there is a wrong request, in AWS's eyes too.
        with told_as(VALIDATION, ConflictError), told_as(VALIDATION, NotFoundError):
            return {"ModelArn": platform.served_models.create(call.parameters)["ModelArn"]}

    def describe(call: Call) -> JsonObject:
        with told_as(VALIDATION, NotFoundError):
            return platform.served_models.describe(call.parameters["ModelName"])

    def list_(call: Call) -> dict[str, Any]:
        listing = read_listing(call)
        found, token = platform.served_models.list(listing.selection)
        return listing.answer("Models", found, token)

    def delete(call: Call) -> None:
        with told_as(VALIDATION, NotFoundError):
            platform.lineage.catch_up()  # what it was made of is known for good
            platform.served_models.delete(call.parameters["ModelName"])

    return {"CreateModel": create, "DescribeModel": describe, "ListModels": list_, "DeleteModel": delete}
