"""Operations on model package groups and their policies.

Source: SageMaker API reference; the texts of errors are those that SageMaker's CloudFormation resources
and Terraform look for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sagemaker.listing import read_listing
from stepmill.aws.services.sagemaker.names import name_of
from stepmill.aws.services.sagemaker.refusals import VALIDATION, told_as
from stepmill.aws.services.sagemaker.whose import with_arns
from stepmill.catalog.packages import GROUP_KIND
from stepmill.core.errors import ConflictError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject
from stepmill.platform import Platform

_NAME = "ModelPackageGroupName"
_ARN = "ModelPackageGroupArn"


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    groups, arns = platform.models.groups, platform.settings.arns

    @contextmanager
    def named(call: Call, missing: str) -> Iterator[str]:
        """Give the name of the group that a call is about; tell in AWS's words if it is missing."""
        name = name_of(call.parameters, _NAME, GROUP_KIND, arns)
        with told_as(VALIDATION, NotFoundError, missing.format(arns.sagemaker(GROUP_KIND, name))):
            yield name

    def create(call: Call) -> dict[str, Any]:
        arn = arns.sagemaker(GROUP_KIND, call.parameters[_NAME])
        with told_as(VALIDATION, ConflictError, f"Model Package Group already exists: {arn}"):
            return {_ARN: groups.create(call.parameters, by=call.caller.name)[_ARN]}

    def describe(call: Call) -> JsonObject:
        with named(call, "ModelPackageGroup {} does not exist.") as name:
            return with_arns(groups.describe(name), arns)

    def list_(call: Call) -> dict[str, Any]:
        listing = read_listing(call, descending=False)
        # There is one account here: nobody else has shared anything.
        is_own = call.parameters.get("CrossAccountFilterOption") != "CrossAccount"
        found, token = groups.list(listing.selection) if is_own else ((), None)
        return listing.answer("ModelPackageGroupSummaryList", found, token)

    def delete(call: Call) -> None:
        with (
            named(call, "ModelPackageGroup {} does not exist.") as name,
            told_as("ConflictException", WrongStateError),
        ):
            groups.delete(name)

    def put_policy(call: Call) -> dict[str, Any]:
        with named(call, "Cannot find Model Package Group: {}") as name:
            return {_ARN: groups.set_policy(name, call.parameters["ResourcePolicy"])[_ARN]}

    def get_policy(call: Call) -> dict[str, Any]:
        with named(call, "Cannot find Model Package Group: {}") as name:
            policy = groups.policy(name)
        if not policy:
            arn = arns.sagemaker(GROUP_KIND, name)
            raise ApiError(VALIDATION, f"Cannot find resource policy for: {arn}")
        return {"ResourcePolicy": policy}

    def delete_policy(call: Call) -> None:
        get_policy(call)
        groups.set_policy(call.parameters[_NAME], "")

    return {
        "CreateModelPackageGroup": create,
        "DescribeModelPackageGroup": describe,
        "ListModelPackageGroups": list_,
        "DeleteModelPackageGroup": delete,
        "PutModelPackageGroupPolicy": put_policy,
        "GetModelPackageGroupPolicy": get_policy,
        "DeleteModelPackageGroupPolicy": delete_policy,
    }
