"""What a role may do, asked beforehand: the same decision as at the door, on circumstances that are given.

Source: IAM API reference, SimulatePrincipalPolicy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.catalog.permissions.circumstances import Circumstances
from stepmill.catalog.permissions.decisions import Decision, Policy, Question, Verdict, decide
from stepmill.catalog.permissions.documents import MalformedDocumentError, read_policy
from stepmill.platform import Platform

_ROLE = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::\d{12}:(?:role|assumed-role)/(?P<name>\S+)")
_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):")


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    account = platform.settings.account

    def simulate(call: Call) -> dict[str, Any]:
        given = call.parameters
        policies = [*_policies(platform, given["PolicySourceArn"]), *_more(given)]
        results = []
        for action in given["ActionNames"]:
            for resource in given.get("ResourceArns") or ["*"]:
                circumstances = _circumstances(given, resource, account)
                decision = decide(policies, Question(action, resource, circumstances))
                results.append(_told(action, resource, decision))
        return {"EvaluationResults": results, "IsTruncated": False}

    return {"SimulatePrincipalPolicy": simulate}


def _policies(platform: Platform, arn: str) -> tuple[Policy, ...]:
    match = _ROLE.fullmatch(arn)
    if match is None:
        raise ApiError("InvalidInput", f"Invalid Entity Arn: {arn[:200]} does not clearly define a role.")
    name = match["name"]
    name = name.partition("/")[0] if ":assumed-role/" in arn else name.rpartition("/")[2]
    return platform.role_policies.of(platform.roles.get(name))


def _more(given: Mapping[str, Any]) -> list[Policy]:
    """Return the policies that whoever asks would add."""
    try:
        return [Policy("PolicyInputList", read_policy(text)) for text in given.get("PolicyInputList", ())]
    except MalformedDocumentError as error:
        raise ApiError("InvalidInput", error.what, where="PolicyInputList") from error


def _circumstances(given: Mapping[str, Any], resource: str, account: str) -> Circumstances:
    owner = _ACCOUNT.match(resource)
    said = {
        entry["ContextKeyName"].lower(): tuple(entry.get("ContextKeyValues", ()))
        for entry in given.get("ContextEntries", ())
        if entry.get("ContextKeyName")
    }
    return Circumstances(
        {"aws:resourceaccount": (owner[1] if owner else account,), "aws:principalaccount": (account,), **said}
    )


def _told(action: str, resource: str, decision: Decision) -> dict[str, Any]:
    matched = [{"SourcePolicyId": decision.policy}] if decision.policy else []
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision.verdict.value,
        "MatchedStatements": matched,
        "MissingContextValues": list(decision.unknown if decision.verdict is not Verdict.ALLOWED else ()),
    }
