"""How an error of a service is told to a state machine: its name, and a cause in the words of AWS's SDKs.

Source: the exceptions of AWS's SDKs for Java, whose names and messages Step Functions passes on.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from stepmill.core.api_calls import ApiCallError, WrongParametersError
from stepmill.core.json import JsonObject, write_json
from stepmill.core.tasks import TaskFailed
from stepmill.jobs.integrations.services import Optimized, SdkService

RUNTIME = "States.Runtime"
TASK_FAILED = "States.TaskFailed"


def exception_of(code: str) -> str:
    """Return the name of the exception that the SDKs have for an error of a model.

    Example:
        >>> exception_of("ResourceInUse"), exception_of("NoSuchKey"), exception_of("ServiceFault")
        ('ResourceInUseException', 'NoSuchKeyException', 'ServiceException')
    """
    name = code[:1].upper() + code[1:]
    if name.endswith("Exception"):
        return name
    return f"{name.removesuffix('Fault')}Exception"


def optimized_failure(task_id: str, service: Optimized, error: ApiCallError) -> TaskFailed:
    """Return the failure of a task of an optimised integration."""
    name = exception_of(error.code) if error.is_modelled else service.base
    cause = (
        f"{error.message} (Service: {service.title}; Status Code: {error.status}; Error Code: {error.code}; "
        f"Request ID: {error.request_id}; Proxy: null)"
    )
    return TaskFailed(task_id, f"{service.prefix}.{name}", cause)


def sdk_failure(task_id: str, service: SdkService, error: ApiCallError) -> TaskFailed:
    """Return the failure of a task of an ``aws-sdk`` integration."""
    name = exception_of(error.code) if error.is_modelled else f"{service.prefix}Exception"
    extended = ""
    if service.service == "s3":
        text = b64encode(sha256(error.request_id.encode()).digest()).decode()
        extended = f", Extended Request ID: {text}"
    cause = (
        f"{error.message} (Service: {service.prefix}, Status Code: {error.status}, "
        f"Request ID: {error.request_id}{extended})"
    )
    return TaskFailed(task_id, f"{service.prefix}.{name}", cause)


def wrong_parameters(task_id: str, parameters: JsonObject, error: WrongParametersError) -> TaskFailed:
    """Return the failure of a task whose parameters cannot be those of its operation."""
    return TaskFailed(task_id, RUNTIME, unusable(parameters, error))


def unusable(parameters: JsonObject, error: WrongParametersError) -> str:
    """Return how Step Functions tells that a task cannot be started with its parameters."""
    told = ", ".join(error.problems)
    return f"The Parameters '{write_json(parameters)}' could not be used to start the Task: [{told}]"
