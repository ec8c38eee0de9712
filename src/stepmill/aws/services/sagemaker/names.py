"""Resources by name or ARN: most members that name one take either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.core.arns import Arns, SageMakerArn
from stepmill.core.errors import InvalidInputError, NotFoundError


def name_of(parameters: Mapping[str, Any], member: str, kind: str, arns: Arns) -> str:
    """Return the name of the resource that a member of a request names, by its name or ARN.

    Args:
        parameters: Of the call.
        member: ``PipelineName``.
        kind: Of the resource, as its ARN says it: ``pipeline``, ``model-package-group``.
        arns: Of this installation.

    Raises:
        InvalidInputError: If it is the ARN of something else.
        NotFoundError: If it is the ARN of another account or region.
    """
    given = str(parameters[member])
    return arn_of(given, member, kind, arns).name if given.startswith("arn:") else given


def arn_of(text: str, member: str, kind: str, arns: Arns) -> SageMakerArn:
    """Return the parts of the ARN of a resource of one kind that is of this installation.

    Raises:
        InvalidInputError: If it is no ARN, or one of something else.
        NotFoundError: If it is of another account or region.
    """
    arn = SageMakerArn.read(text)
    if arn is None or arn.kind != kind:
        raise InvalidInputError(
            f"{text[:200]!r} is not the ARN of a {kind}.",
            where=member,
            mend=f"Give one such as {arns.sagemaker(kind, 'NAME')}.",
        )
    check_own(arn, text, arns)
    return arn


def check_own(arn: SageMakerArn, text: str, arns: Arns) -> None:
    """Check that an ARN is of this installation.

    Raises:
        NotFoundError: If it is not.
    """
    if not arns.is_own(arn):
        raise NotFoundError(
            f"{text[:200]!r} is not here: this is account {arns.account} in {arns.region}.",
            mend="Check the account and the region of the ARN.",
        )
