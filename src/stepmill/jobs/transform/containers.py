"""The containers of a model, as whoever serves it needs them.

Source: API reference, ContainerDefinition, CreateModel, ModelPackageContainerDefinition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stepmill.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from stepmill.core.json import Json, JsonObject, object_of, objects_of
from stepmill.jobs.locations import Location, read_location
from stepmill.jobs.requests.common import read_environment
from stepmill.jobs.requests.fields import Fields


class ModelCatalog(Protocol):
    """Where models are kept."""

    def describe(self, name_or_arn: str) -> JsonObject:
        """Return what DescribeModel answers.

        Raises:
            NotFoundError: If there is none.
        """
        ...


class PackageCatalog(Protocol):
    """Where model packages are kept."""

    def describe(self, name_or_arn: str) -> JsonObject:
        """Return what DescribeModelPackage answers.

        Raises:
            NotFoundError: If there is none.
        """
        ...


@dataclass(frozen=True)
class ModelContainer:
    """One container of a model.

    Args:
        image: URI of its image.
        data: Where its model data lies; ``None``: it has none.
        is_archive: Whether that is one archive, to be unpacked.
        environment: Its variables.
        where: Place in the description of the model.
    """

    image: str
    data: Location | None
    is_archive: bool
    environment: Mapping[str, str]
    where: str


@dataclass(frozen=True)
class ServedModel:
    """A model.

    Args:
        name: Its name.
        containers: In the order in which a request goes through them.
        network: Whether they may reach the network.
        role: ARN of the role that they have; may be empty.
        description: What DescribeModel would answer, with what packages say in the place of their names: from
            it alone the model can be read again.
    """

    name: str
    containers: tuple[ModelContainer, ...]
    network: bool
    role: str
    description: JsonObject


def read_model(name: str, models: ModelCatalog, packages: PackageCatalog, project: Path) -> ServedModel:
    """Return a model, with what model packages say of its containers.

    Args:
        name: Of the model, or its ARN.
        models: Where it is kept.
        packages: Where model packages are kept.
        project: Folder that relative paths start from.

    Raises:
        InvalidInputError: If there is none, or a value of it cannot be taken.
        UnsupportedError: If it asks for what is not offered.
    """
    try:
        described = models.describe(name)
    except NotFoundError as error:
        raise InvalidInputError(
            f'Could not find model "{name}".', where="ModelName", mend="Create it first, with CreateModel."
        ) from error
    return _read(described, packages, project, name)


def read_kept_model(description: JsonObject, project: Path) -> ServedModel:
    """Return a model from its ``description``, though it may have been deleted since. See ``read_model``."""
    return _read(description, NoCatalog(), project, "")


class NoCatalog:
    """Stands for the models and the packages where a kept model says all: nothing is looked up."""

    def describe(self, name_or_arn: str) -> JsonObject:
        """See ``ModelCatalog``."""
        raise NotFoundError(f"{name_or_arn!r} is not looked up: the model is the one that was kept.")


def _read(described: JsonObject, packages: PackageCatalog, project: Path, name: str) -> ServedModel:
    documents = list(_containers(described, packages))
    found = [_container(Fields(container, where), project) for where, container in documents]
    if not found:
        raise InvalidInputError(
            f"The model {name!r} has no container: its model package says nothing of inference.",
            where="ModelName",
            mend="Make it of a package with an InferenceSpecification, or of an image.",
        )
    return ServedModel(
        str(described.get("ModelName") or name),
        tuple(found),
        network=not described.get("EnableNetworkIsolation"),
        role=str(described.get("ExecutionRoleArn") or ""),
        description={
            "ModelName": described.get("ModelName") or name,
            "EnableNetworkIsolation": bool(described.get("EnableNetworkIsolation")),
            "ExecutionRoleArn": described.get("ExecutionRoleArn"),
            "Containers": [container for _, container in documents],
        },
    )


def _containers(described: JsonObject, packages: PackageCatalog) -> Iterator[tuple[str, JsonObject]]:
    primary = described.get("PrimaryContainer")
    given = [("PrimaryContainer", object_of(primary))] if primary else []
    several = enumerate(objects_of(described.get("Containers")))
    for where, container in given or [(f"Containers[{index}]", one) for index, one in several]:
        package = container.get("ModelPackageName")
        if not package:
            yield where, container
            continue
        specification = object_of(packages.describe(str(package)).get("InferenceSpecification"))
        of_package = objects_of(specification.get("Containers"))
        own = {name: value for name, value in container.items() if name != "ModelPackageName"}
        for number, one in enumerate(of_package):
            environment = {**object_of(one.get("Environment")), **object_of(own.get("Environment"))}
            merged: dict[str, Json] = {**one, **own, "Environment": environment}
            yield f"{where}, container {number} of {package}", merged


def _container(fields: Fields, project: Path) -> ModelContainer:
    if fields.text("Mode", "SingleModel") == "MultiModel":
        raise UnsupportedError(
            "A transform job takes no container of several models.",
            where=fields.place("Mode"),
            mend="Make a model of one of them.",
        )
    data, is_archive = _data(fields, project)
    return ModelContainer(fields.text("Image"), data, is_archive, read_environment(fields), fields.where)


def _data(fields: Fields, project: Path) -> tuple[Location | None, bool]:
    if fields.has("ModelDataUrl"):
        where = fields.place("ModelDataUrl")
        return read_location(fields.text("ModelDataUrl"), project, where), True
    if not fields.has("ModelDataSource"):
        return None, False
    source = fields.fields("ModelDataSource").fields("S3DataSource", required=True)
    location = read_location(source.text("S3Uri"), project, source.place("S3Uri"))
    return location, source.text("CompressionType", "None") == "Gzip"
