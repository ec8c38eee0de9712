"""The handler of Model steps: ``sagemaker:createModel``."""

from __future__ import annotations

from collections.abc import Mapping

from stepmill.catalog.models import Models
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.tasks import Report, Task, TaskFailed, TaskSucceeded


class ModelHandler:
    """Makes a model; the same task makes it once.

    Args:
        models: Where models are kept.
    """

    def __init__(self, models: Models) -> None:
        self._models = models

    def start(self, task: Task, report: Report) -> None:
        """Make the model and report the answer of DescribeModel."""
        payload = task.payload if isinstance(task.payload, Mapping) else {}
        request = {**payload, "ModelName": payload.get("ModelName") or task.name}
        try:
            described = self._models.create(request, token=task.id)
        except (InvalidInputError, NotFoundError, WrongStateError, ConflictError) as error:
            report(TaskFailed(task.id, "ClientError", str(error)))
            return
        report(TaskSucceeded(task.id, described, {"Model": {"Arn": described["ModelArn"]}}))

    def stop(self, task: Task) -> None:
        """Do nothing: a model is made at once."""
