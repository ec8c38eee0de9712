"""Policies, attached to roles or their own. They say what the role's jobs may do (``catalog/permissions/``).

Source: IAM API reference. AWS's own managed policies can be attached by their ARN, though they are not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.iam.paging import paged
from stepmill.aws.services.iam.roles import no_such, tags_of
from stepmill.catalog.roles import Policy, Role
from stepmill.platform import Platform

_OF_AWS = "arn:aws:iam::aws:policy/"


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return {**_attached(platform), **_own(platform), **_managed(platform), **_versions(platform)}


def _attached(platform: Platform) -> Mapping[str, Handler]:
    roles = platform.roles

    def attach(call: Call) -> None:
        arn = call.parameters["PolicyArn"]
        if not arn.startswith(_OF_AWS):
            roles.get_policy(arn)
        roles.change(
            call.parameters["RoleName"],
            lambda role: _with(role, attached=(*(a for a in role.attached if a != arn), arn)),
        )

    def detach(call: Call) -> None:
        arn = call.parameters["PolicyArn"]
        if arn not in roles.get(call.parameters["RoleName"]).attached:
            raise no_such(f"Policy {arn} was not found.")
        roles.change(
            call.parameters["RoleName"],
            lambda role: _with(role, attached=tuple(a for a in role.attached if a != arn)),
        )

    def list_attached(call: Call) -> dict[str, Any]:
        attached = sorted(roles.get(call.parameters["RoleName"]).attached)
        return paged(
            call.parameters, attached, lambda arn: arn, "AttachedPolicies",
            lambda arn: {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn},
        )  # fmt: skip

    return {
        "AttachRolePolicy": attach,
        "DetachRolePolicy": detach,
        "ListAttachedRolePolicies": list_attached,
    }


def _own(platform: Platform) -> Mapping[str, Handler]:
    roles = platform.roles

    def put(call: Call) -> None:
        name, document = call.parameters["PolicyName"], call.parameters["PolicyDocument"]
        roles.change(
            call.parameters["RoleName"], lambda role: _with(role, inline={**role.inline, name: document})
        )

    def own(call: Call) -> tuple[Role, str]:
        role, name = roles.get(call.parameters["RoleName"]), call.parameters["PolicyName"]
        if name not in role.inline:
            raise no_such(f"The role policy with name {name} cannot be found.")
        return role, name

    def get(call: Call) -> dict[str, Any]:
        role, name = own(call)
        document = quote(role.inline[name], safe="")
        return {"RoleName": role.name, "PolicyName": name, "PolicyDocument": document}

    def delete(call: Call) -> None:
        _, name = own(call)
        roles.change(
            call.parameters["RoleName"],
            lambda role: _with(role, inline={k: v for k, v in role.inline.items() if k != name}),
        )

    def list_own(call: Call) -> dict[str, Any]:
        names = sorted(roles.get(call.parameters["RoleName"]).inline)
        return paged(call.parameters, names, lambda name: name, "PolicyNames", lambda name: name)

    return {
        "DeleteRolePolicy": delete,
        "GetRolePolicy": get,
        "ListRolePolicies": list_own,
        "PutRolePolicy": put,
    }


def _managed(platform: Platform) -> Mapping[str, Handler]:
    roles = platform.roles

    def described(policy: Policy) -> dict[str, Any]:
        return {
            "PolicyName": policy.name,
            "PolicyId": policy.id,
            "Arn": roles.policy_arn(policy),
            "Path": policy.path,
            "DefaultVersionId": policy.default,
            "AttachmentCount": sum(roles.policy_arn(policy) in role.attached for role in roles.made()),
            "IsAttachable": True,
            "Description": policy.description,
            "CreateDate": policy.created_at,
            "UpdateDate": policy.created_at,
        }

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        policy = roles.create_policy(
            given["PolicyName"],
            given["PolicyDocument"],
            path=given.get("Path", "/"),
            description=given.get("Description", ""),
            tags=tags_of(given),
        )
        return {"Policy": described(policy)}

    def get(call: Call) -> dict[str, Any]:
        return {"Policy": described(roles.get_policy(call.parameters["PolicyArn"]))}

    def list_(call: Call) -> dict[str, Any]:
        found = [] if call.parameters.get("Scope") == "AWS" else roles.policies()
        return paged(call.parameters, found, roles.policy_arn, "Policies", described)

    def delete(call: Call) -> None:
        roles.delete_policy(call.parameters["PolicyArn"])

    return {"CreatePolicy": create, "DeletePolicy": delete, "GetPolicy": get, "ListPolicies": list_}


def _versions(platform: Platform) -> Mapping[str, Handler]:
    roles = platform.roles

    def version(policy: Policy, name: str, *, with_document: bool) -> dict[str, Any]:
        told = {
            "VersionId": name,
            "IsDefaultVersion": name == policy.default,
            "CreateDate": policy.created_at,
        }
        return {**told, "Document": quote(policy.versions[name], safe="")} if with_document else told

    def create_version(call: Call) -> dict[str, Any]:
        given = call.parameters
        name = roles.add_version(
            given["PolicyArn"], given["PolicyDocument"], is_default=given.get("SetAsDefault", False)
        )
        return {"PolicyVersion": version(roles.get_policy(given["PolicyArn"]), name, with_document=False)}

    def get_version(call: Call) -> dict[str, Any]:
        policy, name = roles.get_policy(call.parameters["PolicyArn"]), call.parameters["VersionId"]
        if name not in policy.versions:
            raise no_such(f"Policy {call.parameters['PolicyArn']} version {name} does not exist.")
        return {"PolicyVersion": version(policy, name, with_document=True)}

    def list_versions(call: Call) -> dict[str, Any]:
        policy = roles.get_policy(call.parameters["PolicyArn"])
        return paged(
            call.parameters, sorted(policy.versions), lambda name: name, "Versions",
            lambda name: version(policy, name, with_document=False),
        )  # fmt: skip

    def delete_version(call: Call) -> None:
        roles.remove_version(call.parameters["PolicyArn"], call.parameters["VersionId"])

    return {
        "CreatePolicyVersion": create_version,
        "DeletePolicyVersion": delete_version,
        "GetPolicyVersion": get_version,
        "ListPolicyVersions": list_versions,
    }


def _with(role: Role, **changes: Any) -> Role:
    return msgspec.structs.replace(role, **changes)
