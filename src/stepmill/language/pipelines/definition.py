"""A pipeline definition that was read and found right: frozen, with every reference known to exist.

Steps nested in conditions and ForEach bodies stand in the same flat mapping as the others and name
what contains them. Arguments are kept as the document came; ``expressions.parse_expression`` reads
the expressions in them.

Source: JSON schema of the definition, version 2020-12-01, and what SDK 2 and 3 emit beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from stepmill.core.json import Json, JsonObject
from stepmill.language.pipelines.conditions import Condition
from stepmill.language.pipelines.expressions import (
    ExecutionVariable,
    Expression,
    GetExecutionVariable,
    GetIterationOutput,
)

SCHEMA_VERSION = "2020-12-01"

# Source: sagemaker SDK, RetryPolicy.
DEFAULT_RETRY_INTERVAL = timedelta(seconds=1)
DEFAULT_BACKOFF_RATE = 2.0
DEFAULT_RETRY_ATTEMPTS = 5


class StepType(StrEnum):
    """What a step does."""

    ATHENA = "Athena"
    AUTO_ML = "AutoML"
    BEDROCK_CUSTOM_MODEL = "BedrockCustomModel"
    BEDROCK_CUSTOM_MODEL_DEPLOYMENT = "BedrockCustomModelDeployment"
    BEDROCK_MODEL_IMPORT = "BedrockModelImport"
    BEDROCK_PROVISIONED_MODEL_THROUGHPUT = "BedrockProvisionedModelThroughput"
    CALLBACK = "Callback"
    CLARIFY_CHECK = "ClarifyCheck"
    CLEANUP = "Cleanup"
    CONDITION = "Condition"
    EMR = "EMR"
    EMR_SERVERLESS = "EMRServerless"
    ENDPOINT = "Endpoint"
    ENDPOINT_CONFIG = "EndpointConfig"
    FAIL = "Fail"
    FOR_EACH = "ForEach"
    HUB_CONTENT = "HubContent"
    INFERENCE_COMPONENT = "InferenceComponent"
    JOB = "Job"
    LAMBDA = "Lambda"
    LINEAGE = "Lineage"
    MODEL = "Model"
    PROCESSING = "Processing"
    QUALITY_CHECK = "QualityCheck"
    REGISTER_MODEL = "RegisterModel"
    TRAINING = "Training"
    TRANSFORM = "Transform"
    TUNING = "Tuning"


class ParameterType(StrEnum):
    """Type of a parameter, or of an output of a Lambda or Callback step."""

    STRING = "String"
    INTEGER = "Integer"
    FLOAT = "Float"
    BOOLEAN = "Boolean"


class Trigger(StrEnum):
    """On which outcome of a step another step runs."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    ANY = "Any"


class Branch(StrEnum):
    """Which list of the enclosing step a nested step stands in."""

    IF = "IfSteps"
    ELSE = "ElseSteps"
    BODY = "ForEachBody"


