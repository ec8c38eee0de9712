"""AddPermission, RemovePermission, GetPolicy: kept and given back; nothing is refused for want of one.

Source: AWS Lambda API reference, AddPermission; developer guide, "Viewing resource-based IAM policies".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.lambda_.references import function_of, reference_of
from stepmill.core.errors import NotFoundError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.platform import Platform


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    policies = platform.function_services.policies

    def checked(call: Call) -> tuple[str, str]:
        function_of(platform, call.parameters)
        name, qualifier = reference_of(call.parameters)
        revision = call.parameters.get("RevisionId")
        if revision and revision != _revision(name, qualifier):
            raise ApiError(
                "PreconditionFailedException",
                "The RevisionId provided does not match the latest RevisionId.",
                status=412,
            )
        return name, qualifier

    def _revision(name: str, qualifier: str) -> str:
        try:
            return policies.get(name, qualifier).revision
        except NotFoundError:
            return ""

    def add(call: Call) -> dict[str, Any]:
        name, qualifier = checked(call)
        arn = platform.settings.arns.function(name)
        statement = _statement(call.parameters, f"{arn}:{qualifier}" if qualifier else arn)
        policies.add(name, qualifier, statement)
        return {"Statement": write_json(statement)}

    def remove(call: Call) -> None:
        name, qualifier = checked(call)
        policies.remove(name, qualifier, call.parameters["StatementId"])

    def get(call: Call) -> dict[str, Any]:
        name, qualifier = checked(call)
        policy = policies.get(name, qualifier)
        return {"Policy": write_json(policy.document), "RevisionId": policy.revision}

    return {"AddPermission": add, "RemovePermission": remove, "GetPolicy": get}


def _statement(given: Mapping[str, Any], resource: str) -> JsonObject:
    principal: str = given["Principal"]
    is_service = principal.endswith(".amazonaws.com")
    who: Json = "*" if principal == "*" else {"Service" if is_service else "AWS": principal}
    return {
        "Sid": given["StatementId"],
        "Effect": "Allow",
        "Principal": who,
        "Action": given["Action"],
        "Resource": resource,
        **_condition(given),
    }


def _condition(given: Mapping[str, Any]) -> JsonObject:
    found: dict[str, dict[str, Json]] = {}
    for member, operator, key in (
        ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
        ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
        ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
        ("SourceArn", "ArnLike", "AWS:SourceArn"),
    ):
        if given.get(member):
            found.setdefault(operator, {})[key] = given[member]
    return {"Condition": found} if found else {}
