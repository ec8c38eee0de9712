"""ListTags, TagResource, UntagResource.

Source: AWS Lambda API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.lambda_.configuration import INVALID
from stepmill.aws.services.lambda_.references import function_of
from stepmill.catalog.tags import read_tags, write_tags
from stepmill.platform import Platform


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""

    def checked(call: Call) -> str:
        """Return the ARN of a function that is here."""
        arn = call.parameters["Resource"]
        function = function_of(platform, {"FunctionName": arn})
        if arn != function.arn or function.published:
            raise ApiError(INVALID, f"{arn[:200]} is not the ARN of a function.", where="Resource")
        return function.arn

    def list_(call: Call) -> dict[str, Any]:
        return {"Tags": platform.tags.of(checked(call))}

    def tag(call: Call) -> None:
        tags = read_tags(write_tags(call.parameters["Tags"]))
        platform.tags.add(checked(call), tags)

    def untag(call: Call) -> None:
        platform.tags.remove(checked(call), call.parameters["TagKeys"])

    return {"ListTags": list_, "TagResource": tag, "UntagResource": untag}
