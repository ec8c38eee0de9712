"""Reads a CreateProcessingJob request.

Source: API reference, CreateProcessingJob, ProcessingOutput, ProcessingFeatureStoreOutput; container
contract, C4.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepmill.catalog.features.schema import check_name
from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json
from stepmill.jobs.locations import read_location
from stepmill.jobs.requests.common import JobRequest, check_job_name, read_environment, read_timeout
from stepmill.jobs.requests.data import (
    Compression,
    GroupOutput,
    Input,
    InputMode,
    Output,
    UploadMode,
    check_distinct,
    check_path_inside,
    read_source,
    refuse_pipe_mode,
)
from stepmill.jobs.requests.fields import Fields
from stepmill.jobs.requests.hosts import check_peers, read_hosts

# Every LocalPath of a processing job lies below it.
PROCESSING_FOLDER = "/opt/ml/processing"


@dataclass(frozen=True, kw_only=True)
class ProcessingRequest(JobRequest):
    """What a processing job does.

    Args:
        outputs: Folders, and where their files go.
    """

    outputs: tuple[Output, ...] = ()


def read_processing_request(document: Json, project: Path) -> ProcessingRequest:
    """Read the request.

    Args:
        document: The request, resolved.
        project: Folder that relative paths start from.

    Raises:
        InvalidInputError: If a value cannot be taken.
        UnsupportedError: If it asks for what is not offered.
    """
    fields = Fields(document)
    cluster = fields.fields("ProcessingResources", required=True).fields("ClusterConfig", required=True)
    hosts = read_hosts(cluster)
    network = not fields.fields("NetworkConfig").flag("EnableNetworkIsolation")
    check_peers(hosts, cluster.place("InstanceCount"), network=network)
    application = fields.fields("AppSpecification", required=True)
    name = fields.text("ProcessingJobName", "")
    inputs = tuple(_input(item, project) for item in fields.each("ProcessingInputs"))
    outputs = [_output(item, project) for item in fields.fields("ProcessingOutputConfig").each("Outputs")]
    check_distinct([i.name for i in inputs], "inputs", "ProcessingInputs")
    check_distinct([o.name for o in outputs], "outputs", "ProcessingOutputConfig.Outputs")
    return ProcessingRequest(
        name=check_job_name(name, "ProcessingJobName") if name else "",
        document=fields.members,
        image=application.text("ImageUri"),
        entrypoint=application.texts("ContainerEntrypoint"),
        arguments=application.texts("ContainerArguments"),
        environment=read_environment(fields),
        inputs=inputs,
        hosts=hosts,
        timeout=read_timeout(fields),
        network=network,
        role=fields.text("RoleArn", ""),
        outputs=tuple(one for one in outputs if isinstance(one, Output)),
        feature_groups=tuple(one for one in outputs if isinstance(one, GroupOutput)),
    )


def _input(fields: Fields, project: Path) -> Input:
    name = fields.text("InputName")
    if fields.has("DatasetDefinition"):
        raise UnsupportedError(
            "Inputs by DatasetDefinition (Athena, Redshift) are not offered.",
            where=fields.place("DatasetDefinition"),
            mend="Store the data as objects or files and name them in S3Input.",
        )
    s3 = fields.fields("S3Input", required=True)
    refuse_pipe_mode(s3.choice("S3InputMode", InputMode, InputMode.FILE), s3.place("S3InputMode"))
    source, data_type, distribution = read_source(s3, project)
    app_managed = fields.flag("AppManaged")
    if app_managed and not s3.has("LocalPath"):
        target = f"{PROCESSING_FOLDER}/input"
    else:
        target = _local_path(s3)
    return Input(
        name=name,
        target=target,
        source=None if app_managed else source,
        data_type=data_type,
        distribution=distribution,
        compression=s3.choice("S3CompressionType", Compression, Compression.NONE),
        where=s3.where,
    )


def _output(fields: Fields, project: Path) -> Output | GroupOutput:
    name = fields.text("OutputName")
    if fields.has("S3Output") == fields.has("FeatureStoreOutput"):
        raise InvalidInputError(
            f"The output {name[:100]!r} must specify exactly one of S3Output and FeatureStoreOutput.",
            where=fields.where,
            mend="Name where its files go, or the feature group that the job puts records into.",
        )
    app_managed = fields.flag("AppManaged")
    if fields.has("FeatureStoreOutput"):
        return _group_output(fields, name, app_managed=app_managed)
    s3 = fields.fields("S3Output", required=True)
    destination = read_location(s3.text("S3Uri"), project, s3.place("S3Uri"))
    return Output(
        name=name,
        path=_local_path(s3) if s3.has("LocalPath") or not app_managed else f"{PROCESSING_FOLDER}/output",
        destination=None if app_managed else destination,
        continuous=s3.choice("S3UploadMode", UploadMode, UploadMode.AT_END) is UploadMode.CONTINUOUS,
        where=s3.where,
    )


def _group_output(fields: Fields, name: str, *, app_managed: bool) -> GroupOutput:
    if not app_managed:
        raise InvalidInputError(
            f"The output {name[:100]!r} is a FeatureStoreOutput, which is supported only with AppManaged.",
            where=fields.place("AppManaged"),
            mend="Set AppManaged to true, and let the script put the records into the group.",
        )
    store = fields.fields("FeatureStoreOutput")
    group = check_name(store.text("FeatureGroupName"), store.place("FeatureGroupName"))
    return GroupOutput(name, group, store.where)


def _local_path(fields: Fields) -> str:
    where = fields.place("LocalPath")
    path = check_path_inside(fields.text("LocalPath"), PROCESSING_FOLDER, where)
    if path == PROCESSING_FOLDER:
        raise InvalidInputError(
            f"LocalPath is {PROCESSING_FOLDER} itself.", where=where, mend="Choose a folder below it."
        )
    return path
