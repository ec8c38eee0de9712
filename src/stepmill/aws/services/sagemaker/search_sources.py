"""What Search looks through: the documents of each kind of resource that is offered.

A document is what Describe answers, with the tags, and with what only searches tell (the trials that a
component is in). Where a search can only match one name, only that one is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from stepmill.aws.services.sagemaker.executions import describe_execution
from stepmill.aws.services.sagemaker.feature_groups import describe_group
from stepmill.aws.services.sagemaker.pipelines import describe_pipeline
from stepmill.catalog.entities import COMPONENT, EXPERIMENT, TRIAL
from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.packages import GROUP_KIND, PACKAGE_KIND
from stepmill.catalog.pipeline_records import PIPELINE_KIND
from stepmill.catalog.tags import write_tags
from stepmill.core.json import JsonObject
from stepmill.engine.interpreters.pipelines.values import text_of
from stepmill.jobs.describing import describe_training
from stepmill.jobs.records import TRAINING_JOB
from stepmill.jobs.tuning.records import TUNING_JOB
from stepmill.platform import Platform
from stepmill.storage.records import Record, Selection

_ALL = Selection(limit=1000)

# Property -> value that a match must have.
Required: TypeAlias = Mapping[str, str]
Documents: TypeAlias = Callable[[Platform, Required], Iterable[JsonObject]]


@dataclass(frozen=True)
class Source:
    """One kind of resource.

    Args:
        shape: Of its documents in SageMaker's model.
        arn: The member that tells them apart.
        documents: Gives them.
        beside: A member that tells apart those of one ARN; empty: there is one of each.
        member: Of a result that holds such a document; empty: it is called like the shape.
    """

    shape: str
    arn: str
    documents: Documents
    beside: str = ""
    member: str = ""

    def result(self, document: JsonObject) -> dict[str, JsonObject]:
        """Return the result of a search that a document is."""
        return {self.member or self.shape: document}

    def key(self, document: Mapping[str, Any]) -> str:
        """Return what tells a document from others of its kind."""
        arn = str(document[self.arn])
        return f"{arn}/{document[self.beside]}" if self.beside else arn


def _records(platform: Platform, kind: str, name: str | None) -> Iterator[Record]:
    """Yield the records of a kind, or the one of that name."""
    if name is None:
        yield from _ALL.all(platform.records, kind)
    elif (record := platform.records.find(kind, name.lower())) is not None:
        yield record


def _training_jobs(platform: Platform, required: Required) -> Iterator[dict[str, Any]]:
    name = required.get("TrainingJobName")
    found = platform.records.find(TRAINING_JOB, name) if name else None
    for record in [found] if found else _ALL.all(platform.records, TRAINING_JOB):
        yield describe_training(record, datetime.now(UTC))


def _tuning_jobs(platform: Platform, required: Required) -> Iterator[dict[str, Any]]:
    name = required.get("HyperParameterTuningJobName")
    found = platform.records.find(TUNING_JOB, name) if name else None
    for record in [found] if found else _ALL.all(platform.records, TUNING_JOB):
        yield platform.tuning_jobs.describe(record)


def _experiments(platform: Platform, required: Required) -> Iterator[JsonObject]:
    for record in _records(platform, EXPERIMENT.kind, required.get("ExperimentName")):
        yield platform.experiments.describe(record.name)


def _trials(platform: Platform, required: Required) -> Iterator[JsonObject]:
    components = platform.experiments.components
    for record in _records(platform, TRIAL.kind, required.get("TrialName")):
        members = [components.describe(name) for name in components.members(record.name)]
        yield {
            **platform.experiments.describe_trial(record.name),
            "TrialComponentSummaries": [_simple(one) for one in members],
        }


def _simple(component: JsonObject) -> JsonObject:
    return {**component, **({"TrialComponentSource": component["Source"]} if "Source" in component else {})}


def _trial_components(platform: Platform, required: Required) -> Iterator[JsonObject]:
    experiments = platform.experiments
    records = list(_records(platform, COMPONENT.kind, required.get("TrialComponentName")))
    parents: dict[str, list[JsonObject]] = defaultdict(list)
    described: dict[str, JsonObject] = {}
    for component, trial in experiments.components.memberships([record.name for record in records]):
        if trial not in described:
            described[trial] = experiments.describe_trial(trial)
        parents[component].append(described[trial])
    for record in records:
        yield {**experiments.components.describe(record.name), "Parents": parents[record.name]}


def _groups(platform: Platform, required: Required) -> Iterator[JsonObject]:
    for record in _records(platform, GROUP_KIND, required.get("ModelPackageGroupName")):
        yield platform.models.groups.describe(record.name)


def _packages(platform: Platform, required: Required) -> Iterator[JsonObject]:
    group = required.get("ModelPackageGroupName")
    chosen = Selection(parent=group.lower() if group else None, limit=1000)
    for record in chosen.all(platform.records, PACKAGE_KIND):
        yield platform.models.describe(record.name)


def _feature_groups(platform: Platform, required: Required) -> Iterator[dict[str, Any]]:
    for group in _named_groups(platform, required):
        yield describe_group(platform, group)


def _features(platform: Platform, required: Required) -> Iterator[dict[str, Any]]:
    for group in _named_groups(platform, required):
        yield from platform.features.groups.metadata.all(group)


def _named_groups(platform: Platform, required: Required) -> Iterator[FeatureGroup]:
    groups, name = platform.features.groups, required.get("FeatureGroupName")
    found = groups.find(name) if name else None
    return iter([found]) if found is not None else groups.all()


def _pipelines(platform: Platform, required: Required) -> Iterator[dict[str, Any]]:
    for record in _records(platform, PIPELINE_KIND, required.get("PipelineName")):
        name = str(record.body["name"])
        yield describe_pipeline(platform, platform.pipelines.describe(name), platform.pipelines.get(name))


def _executions(platform: Platform, required: Required) -> Iterator[dict[str, Any]]:
    pipeline = _spelled(platform, required.get("PipelineArn", ""))
    after: str | None = None
    while True:
        page = platform.executions.find(pipeline=pipeline, limit=1000, after=after)
        for execution in page.executions:
            parameters = [
                {"Name": name, "Value": text_of(value)} for name, value in execution.parameters.items()
            ]
            yield {**describe_execution(platform, execution), "PipelineParameters": parameters}
        after = page.next_token
        if after is None:
            return


def _spelled(platform: Platform, arn: str) -> str | None:
    """Return the name of a pipeline as its executions know it; its ARN has lost the case."""
    record = platform.records.find(PIPELINE_KIND, arn.rpartition("/")[2])
    return str(record.body["name"]) if record else None


# Resource as requests name it -> where its documents come from.
SOURCES: Mapping[str, Source] = {
    "TrainingJob": Source("TrainingJob", "TrainingJobArn", _training_jobs),
    "HyperParameterTuningJob": Source(
        "HyperParameterTuningJobSearchEntity",
        "HyperParameterTuningJobArn",
        _tuning_jobs,
        member="HyperParameterTuningJob",
    ),
    "Experiment": Source("Experiment", "ExperimentArn", _experiments),
    "ExperimentTrial": Source("Trial", "TrialArn", _trials),
    "ExperimentTrialComponent": Source("TrialComponent", "TrialComponentArn", _trial_components),
    "ModelPackage": Source("ModelPackage", "ModelPackageArn", _packages),
    "ModelPackageGroup": Source("ModelPackageGroup", "ModelPackageGroupArn", _groups),
    "FeatureGroup": Source("FeatureGroup", "FeatureGroupArn", _feature_groups),
    "FeatureMetadata": Source("FeatureMetadata", "FeatureGroupArn", _features, beside="FeatureName"),
    "Pipeline": Source("Pipeline", "PipelineArn", _pipelines),
    "PipelineExecution": Source("PipelineExecution", "PipelineExecutionArn", _executions),
}


def tagged_documents(platform: Platform, source: Source, required: Required) -> Iterator[dict[str, Any]]:
    """Yield the documents of a source, each with its tags.

    Args:
        platform: What is behind the wire.
        source: Which kind.
        required: Property -> value that a match must have; may narrow what is read.
    """
    for document in source.documents(platform, required):
        if source.beside:  # what has no ARN of its own has no tags
            yield dict(document)
            continue
        yield {**document, "Tags": write_tags(platform.tags.of(str(document[source.arn])))}
