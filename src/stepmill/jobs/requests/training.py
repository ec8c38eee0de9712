"""Reads a CreateTrainingJob request.

Source: API reference, CreateTrainingJob; container contract, C1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json
from stepmill.jobs.algorithms import algorithm_asked, metrics_of
from stepmill.jobs.locations import Location, read_location
from stepmill.jobs.requests.common import (
    JobRequest,
    check_job_name,
    read_environment,
    read_seconds,
    read_timeout,
)
from stepmill.jobs.requests.data import (
    Compression,
    Input,
    InputMode,
    Output,
    check_distinct,
    check_path_inside,
    read_source,
    refuse_pipe_mode,
)
from stepmill.jobs.requests.fields import Fields
from stepmill.jobs.requests.hosts import Host, check_group_names, check_peers, read_hosts
from stepmill.jobs.warm_pools import matching_key

CHANNELS_FOLDER = "/opt/ml/input/data"
DEFAULT_CHECKPOINTS = "/opt/ml/checkpoints"
DEFAULT_TENSORBOARD = "/opt/ml/output/tensorboard"

_CHANNEL = re.compile(r"[A-Za-z0-9.\-_]{1,64}")
# API reference, StoppingCondition: one day.
_DEFAULT_RUNTIME_S = 86_400
# The service's own model.
_LONGEST_KEEP_ALIVE_S = 21_600
# API reference, RetryStrategy.
_MOST_RETRIES = 30


@dataclass(frozen=True)
class MetricDefinition:
    """A metric and how its values stand in the log.

    Args:
        name: Of the metric.
        regex: Its first group is the value.
    """

    name: str
    regex: str


@dataclass(frozen=True, kw_only=True)
class TrainingRequest(JobRequest):
    """What a training job does.

    Args:
        hyperparameters: As given, every value a string.
        channels: Content of ``inputdataconfig.json``: channel -> its settings.
        output: Where model and output go; the job's name is put below it.
        compress: Whether as archives, else as files.
        checkpoints: Folder and where it is kept; ``None`` if not asked for.
        tensorboard: Folder that is stored while the job runs; ``None`` if not asked for.
        metrics: What to read from the log: also what a built-in algorithm writes there.
        algorithm: The built-in algorithm that the image runs, unless the user has set another one for it;
            empty: a script or a command is run.
    """

    hyperparameters: dict[str, str]
    channels: dict[str, dict[str, str]]
    output: Location
    compress: bool = True
    checkpoints: Output | None = None
    tensorboard: Output | None = None
    metrics: tuple[MetricDefinition, ...] = ()
    algorithm: str = ""


def read_training_request(document: Json, project: Path) -> TrainingRequest:
    """Read the request.

    Args:
        document: The request, resolved.
        project: Folder that relative paths start from.

    Raises:
        InvalidInputError: If a value cannot be taken.
        UnsupportedError: If it asks for what is not offered.
    """
    fields = Fields(document)
    algorithm = fields.fields("AlgorithmSpecification", required=True)
    mode = algorithm.choice("TrainingInputMode", InputMode, InputMode.FILE)
    built_in = algorithm_asked(fields.members)
    channels = [_channel(item, mode, project) for item in fields.each("InputDataConfig")]
    # What a built-in algorithm reads from a pipe is the same as from files; whether it does is in its table.
    if not built_in:
        refuse_pipes({channel.name: settings for channel, settings in channels})
    inputs = tuple(channel for channel, _ in channels)
    check_distinct([i.name for i in inputs], "channels", "InputDataConfig")
    output = fields.fields("OutputDataConfig", required=True)
    name = fields.text("TrainingJobName", "")
    _check_spot(fields)
    hosts = _hosts(fields)
    check_group_names(inputs, hosts)
    network = not fields.flag("EnableNetworkIsolation")
    check_peers(hosts, "ResourceConfig", network=network)
    return TrainingRequest(
        name=check_job_name(name, "TrainingJobName") if name else "",
        document=fields.members,
        image=_image(algorithm),
        entrypoint=algorithm.texts("ContainerEntrypoint"),
        arguments=algorithm.texts("ContainerArguments"),
        environment=read_environment(fields),
        inputs=inputs,
        hosts=hosts,
        timeout=read_timeout(fields),
        network=network,
        role=fields.text("RoleArn", ""),
        hyperparameters=fields.text_map("HyperParameters"),
        keep_alive=_keep_alive(fields),
        # Developer guide: warm pools cannot be used with spot instances.
        matches="" if fields.flag("EnableManagedSpotTraining") else matching_key(fields.members),
        spot=fields.flag("EnableManagedSpotTraining"),
        longest_wait=read_seconds(fields.fields("StoppingCondition"), "MaxWaitTimeInSeconds"),
        retries=_retries(fields),
        channels={channel.name: settings for channel, settings in channels},
        output=read_location(output.text("S3OutputPath"), project, output.place("S3OutputPath")),
        compress=_compress(output),
        checkpoints=_folder(fields, "CheckpointConfig", "S3Uri", DEFAULT_CHECKPOINTS, project),
        tensorboard=_folder(fields, "TensorBoardOutputConfig", "S3OutputPath", DEFAULT_TENSORBOARD, project),
        metrics=(
            *(MetricDefinition(known.name, known.regex) for known in metrics_of(built_in)),
            *(_metric(item) for item in algorithm.each("MetricDefinitions")),
        ),
        algorithm=built_in,
    )


def refuse_pipes(channels: Mapping[str, Mapping[str, str]]) -> None:
    """Raise ``UnsupportedError`` if a channel is in Pipe mode: scripts find files here.

    Args:
        channels: Name -> settings, as in ``inputdataconfig.json``.
    """
    for index, settings in enumerate(channels.values()):
        refuse_pipe_mode(InputMode(settings["TrainingInputMode"]), f"InputDataConfig[{index}].InputMode")


def _check_spot(fields: Fields) -> None:
    """Check the time that a job on spot capacity may take, waiting for it included."""
    condition = fields.fields("StoppingCondition")
    where = condition.place("MaxWaitTimeInSeconds")
    is_given = condition.has("MaxWaitTimeInSeconds")
    if not fields.flag("EnableManagedSpotTraining"):
        if is_given:
            raise InvalidInputError(
                "Invalid MaxWaitTimeInSeconds. It is supported only when EnableManagedSpotTraining is set to "
                "true.",
                where=where,
                mend="Leave it out, or ask for managed spot training.",
            )
        return
    longest_run = condition.integer("MaxRuntimeInSeconds", _DEFAULT_RUNTIME_S, least=1)
    if not is_given or condition.integer("MaxWaitTimeInSeconds", least=1) < longest_run:
        raise InvalidInputError(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            f"MaxRuntimeInSeconds ({longest_run}).",
            where=where,
            mend="It counts the waiting for capacity and the run.",
        )


def _image(algorithm: Fields) -> str:
    if algorithm.has("AlgorithmName"):
        raise UnsupportedError(
            "Algorithms by name (AWS Marketplace) are not offered.",
            where=algorithm.place("AlgorithmName"),
            mend="Name an image in TrainingImage.",
        )
    return algorithm.text("TrainingImage")


def _hosts(fields: Fields) -> tuple[Host, ...]:
    if fields.has("ServerlessJobConfig"):
        raise UnsupportedError(
            "Serverless model customisation is not offered.",
            where=fields.place("ServerlessJobConfig"),
            mend="Name an image in AlgorithmSpecification.TrainingImage.",
        )
    return read_hosts(fields.fields("ResourceConfig"))


def _channel(fields: Fields, job_mode: InputMode, project: Path) -> tuple[Input, dict[str, str]]:
    name = fields.text("ChannelName")
    if not _CHANNEL.fullmatch(name) or name in (".", ".."):
        raise InvalidInputError(
            f"{name[:100]!r} cannot be the name of a channel.",
            where=fields.place("ChannelName"),
            mend="Take 1 to 64 letters, digits, dots, hyphens and underscores.",
        )
    source = fields.fields("DataSource", required=True)
    if source.has("FileSystemDataSource"):
        raise UnsupportedError(
            "File systems (EFS, FSx) as a channel are not offered.",
            where=source.place("FileSystemDataSource"),
            mend="Name the folder in S3DataSource.S3Uri: a path of this machine is as good as s3://.",
        )
    mode = fields.choice("InputMode", InputMode, job_mode)
    s3 = source.fields("S3DataSource", required=True)
    location, data_type, distribution = read_source(s3, project)
    settings = {
        "TrainingInputMode": str(mode),
        "S3DistributionType": str(distribution),
        "RecordWrapperType": fields.text("RecordWrapperType", "None"),
    }
    if content_type := fields.text("ContentType", ""):
        settings["ContentType"] = content_type
    channel = Input(
        name=name,
        target=f"{CHANNELS_FOLDER}/{name}",
        source=location,
        data_type=data_type,
        distribution=distribution,
        compression=fields.choice("CompressionType", Compression, Compression.NONE),
        where=s3.where,
        groups=s3.texts("InstanceGroupNames"),
    )
    return channel, settings


def _compress(output: Fields) -> bool:
    compression = output.text("CompressionType", "GZIP")
    if compression not in ("GZIP", "NONE"):
        raise InvalidInputError(
            f"{compression[:100]!r} is none of GZIP, NONE.", where=output.place("CompressionType")
        )
    return compression == "GZIP"


def _folder(fields: Fields, name: str, uri: str, default: str, project: Path) -> Output | None:
    if not fields.has(name):
        return None
    config = fields.fields(name)
    path = check_path_inside(config.text("LocalPath", default), "/opt/ml", config.place("LocalPath"))
    if path == "/opt/ml":
        raise InvalidInputError(
            "LocalPath is /opt/ml itself.", where=config.place("LocalPath"), mend=f"Choose {default}."
        )
    destination = read_location(config.text(uri), project, config.place(uri))
    return Output(name=name, path=path, destination=destination, continuous=True, where=config.where)


def _metric(fields: Fields) -> MetricDefinition:
    regex = fields.text("Regex")
    try:
        groups = re.compile(regex).groups
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidInputError(
            f"The regular expression is wrong: {error}.", where=fields.place("Regex")
        ) from error
    if groups == 0:
        raise InvalidInputError(
            "The regular expression has no group.",
            where=fields.place("Regex"),
            mend=r"Put the value in parentheses: 'loss: ([0-9.]+)'.",
        )
    return MetricDefinition(fields.text("Name"), regex)


def _keep_alive(fields: Fields) -> timedelta:
    """Return for how long the job's machine is kept.

    Source: developer guide, "SageMaker AI Managed Warm Pools", Considerations.
    """
    resources = fields.fields("ResourceConfig")
    seconds = resources.integer("KeepAlivePeriodInSeconds", 0)
    where = resources.place("KeepAlivePeriodInSeconds")
    if seconds > _LONGEST_KEEP_ALIVE_S:
        raise InvalidInputError(f"{seconds} is more than {_LONGEST_KEEP_ALIVE_S}.", where=where)
    for is_asked, what in (
        (fields.flag("EnableManagedSpotTraining"), "with spot instances"),
        (resources.has("InstanceGroups"), "with heterogeneous cluster training"),
    ):
        if seconds and is_asked:
            raise InvalidInputError(
                f"Invalid KeepAlivePeriodInSeconds. SageMaker managed warm pools cannot be used {what}.",
                where=where,
                mend="Leave it out.",
            )
    return timedelta(seconds=seconds)


def _retries(fields: Fields) -> int:
    if not fields.has("RetryStrategy"):
        return 0
    strategy = fields.fields("RetryStrategy")
    attempts = strategy.integer("MaximumRetryAttempts", least=1)
    if attempts > _MOST_RETRIES:
        raise InvalidInputError(
            f"{attempts} is more than {_MOST_RETRIES}.", where=strategy.place("MaximumRetryAttempts")
        )
    return attempts
