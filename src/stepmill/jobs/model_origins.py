"""What made a version of a model: the training job that left its model data, and who registered it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from stepmill.catalog.model_reports.comparison import Origin
from stepmill.catalog.packages import model_data_of
from stepmill.core.json import Json, JsonObject, object_of, objects_of
from stepmill.jobs.records import TRAINING_JOB, JobRecords, request_of, state_of
from stepmill.storage.records import Record, RecordStore

# Hyperparameters by which SDKs tell their containers where the code is, and what they call it here.
_CODE = {"sagemaker_program": "program", "sagemaker_submit_directory": "source"}
_SDK = "sagemaker_"


def origin_of(described: JsonObject, source: Mapping[str, str], records: RecordStore) -> Origin:
    """Return what made a version, as far as it is known here.

    Args:
        described: What DescribeModelPackage answers.
        source: Execution, pipeline and step that registered it; may be empty.
        records: Where jobs are kept.
    """
    registered = Origin(source.get("pipeline", ""), source.get("execution", ""), source.get("step", ""))
    job = _training_job(described, records)
    if job is None:
        return registered
    request = request_of(job)
    given = {name: _plain(value) for name, value in object_of(request.get("HyperParameters")).items()}
    return replace(
        registered,
        job=job.name,
        parameters={name: value for name, value in given.items() if not name.startswith(_SDK)},
        data=dict(_channels(request)),
        image=str(object_of(request.get("AlgorithmSpecification")).get("TrainingImage") or ""),
        code=dict(_code(request, given)),
    )


def _training_job(described: JsonObject, records: RecordStore) -> Record | None:
    """Return the job that left the model data; jobs leave it in a folder of their name."""
    jobs = JobRecords(records, TRAINING_JOB)
    specification = object_of(described.get("InferenceSpecification"))
    for container in objects_of(specification.get("Containers")):
        for _, uri, _ in model_data_of(container):
            for name in uri.split("/")[3:]:
                job = jobs.find(name)
                if job is not None and state_of(job).model == uri:
                    return job
    return None


def _channels(request: JsonObject) -> Iterator[tuple[str, str]]:
    for channel in objects_of(request.get("InputDataConfig")):
        s3 = object_of(object_of(channel.get("DataSource")).get("S3DataSource"))
        yield str(channel.get("ChannelName")), str(s3.get("S3Uri") or "")


def _code(request: JsonObject, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from ((word, given[name]) for name, word in _CODE.items() if given.get(name))
    algorithm = object_of(request.get("AlgorithmSpecification"))
    for member, word in (("ContainerEntrypoint", "entry point"), ("ContainerArguments", "arguments")):
        texts = algorithm.get(member)
        if isinstance(texts, (list, tuple)) and texts:
            yield word, " ".join(str(text) for text in texts)


def _plain(value: Json) -> str:
    """Return a hyperparameter as it was meant: SDK 2 quotes texts as JSON does.

    Example:
        >>> _plain('"train.py"'), _plain("0.1")
        ('train.py', '0.1')
    """
    text = str(value)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
