"""Versions and aliases.

Source: AWS Lambda API reference, PublishVersion, ListVersionsByFunction, CreateAlias, GetAlias, UpdateAlias,
ListAliases, DeleteAlias.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.lambda_.configuration import INVALID, written
from stepmill.aws.services.lambda_.paging import paged
from stepmill.aws.services.lambda_.references import function_of
from stepmill.core.errors import UnsupportedError
from stepmill.jobs.functions.function import LATEST
from stepmill.jobs.functions.versions import Alias
from stepmill.platform import Platform


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    arns, versions = platform.settings.arns, platform.function_services.versions

    def name_in(call: Call) -> str:
        return function_of(platform, call.parameters).name

    def publish(call: Call) -> dict[str, Any]:
        given = call.parameters
        if given.get("PublishTo"):
            raise UnsupportedError("PublishTo of a version is not offered.", where="PublishTo")
        function = versions.publish(
            name_in(call),
            description=given.get("Description", ""),
            package_sha256=_hexadecimal(given.get("CodeSha256", "")),
            revision=given.get("RevisionId", ""),
        )
        return written(function, arns)

    def list_versions(call: Call) -> dict[str, Any]:
        name = name_in(call)
        found = [versions.get(name, LATEST), *versions.versions(name)]
        return paged(call.parameters, "Versions", found, lambda function: written(function, arns))

    def create_alias(call: Call) -> dict[str, Any]:
        given = call.parameters
        _refuse_routing(given)
        return _written(
            versions.create_alias(
                name_in(call), given["Name"], given["FunctionVersion"], given.get("Description", "")
            )
        )

    def update_alias(call: Call) -> dict[str, Any]:
        given = call.parameters
        _refuse_routing(given)
        return _written(
            versions.update_alias(
                name_in(call),
                given["Name"],
                version=given.get("FunctionVersion", ""),
                description=given.get("Description"),
                revision=given.get("RevisionId", ""),
            )
        )

    def get_alias(call: Call) -> dict[str, Any]:
        return _written(versions.alias(name_in(call), call.parameters["Name"]))

    def list_aliases(call: Call) -> dict[str, Any]:
        wanted = call.parameters.get("FunctionVersion")
        found = [a for a in versions.aliases(name_in(call)) if wanted in (None, a.version)]
        return paged(call.parameters, "Aliases", found, _written)

    def delete_alias(call: Call) -> None:
        versions.delete_alias(name_in(call), call.parameters["Name"])

    return {
        "PublishVersion": publish,
        "ListVersionsByFunction": list_versions,
        "CreateAlias": create_alias,
        "UpdateAlias": update_alias,
        "GetAlias": get_alias,
        "ListAliases": list_aliases,
        "DeleteAlias": delete_alias,
    }


def _refuse_routing(given: Mapping[str, Any]) -> None:
    if given.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
        raise UnsupportedError("An alias of two versions is not offered.", where="RoutingConfig")


def _written(alias: Alias) -> dict[str, Any]:
    return {
        "AliasArn": alias.arn,
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
    }


def _hexadecimal(digest: str) -> str:
    try:
        return base64.b64decode(digest, validate=True).hex()
    except (ValueError, binascii.Error) as error:
        raise ApiError(INVALID, "CodeSha256 is no digest.", where="CodeSha256") from error
