"""What the resource of a Task says: which events its history has, and how it is waited for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stepmill.language.states.resources import Pattern, ResourceKind, parse_resource


class TaskKind(StrEnum):
    """Which events tell of a task; their names begin so."""

    LAMBDA = "LambdaFunction"
    ACTIVITY = "Activity"
    TASK = "Task"


@dataclass(frozen=True, slots=True)
class TaskResource:
    """A resource, as the interpreter needs it.

    Args:
        arn: As it was written.
        kind: Of its events.
        type: Service: ``sqs``, ``aws-sdk:s3``.
        action: Operation with its pattern: ``sendMessage.waitForTaskToken``.
        waits_for_token: Whether somebody sends its end with a token.
        is_sync: Whether it ends when the job that it starts does.
    """

    arn: str
    kind: TaskKind
    type: str = ""
    action: str = ""
    waits_for_token: bool = False
    is_sync: bool = False


_KINDS = {ResourceKind.LAMBDA: TaskKind.LAMBDA, ResourceKind.ACTIVITY: TaskKind.ACTIVITY}


def resource_of(arn: str) -> TaskResource:
    """Take a resource apart.

    Raises:
        InvalidInputError: If it is none.

    Example:
        >>> resource_of("arn:aws:states:::aws-sdk:s3:getObject").type
        'aws-sdk:s3'
    """
    found = parse_resource(arn)
    return TaskResource(
        arn,
        _KINDS.get(found.kind, TaskKind.TASK),
        found.resource_type,
        found.resource,
        waits_for_token=found.pattern is Pattern.WAIT_FOR_TASK_TOKEN,
        is_sync=found.pattern is Pattern.SYNC,
    )
