"""What the result of a Transform step depends on.

Source: developer guide, "Caching pipeline steps", default cache key attributes of the Transform step. In the
place of the model's name, which is another one in each execution that makes the model, stands what it is:
its images, their software here, its data and its variables.
"""

from __future__ import annotations

from pathlib import Path

from stepmill.catalog.content import ContentDigests
from stepmill.catalog.registry import digest_model_data
from stepmill.core.json import object_of
from stepmill.core.tasks import Task
from stepmill.jobs.cache_keys import CacheKey, Content, JobKeys, Leaf, leaves_of, make_key
from stepmill.jobs.transform.containers import (
    ModelCatalog,
    ModelContainer,
    PackageCatalog,
    ServedModel,
    read_model,
)

_ATTRIBUTES = ("DataProcessing", "Environment", "TransformInput")
# How requests are cut, answers are put together and marked is in the result, too, though not in AWS's table.
_MORE = ("BatchStrategy", "MaxPayloadInMB", "DataCaptureConfig")
_SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"


class TransformKeys:
    """Makes the keys of Transform steps.

    Args:
        keys: Knows what inputs and images add to a key.
        contents: Computes the digests of model data.
        models: Where models are kept.
        packages: Where model packages are kept.
        project: Folder that relative paths start from.
    """

    def __init__(
        self,
        keys: JobKeys,
        contents: ContentDigests,
        models: ModelCatalog,
        packages: PackageCatalog,
        project: Path,
    ) -> None:
        self._keys = keys
        self._contents = contents
        self._models = models
        self._packages = packages
        self._project = project

    def __call__(self, task: Task) -> CacheKey:
        """Make the key of a task.

        Raises:
            StepmillError: If the model or an input is not there, or the request cannot be read.
        """
        request = object_of(task.payload)
        kept = {name: request[name] for name in (*_ATTRIBUTES, *_MORE) if name in request}
        leaves: dict[str, Leaf] = dict(leaves_of(kept))
        output = object_of(request.get("TransformOutput"))
        leaves |= {f"TransformOutput.{name}": output.get(name) for name in ("Accept", "AssembleWith")}
        source = object_of(
            object_of(object_of(request.get("TransformInput")).get("DataSource")).get("S3DataSource")
        )
        leaves |= self._keys.data("TransformInput.DataSource.S3DataSource", source)
        model = read_model(str(request.get("ModelName")), self._models, self._packages, self._project)
        return make_key(task.resource, leaves | leaves_of_model(model, self._keys, self._contents))


def leaves_of_model(model: ServedModel, keys: JobKeys, contents: ContentDigests) -> dict[str, Leaf]:
    """Return what a model adds to the key of whoever asks it: all of it but its name.

    Args:
        model: That is asked.
        keys: Knows what images add to a key.
        contents: Computes the digests of model data.

    Raises:
        StepmillError: If its data or code is not there.
    """
    leaves: dict[str, Leaf] = {}
    for number, container in enumerate(model.containers):
        leaves |= _of_container(container, f"ModelName.Containers[{number}]", keys, contents)
    return leaves


def _of_container(
    container: ModelContainer, place: str, keys: JobKeys, contents: ContentDigests
) -> dict[str, Leaf]:
    leaves: dict[str, Leaf] = {f"{place}.Image": container.image}
    leaves |= keys.software(container.image, f"{place}.software")
    if container.data is not None:
        address = str(container.data)
        found = digest_model_data(contents, address, container.where, is_prefix=not container.is_archive)
        leaves[f"{place}.ModelData"] = Content(found, address)
    for name, value in container.environment.items():
        leaves[f"{place}.Environment[{name!r}]"] = value
    code = container.environment.get(_SUBMIT_DIRECTORY, "")
    if code.startswith("s3://"):
        leaves[f"{place}.Environment[{_SUBMIT_DIRECTORY!r}]"] = Content(contents.of_object(code), code)
    return leaves
