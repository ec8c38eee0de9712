"""Roles: what scripts make, ask for and attach policies to.

Source: IAM API reference. Documents are answered URL-encoded, as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.iam.paging import paged
from stepmill.catalog.roles import Role
from stepmill.platform import Platform

_NOT_FOUND = 404


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return {**_roles(platform), **_changes(platform), **_tags(platform)}


def _roles(platform: Platform) -> Mapping[str, Handler]:
    roles = platform.roles

    def described(role: Role) -> dict[str, Any]:
        return {
            "Path": role.path,
            "RoleName": role.name,
            "RoleId": role.id,
            "Arn": roles.arn(role),
            "CreateDate": role.created_at,
            "AssumeRolePolicyDocument": quote(role.trust, safe=""),
            "Description": role.description,
            "MaxSessionDuration": role.max_session_s,
            "Tags": written(role.tags),
        }

    def get_role(call: Call) -> dict[str, Any]:
        return {"Role": described(roles.get(call.parameters["RoleName"]))}

    def create_role(call: Call) -> dict[str, Any]:
        given = call.parameters
        role = Role(
            name=given["RoleName"],
            path=given.get("Path", "/"),
            trust=given["AssumeRolePolicyDocument"],
            description=given.get("Description", ""),
            max_session_s=given.get("MaxSessionDuration", 3600),
            tags=tags_of(given),
        )
        return {"Role": described(roles.create(role))}

    def delete_role(call: Call) -> None:
        roles.delete(call.parameters["RoleName"])

    def list_roles(call: Call) -> dict[str, Any]:
        prefix = call.parameters.get("PathPrefix", "/")
        found = [role for role in roles.made() if role.path.startswith(prefix)]
        return paged(call.parameters, found, lambda role: role.name, "Roles", described)

    return {
        "CreateRole": create_role,
        "DeleteRole": delete_role,
        "GetRole": get_role,
        "ListRoles": list_roles,
    }


def _changes(platform: Platform) -> Mapping[str, Handler]:
    roles = platform.roles

    def update_role(call: Call) -> dict[str, Any]:
        given = call.parameters

        def change(role: Role) -> Role:
            return msgspec.structs.replace(
                role,
                description=given.get("Description", role.description),
                max_session_s=given.get("MaxSessionDuration", role.max_session_s),
            )

        roles.change(given["RoleName"], change)
        return {}

    def update_trust(call: Call) -> None:
        trust = call.parameters["PolicyDocument"]
        roles.change(call.parameters["RoleName"], lambda role: msgspec.structs.replace(role, trust=trust))

    return {"UpdateAssumeRolePolicy": update_trust, "UpdateRole": update_role}


def _tags(platform: Platform) -> Mapping[str, Handler]:
    roles = platform.roles

    def tag_role(call: Call) -> None:
        more = tags_of(call.parameters)
        roles.change(
            call.parameters["RoleName"], lambda r: msgspec.structs.replace(r, tags={**r.tags, **more})
        )

    def untag_role(call: Call) -> None:
        gone = call.parameters["TagKeys"]
        roles.change(
            call.parameters["RoleName"],
            lambda r: msgspec.structs.replace(r, tags={k: v for k, v in r.tags.items() if k not in gone}),
        )

    def list_role_tags(call: Call) -> dict[str, Any]:
        tags = sorted(roles.get(call.parameters["RoleName"]).tags.items())
        return paged(call.parameters, tags, lambda tag: tag[0], "Tags", lambda tag: written(dict([tag]))[0])

    return {"ListRoleTags": list_role_tags, "TagRole": tag_role, "UntagRole": untag_role}


def tags_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a request: key -> value."""
    return {tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}


def written(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as they are answered."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def no_such(what: str) -> ApiError:
    """Return the error of something that is not there."""
    return ApiError("NoSuchEntity", what, status=_NOT_FOUND)
