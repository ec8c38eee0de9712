"""What a job took and gave, as its request says it. Pure.

Source: developer guide, "Amazon SageMaker AI-Created Tracking Entities"; container contract, C1, C2, C4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from stepmill.catalog.packages import part
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject, objects_of, read_json
from stepmill.jobs.records import PROCESSING_JOB, TRANSFORM_JOB
from stepmill.jobs.requests.remote_functions import CHANNEL

DATA_SET, CODE, MODEL, IMAGE = "DataSet", "Code", "Model", "Image"
CHECKPOINT, TENSORBOARD = "Checkpoint", "TensorBoard"

# Inputs and channels through which the SDKs send code along.
_CODE_NAMES = frozenset(
    {"code", "entrypoint", "sm_drivers", "sm_code", "sm_rf_user_ws", "pre_exec_script_and_dependencies"}
)
_CODE_FOLDERS = ("/opt/ml/processing/input/code", "/opt/ml/processing/input/entrypoint")


@dataclass(frozen=True)
class Thing:
    """Something that a job took or gave.

    Args:
        name: Of the input, channel or output.
        uri: Where it lies, as the request says it.
        type: Of its artifact: ``DataSet``, ``Code``, ``Model``.
    """

    name: str
    uri: str
    type: str


@dataclass(frozen=True)
class JobFacts:
    """What a job took and gave.

    Args:
        image: URI of its image; may be empty.
        inputs: What it took.
        outputs: What it gave, if it came to its end.
        feature_groups: Names or ARNs of the groups that its outputs go to.
        served: Name of the model that a transform job served; empty: it served none.
    """

    image: str
    inputs: tuple[Thing, ...]
    outputs: tuple[Thing, ...]
    feature_groups: tuple[str, ...] = ()
    served: str = ""


def facts_of(kind: str, request: JsonObject, *, model: str = "") -> JobFacts:
    """Return what a job took and gave.

    Args:
        kind: Of its record: ``processing-job``, ``training-job``.
        request: That made it.
        model: Where a training job has left its model; empty: nowhere.
    """
    if kind == PROCESSING_JOB:
        image = str(part(request, "AppSpecification").get("ImageUri") or "")
        outputs = tuple(_processing_outputs(request))
        groups = tuple(_feature_groups(request))
        return JobFacts(image, _once(_processing_inputs(request)), outputs, groups)
    if kind == TRANSFORM_JOB:
        served = str(request.get("ModelName") or "").rpartition("/")[2]
        return JobFacts(
            "", tuple(_transform_input(request)), tuple(_transform_output(request)), served=served
        )
    algorithm = part(request, "AlgorithmSpecification")
    inputs = [*_channels(request), *_submitted(request), *_remote_function(algorithm)]
    return JobFacts(
        str(algorithm.get("TrainingImage") or ""), _once(inputs), tuple(_training_outputs(request, model))
    )


def _processing_inputs(request: JsonObject) -> Iterator[Thing]:
    for one in objects_of(request.get("ProcessingInputs")):
        s3, name = part(one, "S3Input"), str(one.get("InputName") or "")
        folder = str(s3.get("LocalPath") or "")
        is_code = name in _CODE_NAMES or folder.rstrip("/").startswith(_CODE_FOLDERS)
        if uri := s3.get("S3Uri"):
            yield Thing(name, str(uri), CODE if is_code else DATA_SET)


def _processing_outputs(request: JsonObject) -> Iterator[Thing]:
    for one in objects_of(part(request, "ProcessingOutputConfig").get("Outputs")):
        if uri := part(one, "S3Output").get("S3Uri"):
            yield Thing(str(one.get("OutputName") or ""), str(uri), DATA_SET)


def _feature_groups(request: JsonObject) -> Iterator[str]:
    for one in objects_of(part(request, "ProcessingOutputConfig").get("Outputs")):
        if name := part(one, "FeatureStoreOutput").get("FeatureGroupName"):
            yield str(name)


def _transform_input(request: JsonObject) -> Iterator[Thing]:
    source = part(part(part(request, "TransformInput"), "DataSource"), "S3DataSource")
    if uri := source.get("S3Uri"):
        yield Thing("input", str(uri), DATA_SET)


def _transform_output(request: JsonObject) -> Iterator[Thing]:
    if uri := part(request, "TransformOutput").get("S3OutputPath"):
        yield Thing("output", str(uri), DATA_SET)


def _channels(request: JsonObject) -> Iterator[Thing]:
    for one in objects_of(request.get("InputDataConfig")):
        name = str(one.get("ChannelName") or "")
        is_code = name in _CODE_NAMES or name == CHANNEL
        if uri := part(part(one, "DataSource"), "S3DataSource").get("S3Uri"):
            yield Thing(name, str(uri), CODE if is_code else DATA_SET)


def _submitted(request: JsonObject) -> Iterator[Thing]:
    """Yield the archive of script mode; its address may be JSON-encoded."""
    text = part(request, "HyperParameters").get("sagemaker_submit_directory")
    if not isinstance(text, str):
        return
    try:
        decoded = read_json(text)
    except InvalidInputError:
        decoded = text
    uri = decoded if isinstance(decoded, str) else text
    # Another path is one inside the job, of a channel that is an input itself.
    if uri.startswith("s3://"):
        yield Thing("sourcedir", uri, CODE)


def _remote_function(algorithm: JsonObject) -> Iterator[Thing]:
    """Yield the pickled function of ``@step`` and ``@remote``: the job fetches it itself."""
    words = algorithm.get("ContainerArguments")
    if not isinstance(words, Sequence) or isinstance(words, str):
        return
    given = dict(pairwise([str(word) for word in words]))
    base = given.get("--s3_base_uri", "")
    if base.startswith("s3://") and "--client_sagemaker_pysdk_version" in given:
        folders = (base, given.get("--pipeline_step_name"), given.get("--func_step_s3_dir"), "function")
        yield Thing("function", "/".join(name.rstrip("/") for name in folders if name), CODE)


def _training_outputs(request: JsonObject, model: str) -> Iterator[Thing]:
    if model:
        yield Thing("model", model, MODEL)
    for member, name, kind in (
        ("CheckpointConfig", "S3Uri", CHECKPOINT),
        ("TensorBoardOutputConfig", "S3OutputPath", TENSORBOARD),
    ):
        if uri := part(request, member).get(name):
            yield Thing(kind.lower(), str(uri), kind)


def _once(things: Iterator[Thing] | Sequence[Thing]) -> tuple[Thing, ...]:
    """Return the first thing at each address."""
    found: dict[str, Thing] = {}
    for thing in things:
        found.setdefault(thing.uri, thing)
    return tuple(found.values())
