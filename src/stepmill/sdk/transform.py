"""Steps that predict in batches. Source: CreateTransformJob; "Batch transform for inference"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.sdk.models import ModelStep
from stepmill.sdk.processing import Source
from stepmill.sdk.references import Property
from stepmill.sdk.site import Site
from stepmill.sdk.steps import Cache, JobStep, Number, Text, cache_document
from stepmill.sdk.values import Value, render, render_text, render_texts


@dataclass(eq=False, repr=False, kw_only=True)
class TransformStep(JobStep):
    """Send every record of a data set to a model, and keep what it answers.

    ``step.output`` is the address of the folder with the answers: of each object ``<its name>.out``.

    Args:
        model: The step that makes the model, or the name of one that is there.
        data: What is predicted for: an ``s3://`` address, a local file or folder, or what a step leaves.
        content_type: Of the data.
        accept: What the model shall answer with; ``None``: as ``content_type``.
        split: How objects are cut into records; ``None``: each goes whole.
        assemble: ``Line``: each answer ends with a newline.
        strategy: Whether a request takes as many records as fit, or one.
        max_payload_mb: Most of a request; ``None``: 6, or as the model's container says.
        concurrency: Requests at a time; ``None``: 1, or as the container says.
        gzip: Whether the objects are packed.
        manifest: Whether ``data`` is a manifest that lists them.
        input_filter: What of a record is sent: ``$[1:]`` leaves the first column out.
        join: Whether records are joined with the answers to them.
        output_filter: What of that is kept: ``$[0,-1]``.
        capture: ``s3://`` address of the lists of what went in and came out; ``None``: there are none.
        inference_ids: Whether an id and the time of the start are appended to each answer; needs ``capture``.
        environment: Variables of the model's containers.
        instance_type: Machine.
        instance_count: How many of it.
        output_path: ``s3://`` address of the answers; by default one of its own in each execution.
        cache: ``True``, or for how long a result stays good (``"30d"``); ``None``: as the pipeline says.

    Example:
        >>> predict = TransformStep("Predict", model="churn", data="s3://my-data/new/", join=True)
        >>> predict.output
        <Predict.TransformOutput.S3OutputPath>
    """

    _type: ClassVar[str] = "Transform"

    model: ModelStep | Text
    data: Source
    content_type: Text = "text/csv"
    accept: Text | None = None
    split: Literal["Line", "RecordIO", "TFRecord"] | None = "Line"
    assemble: Literal["Line"] | None = "Line"
    strategy: Literal["MultiRecord", "SingleRecord"] = "MultiRecord"
    max_payload_mb: Number | None = None
    concurrency: Number | None = None
    gzip: bool = False
    manifest: bool = False
    input_filter: Text = ""
    join: bool = False
    output_filter: Text = ""
    capture: str | Value | None = None
    inference_ids: bool = False
    environment: Mapping[str, object] = field(default_factory=dict)
    instance_type: Text = "ml.m5.large"
    instance_count: Number = 1
    output_path: str | Value | None = None
    cache: Cache | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.output_path, str) and not self.output_path.startswith("s3://"):
            raise InvalidInputError(
                f"{self.output_path!r} is no s3:// address.",
                where=self.where,
                mend="Leave it out, and ask for step.output where it is needed.",
            )
        if self.inference_ids and self.capture is None:
            raise InvalidInputError(
                "There are inference_ids, but nothing is captured.", where=self.where, mend="Give capture."
            )

    @property
    def output(self) -> Property:
        """The address of the folder with the answers."""
        return Property(self, ".TransformOutput.S3OutputPath", text=True)

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the CreateTransformJob request."""
        model = self.model.model_name if isinstance(self.model, ModelStep) else self.model
        output = self.output_path if self.output_path is not None else site.transform_uri(self.name)
        accept = self.accept if self.accept is not None else self.content_type
        stored: dict[str, Json] = {"S3OutputPath": render(output), "Accept": render_text(accept, self.where)}
        if self.assemble:
            stored["AssembleWith"] = self.assemble
        document: dict[str, Json] = {
            "ModelName": render_text(model, self.where),
            "BatchStrategy": self.strategy,
            "TransformInput": self._input(site),
            "TransformOutput": stored,
            "TransformResources": {
                "InstanceType": render_text(self.instance_type),
                "InstanceCount": render(self.instance_count),
            },
            **dict(self._limits()),
        }
        if processing := dict(self._processing()):
            document["DataProcessing"] = processing
        if self.capture is not None:
            document["DataCaptureConfig"] = {
                "DestinationS3Uri": render(self.capture),
                "GenerateInferenceId": self.inference_ids,
            }
        if self.environment:
            document["Environment"] = render_texts(self.environment, self.where)
        return document | self.tags_document()

    def extra_document(self, site: Site) -> JsonObject:
        """Return retries and caching."""
        return self.retries_document() | cache_document(self.cache, site, self.where)

    def _input(self, site: Site) -> Json:
        source: dict[str, Json] = {
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "ManifestFile" if self.manifest else "S3Prefix",
                    "S3Uri": site.source_uri(self.data, f"{self.where}, data"),
                }
            },
            "ContentType": render_text(self.content_type, self.where),
        }
        if self.gzip:
            source["CompressionType"] = "Gzip"
        if self.split:
            source["SplitType"] = self.split
        return source

    def _limits(self) -> Iterator[tuple[str, Json]]:
        if self.max_payload_mb is not None:
            yield "MaxPayloadInMB", render(self.max_payload_mb)
        if self.concurrency is not None:
            yield "MaxConcurrentTransforms", render(self.concurrency)

    def _processing(self) -> Iterator[tuple[str, Json]]:
        for name, text in (("InputFilter", self.input_filter), ("OutputFilter", self.output_filter)):
            if isinstance(text, Value) or text:
                yield name, render_text(text, self.where)
        if self.join:
            yield "JoinSource", "Input"