class Pick(StrEnum):
    """Which iteration a ForEach selector picks."""

    MAX_BY = "MaxBy"
    MIN_BY = "MinBy"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the pipeline. Without a default, each start must give a value."""

    name: str
    type: ParameterType = ParameterType.STRING
    has_default: bool = False
    default: Json = None
    enum_values: tuple[Json, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Dependency:
    """An entry of DependsOn."""

    step: str
    trigger: Trigger = Trigger.COMPLETED


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Whether an earlier result will do, and how old it may be (``None``: any age)."""

    enabled: bool = False
    expire_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to try a step again.

    Args:
        exception_types: ``Step.THROTTLING``, ``SageMaker.CAPACITY_ERROR`` ...
        interval: Before the first retry.
        backoff_rate: By which the interval grows with each further retry.
        max_attempts: At most so many retries; ``None`` if ``expire_after`` limits them.
        expire_after: No retry later than this after the first attempt.
    """

    exception_types: tuple[str, ...]
    interval: timedelta = DEFAULT_RETRY_INTERVAL
    backoff_rate: float = DEFAULT_BACKOFF_RATE
    max_attempts: int | None = DEFAULT_RETRY_ATTEMPTS
    expire_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class PropertyFile:
    """A JSON file in an output of a step, that conditions and arguments may read."""

    name: str
    output_name: str
    file_path: str


@dataclass(frozen=True, slots=True)
class OutputParameter:
    """An output of a Lambda or Callback step."""

    name: str
    type: ParameterType = ParameterType.STRING


@dataclass(frozen=True, slots=True)
class ConditionBody:
    """What is inside a Condition step. The conditions must all hold; the steps are names."""

    conditions: tuple[Condition, ...]
    if_steps: tuple[str, ...] = ()
    else_steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selector:
    """How a ForEach step chooses one iteration."""

    pick: Pick
    field: GetIterationOutput


@dataclass(frozen=True, slots=True)
class ForEachBody:
    """What is inside a ForEach step.

    Args:
        items: One expression that gives a JSON list as text, or the items one by one.
        max_concurrency: So many iterations' steps at once.
        steps: Names of the steps that run once per item.
        selector: Chooses one iteration, if given.
    """

    items: Expression | tuple[Expression, ...]
    max_concurrency: int
    steps: tuple[str, ...]
    selector: Selector | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step.

    Args:
        name: Unique in the document, nested steps included.
        type: What it does.
        arguments: The ``Arguments`` as they came, expressions and all.
        path: Place in the document: ``Steps[2].Arguments.IfSteps[0]``.
        parent: Name of the Condition or ForEach step that contains it; empty at the top.
        branch: Which list of the parent it stands in.
        depends_on: Its DependsOn.
        references: Names of the steps that its own expressions refer to, each once, in the order of
            the document. What nested steps refer to is theirs.
        display_name: For people.
        description: For people.
        cache: Its CacheConfig; ``None`` if it has none.
        retry_policies: In the order of the document; the first that matches counts.
        property_files: What others may read of it by Std:JsonGet.
        outputs: Of a Lambda or Callback step: its OutputParameters.
        extra: Keys beside those above, as they came: ``FunctionArn``, ``SqsQueueUrl``, ``CheckType`` ...
        condition: Of a Condition step: what is inside.
        for_each: Of a ForEach step: what is inside.
    """

    name: str
    type: StepType
    arguments: JsonObject = field(default_factory=dict)
    path: str = ""
    parent: str = ""
    branch: Branch | None = None
    depends_on: tuple[Dependency, ...] = ()
    references: tuple[str, ...] = ()
    display_name: str = ""
    description: str = ""
    cache: CacheConfig | None = None
    retry_policies: tuple[RetryPolicy, ...] = ()
    property_files: tuple[PropertyFile, ...] = ()
    outputs: tuple[OutputParameter, ...] = ()
    extra: JsonObject = field(default_factory=dict)
    condition: ConditionBody | None = None
    for_each: ForEachBody | None = None

    @property
    def children(self) -> tuple[str, ...]:
        """Names of the steps directly inside this one."""
        if self.condition:
            return self.condition.if_steps + self.condition.else_steps
        return self.for_each.steps if self.for_each else ()


@dataclass(frozen=True, slots=True)
class ExperimentConfig:
    """Names of the experiment and the trial that an execution records itself under."""

    experiment_name: Expression
    trial_name: Expression


# Source: what the SDKs emit, and the service assumes where the key is absent.
DEFAULT_EXPERIMENT = ExperimentConfig(
    GetExecutionVariable(ExecutionVariable.PIPELINE_NAME),
    GetExecutionVariable(ExecutionVariable.PIPELINE_EXECUTION_ID),
)


@dataclass(frozen=True, slots=True)
class PipelineDefinition:
    """A definition.

    Args:
        steps: Every step by name, nested ones too, in the order of the document.
        parameters: By name.
        metadata: Name to text.
        experiment: ``None`` if the definition asks for no experiment to be recorded.
        mlflow: ``MlflowConfig`` as it came; ``None`` if absent.
    """

    steps: Mapping[str, Step]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    experiment: ExperimentConfig | None = DEFAULT_EXPERIMENT
    mlflow: JsonObject | None = None

    @property
    def top_level(self) -> tuple[str, ...]:
        """Names of the steps that no other step contains."""
        return tuple(name for name, step in self.steps.items() if not step.parent)
