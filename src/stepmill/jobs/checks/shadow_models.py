"""The model that a job of Clarify asks: found by its name, and laid out to be served within the job.

In the cloud Clarify makes an endpoint of the model for the time of its job; here what serves the models of
transform jobs runs beside Clarify's program.

Source: developer guide, "Configure the analysis": ``predictor``; "ClarifyCheck step": ``ModelName``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from stepmill.core.errors import StepmillError, UnsupportedError
from stepmill.core.json import Json, JsonObject, object_of, read_json, write_json
from stepmill.images.catalog import missing_libraries
from stepmill.images.needs import NO_NEEDS, Needs
from stepmill.jobs.checks.preparing import STEP_MODEL
from stepmill.jobs.kinds import Startable, Workplace
from stepmill.jobs.locations import read_location
from stepmill.jobs.requests.data import Input
from stepmill.jobs.requests.processing import PROCESSING_FOLDER, ProcessingRequest
from stepmill.jobs.services import Images
from stepmill.jobs.transform.containers import (
    ModelCatalog,
    PackageCatalog,
    ServedModel,
    read_kept_model,
    read_model,
)
from stepmill.jobs.transform.laying import containers_document, lay_out_model
from stepmill.jobs.transform.request import KEPT_MODEL
from stepmill.storage.objects.store import ObjectStore

_CONFIG = "analysis_config.json"
_CONFIG_FOLDER = f"{PROCESSING_FOLDER}/input/config"
_BASELINE = "shap_baseline"
_LARGEST_CONFIG_BYTES = 16 * 1024 * 1024
_WHERE = "predictor.model_name"


@dataclass(frozen=True, kw_only=True)
class ClarifyRequest(ProcessingRequest):
    """What a job of Clarify does.

    Args:
        model: That is asked; ``None``: none is.
        libraries: What the images of the model promise beyond that of Clarify.
    """

    model: ServedModel | None = None
    libraries: Needs = NO_NEEDS

    @property
    def needs(self) -> Needs:
        """See ``JobRequest``."""
        return self.libraries

    @property
    def needs_endpoint(self) -> bool:
        """See ``JobRequest``: a model that is served needs no service."""
        return False


class ShadowModels:
    """Finds the models of Clarify's jobs, and lays them out.

    Args:
        objects: Where configurations lie.
        models: Where models are kept.
        packages: Where model packages are kept.
        images: Says what an image has to start.
        project: Folder that relative paths start from.
    """

    def __init__(
        self,
        objects: ObjectStore,
        models: ModelCatalog,
        packages: PackageCatalog,
        images: Images,
        project: Path,
    ) -> None:
        self._objects = objects
        self._models = models
        self._packages = packages
        self._images = images
        self._project = project

    def joined(self, request: ProcessingRequest) -> ClarifyRequest:
        """Return the request with its model, and with the baseline whose address its configuration has.

        What is wrong with a configuration is told by Clarify's program, all of it at once.

        Raises:
            InvalidInputError: If there is no such model.
            UnsupportedError: If the model asks for what is not offered.
        """
        config = self._config(request)
        model = self._model(request.document, config)
        inputs, network, libraries = request.inputs, request.network, NO_NEEDS
        baseline = object_of(object_of(config.get("methods")).get("shap")).get("baseline")
        if isinstance(baseline, str):
            source = read_location(baseline, self._project, "methods.shap.baseline")
            target = f"{PROCESSING_FOLDER}/input/{_BASELINE}"
            inputs = (*inputs, Input(_BASELINE, target, source, where="methods.shap.baseline"))
        if model is not None:
            network = network and model.network
            missing = missing_libraries([container.image for container in model.containers])
            libraries = Needs(libraries=missing) if missing else NO_NEEDS
        own = {field.name: getattr(request, field.name) for field in fields(ProcessingRequest)}
        return replace(
            ClarifyRequest(**own), inputs=inputs, network=network, model=model, libraries=libraries
        )

    def lay_out(self, request: ProcessingRequest, place: Workplace) -> None:
        """Put the model into the job's folder.

        Raises:
            NotFoundError: If model data or code is not there.
            InvalidInputError: If an archive is refused.
        """
        if not isinstance(request, ClarifyRequest) or request.model is None:
            return
        lay_out_model(request.model, {}, place, self._objects, self._project)
        document = {"containers": containers_document(request.model.containers, {}, self._images)}
        (place.ml / "toolkit" / "model.json").write_text(write_json(document))

    def check(self, request: ProcessingRequest, image: Startable) -> None:
        """Refuse a model that cannot be served where Clarify's program runs.

        Raises:
            UnsupportedError: If the images are those of different environments.
        """
        if not isinstance(request, ClarifyRequest) or request.model is None:
            return
        own = self._images.offer(request.image)
        offers = [self._images.offer(container.image) for container in request.model.containers]
        if image.oci_image or any((o.oci_image, o.environment) != ("", own.environment) for o in offers):
            raise UnsupportedError(
                f"The model {request.model.name!r} is served in the environment of Clarify, "
                "and its image has another one.",
                where=_WHERE,
                mend="Name one environment for both images in stepmill.toml, by python or requirements.",
            )

    def _model(self, document: JsonObject, config: Mapping[str, Json]) -> ServedModel | None:
        kept = document.get(KEPT_MODEL)
        if isinstance(kept, Mapping):
            return read_kept_model(kept, self._project)
        name = document.get(STEP_MODEL) or object_of(config.get("predictor")).get("model_name")
        if not isinstance(name, str) or not name:
            return None
        return read_model(name, self._models, self._packages, self._project)

    def _config(self, request: ProcessingRequest) -> JsonObject:
        source = next((one.source for one in request.inputs if one.target == _CONFIG_FOLDER), None)
        try:
            if source is None:
                return {}
            if isinstance(source, Path):
                path = source / _CONFIG if source.is_dir() else source
                if path.stat().st_size > _LARGEST_CONFIG_BYTES:
                    return {}
                return object_of(read_json(path.read_bytes()))
            if not source.key.endswith(".json"):
                source = replace(source, key=f"{source.key.rstrip('/')}/{_CONFIG}".lstrip("/"))
            return object_of(read_json(self._objects.read_bytes(source, limit_bytes=_LARGEST_CONFIG_BYTES)))
        except (StepmillError, OSError):
            return {}
