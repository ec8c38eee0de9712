"""The request of a step's task: its arguments resolved, its job named, its texts made text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import CachePolicy, Task
from stepmill.engine.interpreters.pipelines.draft import Draft
from stepmill.engine.interpreters.pipelines.frames import StepFrame
from stepmill.engine.interpreters.pipelines.naming import LONGEST_JOB_NAME, job_name, task_id
from stepmill.engine.interpreters.pipelines.resolving import Resolver
from stepmill.engine.interpreters.pipelines.values import text_of
from stepmill.language.pipelines.definition import Step, StepType

# The member that names what the step makes, and how long a name may be. If the arguments have it,
# it is a prefix (the SDK's use_custom_job_prefix). Source: API reference, the Create operations.
JOB_NAMES: Mapping[StepType, tuple[str, int]] = {
    StepType.AUTO_ML: ("AutoMLJobName", 32),
    StepType.CLARIFY_CHECK: ("ProcessingJobName", LONGEST_JOB_NAME),
    StepType.MODEL: ("ModelName", LONGEST_JOB_NAME),
    StepType.PROCESSING: ("ProcessingJobName", LONGEST_JOB_NAME),
    StepType.QUALITY_CHECK: ("ProcessingJobName", LONGEST_JOB_NAME),
    StepType.TRAINING: ("TrainingJobName", LONGEST_JOB_NAME),
    StepType.TRANSFORM: ("TransformJobName", LONGEST_JOB_NAME),
    StepType.TUNING: ("HyperParameterTuningJobName", 32),
}

# Whose jobs experiments record.
TRACKED = frozenset(
    {
        StepType.PROCESSING,
        StepType.TRAINING,
        StepType.TRANSFORM,
        StepType.QUALITY_CHECK,
        StepType.CLARIFY_CHECK,
    }
)

_PROCESSING_TEXTS = (
    ("Environment",),
    ("AppSpecification", "ContainerArguments"),
    ("AppSpecification", "ContainerEntrypoint"),
)

# Where the API has a map or a list of strings: a number or a truth value that an expression gives
# there becomes its text. "*" stands for each element of a list.
TEXT_PLACES: Mapping[StepType, tuple[tuple[str, ...], ...]] = {
    StepType.MODEL: (("PrimaryContainer", "Environment"), ("Containers", "*", "Environment")),
    StepType.PROCESSING: _PROCESSING_TEXTS,
    StepType.QUALITY_CHECK: _PROCESSING_TEXTS,
    StepType.CLARIFY_CHECK: _PROCESSING_TEXTS,
    StepType.REGISTER_MODEL: (
        ("InferenceSpecification", "Containers", "*", "Environment"),
        ("AdditionalInferenceSpecifications", "*", "Containers", "*", "Environment"),
        ("CustomerMetadataProperties",),
    ),
    StepType.TRAINING: (
        ("HyperParameters",),
        ("Environment",),
        ("AlgorithmSpecification", "ContainerArguments"),
        ("AlgorithmSpecification", "ContainerEntrypoint"),
    ),
    StepType.TRANSFORM: (("Environment",),),
    StepType.TUNING: (
        ("TrainingJobDefinition", "StaticHyperParameters"),
        ("TrainingJobDefinition", "Environment"),
        ("TrainingJobDefinitions", "*", "StaticHyperParameters"),
        ("TrainingJobDefinitions", "*", "Environment"),
    ),
}


def make_task(draft: Draft, frame: StepFrame) -> tuple[Task, Resolver]:
    """Return the task of a step's attempt. Of no use while the resolver misses reads.

    Raises:
        InvalidInputError: If an expression in it has no value.
    """
    inputs = draft.inputs
    planned = draft.planned(frame)
    step = planned.step
    member, limit = JOB_NAMES.get(step.type, ("", 0))
    name = ""
    if member:
        prefix = Resolver(draft, frame).document(step.arguments.get(member, ""))
        name = job_name(
            inputs.execution_id,
            frame.name,
            frame.attempt,
            prefix=prefix if isinstance(prefix, str) else "",
            limit=limit,
        )
    resolver = Resolver(draft, frame, name)
    payload = resolver.document(step.arguments)
    for place in TEXT_PLACES.get(step.type, ()):
        payload = _with_texts(payload, place)
    if member and isinstance(payload, Mapping) and member in payload:
        payload = {**payload, member: name}
    if step.type in TRACKED and isinstance(payload, Mapping) and draft.plan.definition.experiment is not None:
        payload = {**payload, "ExperimentConfig": _experiment_config(payload, resolver)}
    extra = _extra(step, resolver)
    if step.type is StepType.TUNING and draft.plan.definition.experiment is not None:
        # Its own request has no place for it, but the training jobs that it begins are recorded.
        extra["ExperimentConfig"] = resolver.experiment_config()
    task = Task(
        id=task_id(inputs.execution_id, frame.name, frame.attempt),
        resource=planned.resource,
        payload=payload,
        execution_arn=inputs.execution_arn,
        pipeline=inputs.pipeline,
        step=frame.name,
        name=name,
        extra=extra,
        cache=_cache_policy(step, inputs.uses_cache),
    )
    return task, resolver


def _experiment_config(payload: JsonObject, resolver: Resolver) -> JsonObject:
    """Return where a job is recorded: in the execution's trial, under the name that its step gives it."""
    given = payload.get("ExperimentConfig")
    return {**resolver.experiment_config(), **(given if isinstance(given, Mapping) else {})}


def _cache_policy(step: Step, uses_cache: bool) -> CachePolicy | None:
    if step.cache is None or not step.cache.enabled:
        return None
    return CachePolicy(step.cache.expire_after, reuse=uses_cache)


def _extra(step: Step, resolver: Resolver) -> dict[str, Json]:
    extra = resolver.object(step.extra)
    if step.outputs:
        extra["OutputParameters"] = [
            {"OutputName": output.name, "OutputType": str(output.type)} for output in step.outputs
        ]
    return extra


def _with_texts(value: Json, place: Sequence[str]) -> Json:
    """Return a document with text in place of numbers and truth values at a place of it."""
    if place:
        if isinstance(value, list) and place[0] == "*":
            return [_with_texts(element, place[1:]) for element in value]
        if isinstance(value, Mapping) and place[0] in value:
            return {**value, place[0]: _with_texts(value[place[0]], place[1:])}
        return value
    if isinstance(value, Mapping):
        return {key: text_of(each) for key, each in value.items()}
    return [text_of(each) for each in value] if isinstance(value, list) else value
