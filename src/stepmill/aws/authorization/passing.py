"""Roles that a call hands on: whoever has something run under a role must be allowed to pass that role.

Without it a job could start another one under a wider role than its own. So roles are looked for wherever a
call may name one, definitions included.

Source: IAM user guide, "Granting a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepmill.aws.authorization.targets import Target
from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import read_json
from stepmill.jobs.access import role_name

# Members whose value is the ARN of a role, in lower case.
_MEMBERS = frozenset(
    {
        "executionrole", "executionrolearn", "jobrolearn", "offlinestorerolearn", "role", "rolearn",
        "snsfeedbackrolearn",
    }
)  # fmt: skip
_DEFINITIONS = frozenset({"definition", "pipelinedefinition"})
_PRINCIPALS = {
    "batch": "ecs-tasks.amazonaws.com",
    "events": "events.amazonaws.com",
    "glue": "glue.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "sagemaker": "sagemaker.amazonaws.com",
    "stepfunctions": "states.amazonaws.com",
}
_DEEPEST = 60


def passed_roles(service: str, parameters: Mapping[str, Any], arns: Arns) -> list[Target]:
    """Return what passing the roles of a call is.

    Args:
        service: As botocore names it.
        parameters: Members of the call.
        arns: Builds ARNs: roles of other accounts stand for those of the same name.
    """
    principal = _PRINCIPALS.get(service)
    if principal is None:
        return []
    names = dict.fromkeys(role_name(arn) for arn in _roles(parameters, 0))
    given = {"iam:passedtoservice": (principal,)}
    return [Target("iam:PassRole", arns.role(name), given) for name in names]


def _roles(value: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            lower = str(name).lower().removesuffix(".$")
            if isinstance(inner, str):
                if lower in _MEMBERS and inner:
                    yield inner
                elif lower in _DEFINITIONS:
                    yield from _roles(_read(inner), depth + 1)
            else:
                yield from _roles(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _roles(inner, depth + 1)


def _read(definition: str) -> object:
    try:
        return read_json(definition)
    except InvalidInputError:
        return None  # the service refuses it
