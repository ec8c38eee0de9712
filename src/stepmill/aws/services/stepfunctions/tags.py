"""Tags of machines and activities. On this wire their members are in lower case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.stepfunctions.arns import read_arn
from stepmill.aws.services.stepfunctions.refusals import NO_RESOURCE, told
from stepmill.catalog import tags as catalog_tags
from stepmill.core.states_arns import ACTIVITY, MACHINE
from stepmill.platform import Platform


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations on tags."""

    def arn_of(call: Call) -> str:
        arn = read_arn(call.parameters["resourceArn"], MACHINE, ACTIVITY)
        if arn.kind == MACHINE:
            with told(missing=NO_RESOURCE):
                return platform.state_machines.get(arn.name).arn
        return platform.state_machines.arns.activity(arn.name)

    def tag(call: Call) -> dict[str, Any]:
        arn = arn_of(call)
        new = read_tags(call.parameters["tags"])
        with told(invalid="TooManyTags"):
            platform.tags.add(arn, new)
        return {}

    def untag(call: Call) -> dict[str, Any]:
        platform.tags.remove(arn_of(call), call.parameters["tagKeys"])
        return {}

    def list_(call: Call) -> dict[str, Any]:
        kept = platform.tags.of(arn_of(call))
        return {"tags": [{"key": key, "value": value} for key, value in kept.items()]}

    return {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_}


def read_tags(given: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Return key -> value of the tags of a request.

    Raises:
        ApiError: If Step Functions would refuse them.
    """
    with told():
        return catalog_tags.read_tags(
            [{"Key": tag.get("key", ""), "Value": tag.get("value", "")} for tag in given or ()], where="tags"
        )
