"""Functions: made, changed and removed.

Source: AWS Lambda API reference, CreateFunction, UpdateFunctionCode, UpdateFunctionConfiguration,
DeleteFunction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.lambda_.configuration import (
    INVALID,
    changed_configuration,
    new_configuration,
    written,
)
from stepmill.aws.services.lambda_.packages import package_of
from stepmill.aws.services.lambda_.references import function_of, reference_of
from stepmill.catalog.tags import read_tags, write_tags
from stepmill.jobs.functions.code import pack_code
from stepmill.jobs.functions.function import LATEST, Function
from stepmill.platform import Platform

# Lambda refuses an ARN of a version here: what is published does not change.
_CHANGES_NOTHING = "This operation is permitted on Lambda functions only. Please provide a function name."


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    arns, registry, services = platform.settings.arns, platform.functions, platform.function_services

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        name, _ = reference_of(given)
        configuration = new_configuration({**given, "FunctionName": name})
        tags = read_tags(write_tags(given.get("Tags", {})))
        package = package_of(platform, given["Code"], call.operation)
        function = registry.create(name, package, configuration)
        platform.tags.set(function.arn, tags)
        return written(services.versions.publish(name) if given.get("Publish") else function, arns)

    def update_code(call: Call) -> dict[str, Any]:
        given = call.parameters
        name = _changeable(platform, given).name
        package = package_of(platform, given, call.operation)
        if given.get("DryRun"):
            pack_code(package)
            return written(registry.get(name), arns)
        function = registry.update_code(name, package, given.get("RevisionId", ""))
        if "Architectures" in given:
            change = {"Architectures": given["Architectures"]}
            function = registry.configure(name, lambda old: changed_configuration(old, change))
        return written(services.versions.publish(name) if given.get("Publish") else function, arns)

    def configure(call: Call) -> dict[str, Any]:
        given = call.parameters
        name = _changeable(platform, given).name
        change = {**given, "FunctionName": name}
        revision = given.get("RevisionId", "")
        function = registry.configure(name, lambda old: changed_configuration(old, change), revision)
        return written(function, arns)

    def delete(call: Call) -> dict[str, Any]:
        function = function_of(platform, call.parameters)
        qualifier = reference_of(call.parameters)[1]
        if not qualifier:
            services.delete(function.name)
            platform.tags.clear(function.arn)
        elif qualifier == function.published:
            services.versions.delete(function.name, qualifier)
        else:
            raise ApiError(INVALID, f"{qualifier} is no version that can be deleted without its function.")
        return {"StatusCode": 204}

    return {
        "CreateFunction": create,
        "UpdateFunctionCode": update_code,
        "UpdateFunctionConfiguration": configure,
        "DeleteFunction": delete,
    }


def _changeable(platform: Platform, given: Mapping[str, Any]) -> Function:
    if reference_of(given)[1] not in ("", LATEST):
        raise ApiError(INVALID, _CHANGES_NOTHING)
    return function_of(platform, given)
