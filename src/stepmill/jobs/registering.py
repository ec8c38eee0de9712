"""The handler of RegisterModel steps: ``sagemaker:createModelPackage``."""

from __future__ import annotations

from collections.abc import Mapping

from stepmill.catalog.registry import ModelRegistry
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from stepmill.core.json import JsonObject
from stepmill.core.tasks import Report, Task, TaskFailed, TaskSucceeded


class RegisterHandler:
    """Makes a model package; the same task makes one version.

    Args:
        registry: Where model packages are kept.
    """

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry

    def start(self, task: Task, report: Report) -> None:
        """Make the version and report the answer of DescribeModelPackage."""
        request = task.payload if isinstance(task.payload, Mapping) else {}
        source = {"execution": task.execution_arn, "pipeline": task.pipeline, "step": task.step}
        try:
            described = self._registry.create(
                _with_maker(request, task.execution_arn), token=task.id, source=source
            )
        except (InvalidInputError, UnsupportedError, NotFoundError, ConflictError) as error:
            report(TaskFailed(task.id, "ClientError", str(error)))
            return
        metadata = {"RegisterModel": {"Arn": described["ModelPackageArn"]}}
        report(TaskSucceeded(task.id, described, metadata))

    def stop(self, task: Task) -> None:
        """Do nothing: a version is made at once."""


def _with_maker(request: JsonObject, execution: str) -> JsonObject:
    """Return the request with the execution that makes the version, as SageMaker notes it."""
    given = request.get("MetadataProperties")
    said = given if isinstance(given, Mapping) else {}
    return {**request, "MetadataProperties": {"GeneratedBy": execution, **said}}
