"""How a function is called, from a request's members and back.

Source: AWS Lambda API reference, CreateFunction, UpdateFunctionConfiguration, FunctionConfiguration.
"""

from __future__ import annotations

import base64
import math
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.catalog.roles import DEFAULT_ROLE
from stepmill.core.arns import Arns
from stepmill.core.errors import UnsupportedError
from stepmill.jobs.functions.function import Configuration, Function

INVALID = "InvalidParameterValueException"

# What Lambda does where a request does not say.
DEFAULT_TIMEOUT = timedelta(seconds=3)
DEFAULT_MEMORY_MB = 128

_PYTHON = re.compile(r"python3\.\d{1,2}")
_MEGABYTE = 1024 * 1024

# Members that have no effect on what a function does here; they are kept and given back.
_ECHOED = ("Architectures", "EphemeralStorage", "KMSKeyArn", "TracingConfig", "VpcConfig")
# Members that would change what it does. Empty ones do not.
_REFUSED = (
    "AcceleratorConfig", "CapacityProviderConfig", "CodeSigningConfigArn", "DeadLetterConfig",
    "DurableConfig", "FileSystemConfigs", "ImageConfig", "Layers", "PublishTo", "RuntimeConfig",
    "TenancyConfig",
)  # fmt: skip
# Set for every function; Lambda lets nobody else set them.
_RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
})  # fmt: skip


def new_configuration(given: Mapping[str, Any]) -> Configuration:
    """Return the configuration that CreateFunction asks for.

    Raises:
        UnsupportedError: If it asks for what is not offered.
        ApiError: If something is missing.
    """
    if given.get("PackageType", "Zip") != "Zip":
        raise UnsupportedError("Functions in container images are not offered.", where="PackageType")
    if not given.get("Runtime") or not given.get("Handler"):
        raise ApiError(
            INVALID,
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        )
    empty = Configuration("", DEFAULT_TIMEOUT, DEFAULT_MEMORY_MB)
    return changed_configuration(empty, given)


def changed_configuration(old: Configuration, given: Mapping[str, Any]) -> Configuration:
    """Return a configuration with the members of a request in it; what the request does not say stays.

    Raises:
        UnsupportedError: If it asks for what is not offered.
        ApiError: If a variable is reserved.
    """
    _refuse(given)
    timeout = timedelta(seconds=given["Timeout"]) if "Timeout" in given else old.timeout
    environment = given["Environment"].get("Variables", {}) if "Environment" in given else old.environment
    reserved = sorted(_RESERVED & environment.keys())
    if reserved:
        raise ApiError(
            INVALID,
            "Lambda was unable to configure your environment variables because the environment variables you "
            "have provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}",
        )
    return replace(
        old,
        handler=given.get("Handler", old.handler),
        timeout=timeout,
        memory_mb=given.get("MemorySize", old.memory_mb),
        environment=dict(environment),
        runtime=given.get("Runtime", old.runtime),
        description=given.get("Description", old.description),
        role=given.get("Role", old.role),
        others={**old.others, **{name: given[name] for name in _ECHOED if name in given}},
    )


def _refuse(given: Mapping[str, Any]) -> None:
    for name in _REFUSED:
        if _says_something(given.get(name)):
            raise UnsupportedError(f"{name} of a function is not offered.", where=name, mend=_mend(name))
    if given.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        raise UnsupportedError("SnapStart of a function is not offered.", where="SnapStart")
    logging = given.get("LoggingConfig", {})
    own_group = f"/aws/lambda/{given.get('FunctionName', '')}"
    if logging.get("LogFormat", "Text") != "Text" or logging.get("LogGroup", own_group) != own_group:
        raise UnsupportedError(
            "Logs in JSON, or in a group of one's own, are not offered.", where="LoggingConfig"
        )
    runtime = given.get("Runtime", "python3.12")
    if not _PYTHON.fullmatch(runtime):
        raise UnsupportedError(
            f"The runtime {runtime[:40]} is not offered.",
            where="Runtime",
            mend="Functions are written in Python here: python3.12.",
        )


def _says_something(value: Any) -> bool:
    return any(map(_says_something, value.values())) if isinstance(value, Mapping) else bool(value)


def _mend(name: str) -> str:
    if name == "Layers":
        return "Put what the layer holds into the zip; what Stepmill's own environment has is there."
    if name == "DeadLetterConfig":
        return "What a function could not do with an event stands in its log."
    return ""


def written(function: Function, arns: Arns) -> dict[str, Any]:
    """Return a function as FunctionConfiguration."""
    configuration = function.configuration
    answer: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": configuration.runtime or f"python3.{sys.version_info.minor}",
        "Role": configuration.role or arns.role(DEFAULT_ROLE),
        "Handler": configuration.handler,
        "CodeSize": function.package.size_bytes,
        "Description": configuration.description,
        "Timeout": math.ceil(configuration.timeout.total_seconds()),
        "MemorySize": configuration.memory_mb or _machine_mb(),
        "LastModified": _moment(function.modified_at),
        "CodeSha256": code_sha256(function),
        "Version": function.qualifier,
        "RevisionId": function.revision,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.name}"},
    }
    if configuration.environment:
        answer["Environment"] = {"Variables": dict(configuration.environment)}
    return {**answer, **configuration.others}


def code_sha256(function: Function) -> str:
    """Return the digest of the zip that a function's code came in, as Lambda writes it."""
    return base64.b64encode(bytes.fromhex(function.package.sha256)).decode()


def _moment(moment: datetime) -> str:
    """Return a moment in the form of ``LastModified``, which is none of those that models know."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}+0000"


def _machine_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEGABYTE
