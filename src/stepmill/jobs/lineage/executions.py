"""Draws up the lineage of an execution of a pipeline: which jobs it began, and which results it reused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from stepmill.catalog.entities import COMPONENT, usable_name
from stepmill.catalog.job_components import component_name
from stepmill.core.arns import SageMakerArn
from stepmill.core.json import Json, JsonObject
from stepmill.jobs.lineage.sheet import MEMBERS, Sheet
from stepmill.storage.lineage import AssociationType

_LONGEST_PROPERTY = 256
# What the names of properties that tell parameters begin with.
PARAMETER = "Parameter."


def draw_up_execution(
    sheet: Sheet,
    arn: str,
    at: datetime,
    *,
    steps: Sequence[Mapping[str, Json]],
    parameters: Mapping[str, Json],
    status: str,
) -> None:
    """Draw up an execution that has ended.

    Args:
        sheet: Where.
        arn: Of the execution.
        at: When it was begun.
        steps: Its entries of ListPipelineExecutionSteps.
        parameters: That it ran with.
        status: How it ended.
    """
    shown = {name: str(value)[:_LONGEST_PROPERTY] for name, value in list(parameters.items())[:20]}
    context = sheet.execution(arn, at, {"Status": status, **{f"{PARAMETER}{n}": v for n, v in shown.items()}})
    for step in steps:
        metadata = step.get("Metadata")
        if not isinstance(metadata, Mapping):
            continue
        for made in _made_by_step(sheet, metadata, str(step.get("StepName") or ""), at):
            # Of a step that reused an earlier result it is the job of before.
            sheet.connect(context, made, AssociationType.ASSOCIATED_WITH, at)


def _made_by_step(sheet: Sheet, metadata: JsonObject, step: str, at: datetime) -> list[str]:
    found: list[str] = []
    for kind, member in MEMBERS.items():
        job = _arn_of(metadata, member)
        if job is not None and job.kind == kind:
            found.append(sheet.arns.sagemaker(COMPONENT.kind, component_name(job.name, member)))
    entities = metadata.get("Lineage")
    for member in ("ActionArns", "ArtifactArns", "ContextArns"):
        named = entities.get(member) if isinstance(entities, Mapping) else None
        found += [str(arn) for arn in named.values()] if isinstance(named, Mapping) else []
    function = metadata.get("Lambda")
    if isinstance(function, Mapping) and function.get("Arn"):
        text = str(function["Arn"])
        name = usable_name(f"{text.rpartition(':')[2]}-{step}-{int(at.timestamp())}-aws-lambda")
        more: JsonObject = {"Status": "Completed", "Properties": {"StepName": step}}
        found.append(sheet.action(name, "LambdaInvocation", text, at, more))
    return found


def _arn_of(metadata: JsonObject, member: str) -> SageMakerArn | None:
    part = metadata.get(member)
    return SageMakerArn.read(str(part.get("Arn"))) if isinstance(part, Mapping) else None
