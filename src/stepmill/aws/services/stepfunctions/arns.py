"""Which thing an ARN of a request means, and the errors of those that mean none."""

from __future__ import annotations

from stepmill.aws.errors import ApiError
from stepmill.core.states_arns import MACHINE, StatesArn


def read_arn(text: str, *kinds: str) -> StatesArn:
    """Return the parts of an ARN that must name one of these kinds of things.

    Whose account and region it names does not matter: scripts name those that they were written for.

    Raises:
        ApiError: If it is none, or of another kind.
    """
    found = StatesArn.read(text)
    if found is None:
        raise ApiError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {text[:256]}'")
    if found.kind not in kinds:
        raise ApiError(
            "InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {found.kind[:80]}'"
        )
    return found


def read_machine_arn(text: str) -> StatesArn:
    """Return the parts of the ARN of a machine, a version or an alias.

    Raises:
        ApiError: If it is none.
    """
    return read_arn(text, MACHINE)


def version_in(arn: StatesArn) -> int:
    """Return the number of the version that an ARN names.

    Raises:
        ApiError: If it names none.
    """
    if not (arn.rest.isascii() and arn.rest.isdecimal() and len(arn.rest) < len("9" * 10)):
        raise ApiError("InvalidArn", "Invalid Arn: 'The ARN must be one of a state machine version.'")
    return int(arn.rest)
