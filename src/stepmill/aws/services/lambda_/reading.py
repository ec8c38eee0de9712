"""Functions: looked at and listed.

Source: AWS Lambda API reference, GetFunction, GetFunctionConfiguration, ListFunctions, GetAccountSettings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.lambda_.configuration import written
from stepmill.aws.services.lambda_.packages import LARGEST_UPLOAD_BYTES, link_to_code
from stepmill.aws.services.lambda_.paging import paged
from stepmill.aws.services.lambda_.references import function_of
from stepmill.jobs.functions.code import LARGEST_CODE_BYTES
from stepmill.jobs.functions.function import Function
from stepmill.jobs.functions.invoker import MOST_WAITED_FOR
from stepmill.platform import Platform


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    arns, registry, services = platform.settings.arns, platform.functions, platform.function_services

    def get(call: Call) -> dict[str, Any]:
        function = function_of(platform, call.parameters)
        code = {"RepositoryType": "S3", "Location": link_to_code(platform, call, function)}
        tags = platform.tags.of(arns.function(function.name))
        return {
            "Configuration": written(function, arns),
            "Code": {name: value for name, value in code.items() if value},
            **({"Tags": tags} if tags else {}),
        }

    def get_configuration(call: Call) -> dict[str, Any]:
        return written(function_of(platform, call.parameters), arns)

    def list_(call: Call) -> dict[str, Any]:
        found: list[Function] = []
        for function in registry.list():
            found.append(function)
            if call.parameters.get("FunctionVersion") == "ALL":
                found += services.versions.versions(function.name)
        return paged(call.parameters, "Functions", found, lambda function: written(function, arns))

    def get_settings(_: Call) -> dict[str, Any]:
        functions = registry.list()
        limit = {
            "CodeSizeUnzipped": LARGEST_CODE_BYTES,
            "CodeSizeZipped": LARGEST_UPLOAD_BYTES,
            "ConcurrentExecutions": MOST_WAITED_FOR,
            "UnreservedConcurrentExecutions": MOST_WAITED_FOR,
        }
        size = sum(function.package.size_bytes for function in functions)
        return {
            "AccountLimit": limit,
            "AccountUsage": {"FunctionCount": len(functions), "TotalCodeSize": size},
        }

    return {
        "GetFunction": get,
        "GetFunctionConfiguration": get_configuration,
        "ListFunctions": list_,
        "GetAccountSettings": get_settings,
    }
