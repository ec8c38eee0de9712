"""What the result of a job of Clarify depends on beside its request: the model, and the baseline of SHAP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stepmill.catalog.content import ContentDigests
from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import Task
from stepmill.jobs.cache_keys import CacheKey, JobKeys, make_key
from stepmill.jobs.checks.laying import asks_clarify

if TYPE_CHECKING:
    from stepmill.jobs.checks.shadow_models import ShadowModels


class ClarifyKeys:
    """Makes the keys of processing jobs; to those of Clarify belong the model and the baseline they name.

    Args:
        keys: Makes those of all others.
        contents: Computes the digests of model data.
        shadows: Makes whoever finds the models; called where there is such a job.
        project: Folder that relative paths start from.
    """

    def __init__(
        self,
        keys: JobKeys,
        contents: ContentDigests,
        shadows: Callable[[], ShadowModels],
        project: Path,
    ) -> None:
        self._keys = keys
        self._contents = contents
        self._shadows = shadows
        self._project = project

    def processing(self, task: Task, beside: JsonObject | None = None) -> CacheKey:
        """Make the key of a processing job. See ``JobKeys``.

        Raises:
            StepmillError: If an input or the model is not there, or the request cannot be read.
        """
        if not asks_clarify(task.payload):
            return self._keys.processing(task, beside)
        return self._keys.processing(task, {**(beside or {}), **self._asked(task)})

    def _asked(self, task: Task) -> dict[str, Json]:
        # Whoever runs no such job does not load what serves models.
        from stepmill.jobs.requests.processing import read_processing_request
        from stepmill.jobs.transform.cache_key import leaves_of_model

        given = read_processing_request(task.payload, self._project)
        request = self._shadows().joined(given)
        found: dict[str, Json] = {
            one.where: self._contents.below(str(one.source)) for one in request.inputs[len(given.inputs) :]
        }
        if request.model is not None:
            found["Model"] = make_key("", leaves_of_model(request.model, self._keys, self._contents)).digest
        return found
