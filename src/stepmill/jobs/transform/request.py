"""Reads a CreateTransformJob request, and the model that it names.

Source: API reference, CreateTransformJob, TransformInput, TransformOutput, DataProcessing, ModelClientConfig;
container contract, C6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.images.catalog import missing_libraries
from stepmill.images.needs import NO_NEEDS, Needs
from stepmill.jobs.locations import Location, read_location
from stepmill.jobs.requests.common import JobRequest, check_job_name, read_environment
from stepmill.jobs.requests.data import Compression, Distribution, Input, read_source
from stepmill.jobs.requests.fields import Fields
from stepmill.jobs.requests.hosts import read_hosts
from stepmill.jobs.toolkit.stepmill_batch.errors import PathError
from stepmill.jobs.toolkit.stepmill_batch.paths import read_path
from stepmill.jobs.toolkit.stepmill_batch.processing import RECORD_TYPES, media_type, stored_type
from stepmill.jobs.transform.containers import (
    ModelCatalog,
    ModelContainer,
    PackageCatalog,
    ServedModel,
    read_kept_model,
    read_model,
)

INPUT_FOLDER = "/opt/ml/input/data"
# API reference: MaxPayloadInMB, and its product with MaxConcurrentTransforms.
MOST_PAYLOAD_MB = 100
DEFAULT_TIMEOUT_S = 600
LONGEST_TIMEOUT_S = 3600
DEFAULT_RETRIES = 3
# A member that no client can send: the model of a job that was begun, which may have been deleted since.
KEPT_MODEL = "stepmill:Model"


class Split(StrEnum):
    """How objects are cut into records."""

    NONE = "None"
    LINE = "Line"
    RECORD_IO = "RecordIO"
    TF_RECORD = "TFRecord"


class Strategy(StrEnum):
    """How many records go into a request."""

    MULTI = "MultiRecord"
    SINGLE = "SingleRecord"


class Assembly(StrEnum):
    """How answers are put together."""

    NONE = "None"
    LINE = "Line"


class JoinSource(StrEnum):
    """What answers are joined with."""

    NONE = "None"
    INPUT = "Input"


@dataclass(frozen=True)
class Processing:
    """Filters and join.

    Args:
        input_filter: What of a record is sent; empty: all of it.
        output_filter: What of the joined record is stored; empty: all of it.
        join: Whether records are joined with the answers to them.
    """

    input_filter: str = ""
    output_filter: str = ""
    join: bool = False

    @property
    def is_there(self) -> bool:
        """Whether it changes anything."""
        return self.join or self.input_filter not in ("", "$") or self.output_filter not in ("", "$")


@dataclass(frozen=True)
class Capture:
    """What is told of the data that went in and came out.

    Args:
        destination: Where the lists of objects go.
        mark: Whether an inference id is appended to each record that is stored.
    """

    destination: Location
    mark: bool = False


@dataclass(frozen=True, kw_only=True)
class TransformRequest(JobRequest):
    """What a transform job does.

    Args:
        model: Whose containers a request goes through.
        own_environment: Variables that the request itself gives to every container.
        output: Where the answers go.
        content_type: Of the requests; may be empty.
        accept: What shall be answered; may be empty.
        compression: How the objects are packed.
        split: How they are cut.
        assembly: How answers are put together.
        strategy: How many records go into a request; ``None``: as the container says, else several.
        payload_mb: Most of a request; 0: objects are streamed; ``None``: as the container says, else 6.
        at_once: Requests at a time; ``None``: as the container says, else one.
        timeout_s: Of an invocation.
        retries: Of an invocation that failed.
        processing: Filters and join.
        capture: What is captured; ``None``: nothing.
        libraries: What the images of the other containers promise beyond that of the first.
    """

    model: ServedModel
    own_environment: dict[str, str]
    output: Location
    content_type: str
    accept: str
    compression: Compression
    split: Split
    assembly: Assembly
    strategy: Strategy | None
    payload_mb: int | None
    at_once: int | None
    timeout_s: int
    retries: int
    processing: Processing
    capture: Capture | None = None
    libraries: Needs = NO_NEEDS

    @property
    def containers(self) -> tuple[ModelContainer, ...]:
        """Of the model, in the order in which a request goes through them."""
        return self.model.containers

    @property
    def needs(self) -> Needs:
        """What the images of the other containers promise beyond that of the first."""
        return self.libraries

    @property
    def needs_endpoint(self) -> bool:
        """See ``JobRequest``: a model that is served needs no service."""
        return False


def read_transform_request(
    document: Json, project: Path, models: ModelCatalog, packages: PackageCatalog
) -> TransformRequest:
    """Read the request.

    Args:
        document: The request, resolved.
        project: Folder that relative paths start from.
        models: Where the model is kept.
        packages: Where model packages are kept.

    Raises:
        InvalidInputError: If a value cannot be taken, or there is no such model.
        UnsupportedError: If it asks for what is not offered.
    """
    fields = Fields(document)
    name = fields.text("TransformJobName", "")
    resources = fields.fields("TransformResources", required=True)
    source = fields.fields("TransformInput", required=True)
    output = fields.fields("TransformOutput", required=True)
    content_type = source.text("ContentType", "")
    accept = output.text("Accept", "")
    split = source.choice("SplitType", Split, Split.NONE)
    payload_mb, at_once = _limits(fields)
    client = fields.fields("ModelClientConfig")
    strategy = fields.choice("BatchStrategy", Strategy) if fields.has("BatchStrategy") else None
    model = _model(fields, project, models, packages)
    own = read_environment(fields)
    return TransformRequest(
        name=check_job_name(name, "TransformJobName") if name else "",
        document=fields.members,
        image=model.containers[0].image,
        entrypoint=(),
        arguments=(),
        environment={**model.containers[0].environment, **own},
        inputs=(_input(source, project),),
        hosts=read_hosts(resources),
        timeout=None,
        network=model.network,
        role=model.role,
        model=model,
        own_environment=own,
        output=read_location(output.text("S3OutputPath"), project, output.place("S3OutputPath")),
        content_type=content_type,
        accept=accept,
        compression=source.choice("CompressionType", Compression, Compression.NONE),
        split=split,
        assembly=output.choice("AssembleWith", Assembly, Assembly.NONE),
        strategy=strategy,
        payload_mb=payload_mb,
        at_once=at_once,
        timeout_s=_between(client, "InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_S, 1, LONGEST_TIMEOUT_S),
        retries=_between(client, "InvocationsMaxRetries", DEFAULT_RETRIES, 0, DEFAULT_RETRIES),
        processing=_processing(fields, (content_type, accept), split, payload_mb),
        capture=_capture(fields, project, accept),
        libraries=_libraries([container.image for container in model.containers]),
    )


def _model(fields: Fields, project: Path, models: ModelCatalog, packages: PackageCatalog) -> ServedModel:
    kept = fields.members.get(KEPT_MODEL)
    if isinstance(kept, Mapping):
        return read_kept_model(kept, project)
    return read_model(fields.text("ModelName"), models, packages, project)


def _libraries(images: Sequence[str]) -> Needs:
    """Return what the environment of the first container needs for the others to run in it, too."""
    if len(images) == 1:
        return NO_NEEDS
    missing = missing_libraries(images[1:])
    return Needs(libraries=missing) if missing else NO_NEEDS


def _input(fields: Fields, project: Path) -> Input:
    s3 = fields.fields("DataSource", required=True).fields("S3DataSource", required=True)
    if s3.text("S3DataType", "S3Prefix") == "AugmentedManifestFile":
        raise InvalidInputError(
            "A transform job takes no augmented manifest.",
            where=s3.place("S3DataType"),
            mend="Use S3Prefix or ManifestFile.",
        )
    location, data_type, _ = read_source(s3, project)
    # Objects are dealt to the instances by key: guide, "Batch transform for inference". What is packed is
    # unpacked as it is read, in the job: it need not fit on the disk.
    return Input("input", INPUT_FOLDER, location, data_type, Distribution.SHARDED, where=s3.where)


def _capture(fields: Fields, project: Path, accept: str) -> Capture | None:
    if not fields.has("DataCaptureConfig"):
        return None
    given = fields.fields("DataCaptureConfig")
    destination = read_location(given.text("DestinationS3Uri"), project, given.place("DestinationS3Uri"))
    mark = given.flag("GenerateInferenceId")
    if mark and accept and media_type(accept) not in RECORD_TYPES:
        raise InvalidInputError(
            f"Inference ids cannot be appended to answers of the content type {accept[:100]!r}.",
            where=given.place("GenerateInferenceId"),
            mend=f"Accept one of {', '.join(RECORD_TYPES)}, or leave it out.",
        )
    return Capture(destination, mark)


def _limits(fields: Fields) -> tuple[int | None, int | None]:
    """Read MaxPayloadInMB and MaxConcurrentTransforms; 0 of these is the same as none."""
    payload = fields.integer("MaxPayloadInMB") if fields.has("MaxPayloadInMB") else None
    at_once = fields.integer("MaxConcurrentTransforms") if fields.has("MaxConcurrentTransforms") else 0
    if payload is not None and payload > MOST_PAYLOAD_MB:
        raise InvalidInputError(
            f"MaxPayloadInMB is {payload}; it cannot be greater than {MOST_PAYLOAD_MB}.",
            where="MaxPayloadInMB",
        )
    if at_once and at_once * (payload or 1) > MOST_PAYLOAD_MB:
        raise InvalidInputError(
            f"MaxConcurrentTransforms * MaxPayloadInMB is {at_once * (payload or 1)}; it cannot be greater "
            f"than {MOST_PAYLOAD_MB}.",
            where="MaxConcurrentTransforms",
        )
    return payload, at_once or None


def _between(fields: Fields, name: str, default: int, least: int, most: int) -> int:
    value = fields.integer(name, default, least=least)
    if value > most:
        raise InvalidInputError(
            f"{name} is {value}; it cannot be greater than {most}.", where=fields.place(name)
        )
    return value


def _processing(fields: Fields, types: tuple[str, str], split: Split, payload_mb: int | None) -> Processing:
    content_type, accept = types
    given = fields.fields("DataProcessing")
    processing = Processing(
        given.text("InputFilter", ""),
        given.text("OutputFilter", ""),
        given.choice("JoinSource", JoinSource, JoinSource.NONE) is JoinSource.INPUT,
    )
    if not processing.is_there:
        return processing
    if content_type not in RECORD_TYPES:
        raise InvalidInputError(
            f"Records of the content type {content_type or '(none)'!r} cannot be filtered or joined.",
            where="TransformInput.ContentType",
            mend=f"Give one of {', '.join(RECORD_TYPES)}.",
        )
    if accept and media_type(accept) not in RECORD_TYPES:
        raise InvalidInputError(
            f"Answers of the content type {accept[:100]!r} cannot be filtered or joined.",
            where="TransformOutput.Accept",
            mend=f"Accept one of {', '.join(RECORD_TYPES)}.",
        )
    if split in (Split.RECORD_IO, Split.TF_RECORD) or payload_mb == 0:
        raise InvalidInputError(
            "Binary records, and objects that are streamed, cannot be filtered or joined.",
            where="DataProcessing",
            mend="Set SplitType to Line, and MaxPayloadInMB to 1 or more.",
        )
    stored = stored_type(content_type, accept, join=processing.join)
    filters = (
        ("InputFilter", processing.input_filter, content_type),
        ("OutputFilter", processing.output_filter, stored),
    )
    for name, text, kind in filters:
        try:
            read_path(text, content_type=kind, name=name)
        except PathError as error:
            raise InvalidInputError(str(error), where=given.place(name)) from error
    return processing
