"""The types of steps: which request their Arguments are, which keys they take, what can be read of them.

Source: sagemaker SDK 2.257.7 and 3.27.0, the step classes' ``to_request`` and ``properties``; JSON
schema of the definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from stepmill.language.pipelines.arguments import (
    Anything,
    Arguments,
    Elsewhere,
    Fields,
    ListOf,
    Request,
    Text,
)
from stepmill.language.pipelines.definition import StepType

COMMON_KEYS = ("Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description")
_RETRY, _CACHE, _FILES = "RetryPolicies", "CacheConfig", "PropertyFiles"
_CHECK = (
    "CheckType",
    "ModelPackageGroupName",
    "SkipCheck",
    "FailOnViolation",
    "RegisterNewBaseline",
    "SuppliedBaselineConstraints",
)


class Property(Enum):
    """A property that no shape describes."""

    TEXT = "text"  # nothing can be selected inside
    JSON = "json"  # anything may be inside
    OUTPUTS = "outputs"  # by name: what the step's OutputParameters declare
    ENTITIES = "entities"  # by name: what a Lineage step creates
    SUMMARIES = "summaries"  # of a tuning job: its training jobs, best first
    ITERATIONS = "iterations"  # of a ForEach step: [position].<body step>.<property>
    SELECTED = "selected"  # of a ForEach step: properties of the selector's body step
    CANDIDATE = "candidate"  # of an AutoML step: two report paths


@dataclass(frozen=True)
class StepKind:
    """What a type of step takes and gives.

    Args:
        arguments: What its Arguments must look like.
        keys: Its own keys beside the common ones.
        required_keys: Those of them that must be there, ``Arguments`` if it must.
        answer: The shape that its properties are read from, if any.
        properties: Properties beside those of ``answer``.
        job_exceptions: Whether it makes a job, so that retry policies may name ``SageMaker.*``.
        documented: False for types that AWS only mentions.
    """

    arguments: Arguments
    keys: tuple[str, ...] = ()
    required_keys: tuple[str, ...] = ("Arguments",)
    answer: Request | None = None
    properties: Mapping[str, Property] = field(default_factory=dict)
    job_exceptions: bool = False
    documented: bool = True


def _request(operation: str, *optional: str, service: str = "sagemaker") -> Request:
    return Request(operation, service, frozenset(optional))


def _described(operation: str) -> Request:
    return Request(operation)


def _outcomes(*names: str) -> dict[str, Property]:
    return dict.fromkeys(names, Property.TEXT)


_PROCESSING = _request("CreateProcessingJob", "ProcessingJobName")
_EMR = Fields(
    {
        "StepConfig": Request(service="emr", shape="StepConfig", optional=frozenset({"Name"})),
        "ClusterId": Text(),
        "ClusterConfig": _request("RunJobFlow", "Name", service="emr"),
        "ExecutionRoleArn": Text(),
    },
    required=("StepConfig",),
)
_EMR_SERVERLESS = Fields(
    {
        "ExecutionRoleArn": Text(),
        "JobConfig": _request("StartJobRun", "clientToken", "applicationId", service="emr-serverless"),
        "ApplicationId": Text(),
        "ApplicationConfig": _request("CreateApplication", "clientToken", service="emr-serverless"),
    },
    required=("ExecutionRoleArn", "JobConfig"),
)
_ENTITY = Fields({"Arn": Text(), "Name": Text(), "Type": Text(("Action", "Artifact", "Context"))})
_LINEAGE = Fields(
    {
        "Actions": ListOf(_request("CreateAction")),
        "Artifacts": ListOf(_request("CreateArtifact")),
        "Contexts": ListOf(_request("CreateContext")),
        "Associations": ListOf(
            Fields(
                {"Source": _ENTITY, "Destination": _ENTITY, "AssociationType": Text()},
                required=("Source", "Destination"),
            )
        ),
    }
)
_CLEANUP_SOURCE = Fields({"StepName": Text(), "S3Uris": ListOf(Text(), minimum=1)}, required=("StepName",))
_CLEANUP = Fields(
    {"Resources": Fields({"S3": ListOf(_CLEANUP_SOURCE, minimum=1)}, required=("S3",))},
    required=("Resources",),
)
_UNDOCUMENTED = StepKind(
    Anything(), keys=(_RETRY, _CACHE), properties={"*": Property.JSON}, documented=False, required_keys=()
)
_TYPES: dict[StepType, StepKind] = {
    StepType.PROCESSING: StepKind(
        _PROCESSING,
        keys=(_RETRY, _CACHE, _FILES),
        answer=_described("DescribeProcessingJob"),
        job_exceptions=True,
    ),
    StepType.TRAINING: StepKind(
        _request("CreateTrainingJob", "TrainingJobName"),
        keys=(_RETRY, _CACHE),
        answer=_described("DescribeTrainingJob"),
        job_exceptions=True,
    ),
    StepType.TUNING: StepKind(
        _request("CreateHyperParameterTuningJob", "HyperParameterTuningJobName"),
        keys=(_RETRY, _CACHE),
        answer=_described("DescribeHyperParameterTuningJob"),
        properties={"TrainingJobSummaries": Property.SUMMARIES},
        job_exceptions=True,
    ),
    StepType.TRANSFORM: StepKind(
        _request("CreateTransformJob", "TransformJobName"),
        keys=(_RETRY, _CACHE),
        answer=_described("DescribeTransformJob"),
        job_exceptions=True,
    ),
    StepType.AUTO_ML: StepKind(
        _request("CreateAutoMLJob", "AutoMLJobName"),
        keys=(_RETRY, _CACHE),
        answer=_described("DescribeAutoMLJob"),
        properties={"BestCandidateProperties": Property.CANDIDATE},
        job_exceptions=True,
    ),
    StepType.MODEL: StepKind(
        _request("CreateModel", "ModelName"),
        keys=(_RETRY,),
        answer=_described("DescribeModel"),
        job_exceptions=True,
    ),
    StepType.REGISTER_MODEL: StepKind(
        _request("CreateModelPackage", "ModelPackageName"),
        keys=(_RETRY,),
        answer=_described("DescribeModelPackage"),
        job_exceptions=True,
    ),
    StepType.JOB: StepKind(
        _request("CreateJob", "JobName"),
        keys=(_RETRY,),
        answer=_described("DescribeJob"),
        properties={"JobConfigDocument": Property.JSON},
        job_exceptions=True,
    ),
    StepType.CONDITION: StepKind(
        Fields(
            {"Conditions": Elsewhere(), "IfSteps": Elsewhere(), "ElseSteps": Elsewhere()}, ("Conditions",)
        ),
        properties=_outcomes("Outcome"),
    ),
    StepType.FOR_EACH: StepKind(
        Fields(
            {
                "IterableItems": Elsewhere(),
                "MaxConcurrency": Elsewhere(),
                "Selector": Elsewhere(),
                "ForEachBody": Elsewhere(),
            },
            ("IterableItems", "MaxConcurrency", "ForEachBody"),
        ),
        properties={
            **_outcomes("Status", "InputItemCount", "TotalStepCount"),
            **_outcomes("SucceededStepCount", "FailedStepCount", "StoppedStepCount"),
            "IterationOutputs": Property.ITERATIONS,
            "Selected": Property.SELECTED,
        },
    ),
    StepType.FAIL: StepKind(Fields({"ErrorMessage": Text()}, required=("ErrorMessage",))),
    StepType.LAMBDA: StepKind(
        Anything(),
        keys=("FunctionArn", "OutputParameters", _CACHE),
        required_keys=("FunctionArn",),
        properties={"OutputParameters": Property.OUTPUTS},
    ),
    StepType.CALLBACK: StepKind(
        Anything(),
        keys=("SqsQueueUrl", "OutputParameters", _CACHE),
        required_keys=("SqsQueueUrl",),
        properties={"OutputParameters": Property.OUTPUTS},
    ),
    StepType.QUALITY_CHECK: StepKind(
        _PROCESSING,
        keys=(*_CHECK, "SuppliedBaselineStatistics", _RETRY, _CACHE, _FILES),
        required_keys=("Arguments", "CheckType"),
        properties=_outcomes(
            "CalculatedBaselineStatistics",
            "CalculatedBaselineConstraints",
            "BaselineUsedForDriftCheckStatistics",
            "BaselineUsedForDriftCheckConstraints",
        ),
        job_exceptions=True,
    ),
    StepType.CLARIFY_CHECK: StepKind(
        _PROCESSING,
        keys=(*_CHECK, "ModelName", _RETRY, _CACHE, _FILES),
        required_keys=("Arguments", "CheckType"),
        properties=_outcomes("CalculatedBaselineConstraints", "BaselineUsedForDriftCheckConstraints"),
        job_exceptions=True,
    ),
    StepType.EMR: StepKind(
        _EMR,
        keys=(_RETRY, _CACHE),
        answer=Request(service="emr", shape="Step"),
        properties=_outcomes("ClusterId"),
    ),
    StepType.EMR_SERVERLESS: StepKind(
        _EMR_SERVERLESS,
        keys=(_RETRY, _CACHE),
        answer=Request("GetJobRun", service="emr-serverless"),
    ),
    StepType.ENDPOINT_CONFIG: StepKind(
        _request("CreateEndpointConfig", "EndpointConfigName"),
        keys=(_RETRY, _CACHE),
        answer=_described("DescribeEndpointConfig"),
    ),
    StepType.ENDPOINT: StepKind(
        _request("CreateEndpoint", "EndpointName"),
        keys=(_RETRY, _CACHE),
        answer=_described("DescribeEndpoint"),
    ),
    StepType.INFERENCE_COMPONENT: StepKind(
        _request("CreateInferenceComponent", "InferenceComponentName"),
        keys=(_RETRY, _CACHE),
        answer=_described("DescribeInferenceComponent"),
    ),
    StepType.LINEAGE: StepKind(
        _LINEAGE,
        properties={
            "ActionArns": Property.ENTITIES,
            "ArtifactArns": Property.ENTITIES,
            "ContextArns": Property.ENTITIES,
            "Associations": Property.JSON,
        },
    ),
    StepType.CLEANUP: StepKind(_CLEANUP),
    StepType.ATHENA: _UNDOCUMENTED,
    StepType.BEDROCK_CUSTOM_MODEL: _UNDOCUMENTED,
    StepType.BEDROCK_CUSTOM_MODEL_DEPLOYMENT: _UNDOCUMENTED,
    StepType.BEDROCK_MODEL_IMPORT: _UNDOCUMENTED,
    StepType.BEDROCK_PROVISIONED_MODEL_THROUGHPUT: _UNDOCUMENTED,
    StepType.HUB_CONTENT: _UNDOCUMENTED,
}
STEP_KINDS: Mapping[StepType, StepKind] = MappingProxyType(_TYPES)
