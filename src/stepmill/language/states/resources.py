"""What the Resource of a Task names: a function, an activity, or an integration with a service.

Source: Step Functions developer guide, "Discovering service integration patterns"; IAM guide, partitions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from stepmill.core.errors import InvalidInputError

_LONGEST = 2_048
_PARTITION = r"arn:(?P<partition>aws(?:-[a-z]+)*)"
_LAMBDA = re.compile(
    rf"{_PARTITION}:lambda:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{{12}}):function:"
    r"(?P<name>[A-Za-z0-9_.-]{1,140})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?\Z"
)
_ACTIVITY = re.compile(
    rf"{_PARTITION}:states:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{{12}}):activity:"
    r"(?P<name>[^\s:]{1,80})\Z"
)
_INTEGRATION = re.compile(
    rf"{_PARTITION}:states:(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):"
    r"(?P<sdk>aws-sdk:)?(?P<service>[a-z][a-z0-9-]*):(?P<action>[A-Za-z][A-Za-z0-9]*)"
    r"(?P<pattern>\.[A-Za-z]+(?::[0-9]+)?)?\Z"
)


class ResourceKind(StrEnum):
    """How work is asked for."""

    LAMBDA = "lambda"
    ACTIVITY = "activity"
    OPTIMIZED = "optimized"
    SDK = "aws-sdk"


class Pattern(StrEnum):
    """When a task of an integration is over."""

    REQUEST_RESPONSE = "REQUEST_RESPONSE"
    SYNC = "SYNC"
    WAIT_FOR_TASK_TOKEN = "WAIT_FOR_TASK_TOKEN"  # noqa: S105 - the name of a pattern


_PATTERNS = {
    "": Pattern.REQUEST_RESPONSE,
    ".sync": Pattern.SYNC,
    ".sync:2": Pattern.SYNC,
    ".waitForTaskToken": Pattern.WAIT_FOR_TASK_TOKEN,
}


@dataclass(frozen=True, slots=True)
class Resource:
    """The parts of a Task's Resource.

    Args:
        kind: How work is asked for.
        service: ``lambda``, ``states``, ``sagemaker``, ``s3``; history's ``resourceType`` has ``aws-sdk:``
            before an SDK's.
        action: ``createTrainingJob``, without the pattern; of a function and an activity: its name.
        pattern: When the task is over.
        suffix: The pattern as it was written: nothing, ``.sync``, ``.sync:2``, ``.waitForTaskToken``.
        arn: All of it, as it was written.
        region: Empty for integrations.
        account: Empty for integrations.
        qualifier: Version or alias of a function.
        partition: ``aws``, ``aws-cn``, ``aws-us-gov``.
    """

    kind: ResourceKind
    service: str
    action: str
    pattern: Pattern
    arn: str
    suffix: str = ""
    region: str = ""
    account: str = ""
    qualifier: str = ""
    partition: str = "aws"

    @property
    def is_integration(self) -> bool:
        """Whether history shows it by ``Task...`` events, not by ``LambdaFunction...`` or ``Activity...``."""
        return self.kind in (ResourceKind.OPTIMIZED, ResourceKind.SDK)

    @property
    def resource_type(self) -> str:
        """``resourceType`` in history: ``sagemaker``, ``aws-sdk:s3``."""
        return f"aws-sdk:{self.service}" if self.kind is ResourceKind.SDK else self.service

    @property
    def resource(self) -> str:
        """``resource`` in history: ``createTrainingJob.sync``."""
        return self.action + self.suffix

    @property
    def integration(self) -> str:
        """Its name: ``sagemaker:createTrainingJob.sync``, ``aws-sdk:s3:getObject``."""
        return f"{self.resource_type}:{self.resource}"


def parse_resource(text: str) -> Resource:
    """Return the parts of a Task's Resource.

    Raises:
        InvalidInputError: If it is no ARN of a function, an activity or an integration, or if AWS has no such
            pattern for it (``.sync`` of ``aws-sdk``).

    Example:
        >>> found = parse_resource("arn:aws:states:::sagemaker:createTrainingJob.sync")
        >>> found.service, found.action, found.pattern.value, found.resource
        ('sagemaker', 'createTrainingJob', 'SYNC', 'createTrainingJob.sync')
    """
    if len(text) > _LONGEST:
        raise _unknown(text[:_LONGEST])
    for kind, form in ((ResourceKind.LAMBDA, _LAMBDA), (ResourceKind.ACTIVITY, _ACTIVITY)):
        if match := form.match(text):
            parts = match.groupdict()
            return Resource(
                kind=kind,
                service="lambda" if kind is ResourceKind.LAMBDA else "states",
                action=parts["name"],
                pattern=Pattern.REQUEST_RESPONSE,
                arn=text,
                region=parts["region"],
                account=parts["account"],
                qualifier=parts.get("qualifier") or "",
                partition=parts["partition"],
            )
    match = _INTEGRATION.match(text)
    if match is None or (match["pattern"] or "") not in _PATTERNS:
        raise _unknown(text)
    suffix = match["pattern"] or ""
    if match["sdk"] and _PATTERNS[suffix] is Pattern.SYNC:
        raise _unknown(text)
    return Resource(
        kind=ResourceKind.SDK if match["sdk"] else ResourceKind.OPTIMIZED,
        service=match["service"],
        action=match["action"],
        pattern=_PATTERNS[suffix],
        arn=text,
        suffix=suffix,
        region=match["region"],
        account=match["account"],
        partition=match["partition"],
    )


def _unknown(text: str) -> InvalidInputError:
    return InvalidInputError(
        f"The resource provided {text} is not recognized. The value is not a valid resource ARN, or the "
        "resource is not available in this region.",
        mend="Give the ARN of a function or of an activity, or arn:aws:states:::SERVICE:ACTION.",
    )
