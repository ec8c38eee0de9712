"""Steps that make models and versions in the model registry. Source: CreateModel, CreateModelPackage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.sdk.images import downloads_code, image_uri
from stepmill.sdk.processing import Source
from stepmill.sdk.references import Property, Report
from stepmill.sdk.site import Site
from stepmill.sdk.steps import JobStep, Text
from stepmill.sdk.values import Value, render, render_text


@dataclass(eq=False, repr=False, kw_only=True)
class _ContainerStep(JobStep):
    """What model and register steps share: the container that serves the model.

    Args:
        model: ``model.tar.gz``: what a training step leaves, an ``s3://`` address, or a local file.
        image: ``sklearn``, ``xgboost``, ``pytorch``, ``tensorflow``, or an image's address.
        entry_point: Script with ``model_fn`` and its like, for images that fetch their code.
        source_dir: Folder that goes with it; ``entry_point`` is then relative to this folder.
        environment: Variables of the container.
    """

    model: Source
    image: str | Value = "sklearn"
    entry_point: str | Path | None = None
    source_dir: str | Path | None = None
    environment: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.entry_point is not None and isinstance(self.image, str) and not downloads_code(self.image):
            raise InvalidInputError(
                f"The serving image {self.image!r} finds its code only within the model.",
                where=self.where,
                mend="Let the training step write the code to /opt/ml/model/code, and leave entry_point out.",
            )

    def container(self, site: Site) -> dict[str, Json]:
        """Return the container's document."""
        image = self.image
        uri = (
            image
            if isinstance(image, Value)
            else image_uri(image, site.arns.region, self.where, serving=True)
        )
        document: dict[str, Json] = {
            "Image": render_text(uri),
            "ModelDataUrl": site.source_uri(self.model, f"{self.where}, model"),
        }
        environment = {name: render_text(value, self.where) for name, value in self.environment.items()}
        if self.entry_point is not None:
            entry, files = site.code_files(self.entry_point, self.source_dir, (), self.where)
            environment |= {
                "SAGEMAKER_PROGRAM": entry,
                "SAGEMAKER_SUBMIT_DIRECTORY": site.add_archive(files),
                "SAGEMAKER_REGION": site.arns.region,
            }
        return document | ({"Environment": environment} if environment else {})


@dataclass(eq=False, repr=False, kw_only=True)
class ModelStep(_ContainerStep):
    """Make a model out of ``model.tar.gz`` and the image that serves it.

    ``step.model_name`` is the name that it gets.

    Args:
        network_isolation: Whether its container can reach nothing.
    """

    _type: ClassVar[str] = "Model"

    network_isolation: bool = False

    @property
    def model_name(self) -> Property:
        """The name of the model."""
        return Property(self, ".ModelName", text=True)

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the CreateModel request."""
        document: dict[str, Json] = {"ExecutionRoleArn": site.role, "PrimaryContainer": self.container(site)}
        if self.network_isolation:
            document["EnableNetworkIsolation"] = True
        return document | self.tags_document()

    def extra_document(self, site: Site) -> JsonObject:
        """Return the retry policies."""
        del site
        return self.retries_document()


@dataclass(eq=False, repr=False, kw_only=True)
class RegisterModelStep(_ContainerStep):
    """Register a model as the next version of a model package group, which is made if missing.

    ``step.package_arn`` is the version's ARN.

    Args:
        group: Name of the model package group.
        approval: Whether the version may be used.
        metrics: The model's quality: a report, or the address of a JSON file.
        content_types: What the model takes.
        response_types: What it answers with.
        inference_instances: Machines for endpoints.
        transform_instances: Machines for batch transform.
        package_description: Of the version.
        metadata: Texts by name, kept with the version.
    """

    _type: ClassVar[str] = "RegisterModel"

    group: Text
    approval: Literal["PendingManualApproval", "Approved", "Rejected"] | Value = "PendingManualApproval"
    metrics: Report | Source | None = None
    content_types: Sequence[str] = ("text/csv",)
    response_types: Sequence[str] = ("text/csv",)
    inference_instances: Sequence[str] = ("ml.m5.large",)
    transform_instances: Sequence[str] = ("ml.m5.large",)
    package_description: Text = ""
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def package_arn(self) -> Property:
        """The ARN of the model package."""
        return Property(self, ".ModelPackageArn", text=True)

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the CreateModelPackage request."""
        document: dict[str, Json] = {
            "ModelPackageGroupName": render_text(self.group, self.where),
            "InferenceSpecification": {
                "Containers": [self.container(site)],
                "SupportedContentTypes": list(self.content_types),
                "SupportedResponseMIMETypes": list(self.response_types),
                "SupportedRealtimeInferenceInstanceTypes": list(self.inference_instances),
                "SupportedTransformInstanceTypes": list(self.transform_instances),
            },
            "ModelApprovalStatus": render_text(self.approval, self.where),
        }
        if self.metrics is not None:
            document["ModelMetrics"] = {
                "ModelQuality": {
                    "Statistics": {"ContentType": "application/json", "S3Uri": self._metrics(site)}
                }
            }
        if isinstance(self.package_description, Value) or self.package_description:
            document["ModelPackageDescription"] = render_text(self.package_description, self.where)
        if self.metadata:
            document["CustomerMetadataProperties"] = {
                name: render_text(value, self.where) for name, value in self.metadata.items()
            }
        return document | self.tags_document()

    def extra_document(self, site: Site) -> JsonObject:
        """Return the retry policies."""
        del site
        return self.retries_document()

    def _metrics(self, site: Site) -> Json:
        if isinstance(self.metrics, Report):
            return render(self.metrics.uri)
        return site.source_uri(self.metrics, f"{self.where}, metrics")
