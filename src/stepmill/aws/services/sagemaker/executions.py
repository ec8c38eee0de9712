"""Operations on executions of pipelines, and on the callbacks of their steps.

Source: SageMaker API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, IsSettled
from stepmill.aws.services.sagemaker.definitions import version_of
from stepmill.aws.services.sagemaker.listing import (
    LARGEST_PAGE,
    listed_in_memory,
    read_listing,
)
from stepmill.aws.services.sagemaker.names import arn_of, name_of
from stepmill.aws.services.sagemaker.refusals import told_as
from stepmill.aws.services.sagemaker.whose import user_context
from stepmill.catalog.aliases import aliases_of
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.engine.interpreters.pipelines.events import RetryRequested, StopRequested, UpdateRequested
from stepmill.engine.interpreters.pipelines.values import text_of
from stepmill.engine.starting import StartRequest
from stepmill.engine.summaries import ExecutionSummary
from stepmill.platform import Platform
from stepmill.storage.executions import ExecutionOrder
from stepmill.storage.records import SortBy

_PIPELINE = "pipeline"
_NAME = "PipelineName"
_ARN = "PipelineExecutionArn"
_EXECUTION = "/execution/"
_CONFLICT = "ConflictException"

_USED = "The ClientRequestToken was used for a start that differs from this one."

# API reference, PipelineExecutionFailureReason.
_LONGEST_REASON = 1300


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return {
        **_steering(platform),
        **_looking(platform),
        "SendPipelineExecutionStepSuccess": lambda call: _succeed_callback(platform, call),
        "SendPipelineExecutionStepFailure": lambda call: _fail_callback(platform, call),
    }


def waits() -> Mapping[str, IsSettled]:
    """Return the operations whose waiting clients are held, and when there is nothing left to wait for."""

    def has_ended(_call: Call, answer: Mapping[str, Any]) -> bool:
        return PipelineExecutionStatus(answer["PipelineExecutionStatus"]).is_final

    return {"DescribePipelineExecution": has_ended}


def _steering(platform: Platform) -> dict[str, Handler]:
    def start(call: Call) -> dict[str, Any]:
        request = _start_request(platform, call)
        with told_as(_CONFLICT, ConflictError, _USED):
            execution = platform.engine.start(request)
        return {_ARN: platform.settings.arns.execution(request.pipeline, execution)}

    def stop(call: Call) -> dict[str, Any]:
        found = _execution_of(platform, call)
        platform.engine.stop(found.id, StopRequested(call.parameters["ClientRequestToken"], call.caller.name))
        return {_ARN: found.arn}

    def retry(call: Call) -> dict[str, Any]:
        found = _execution_of(platform, call)
        token = call.parameters["ClientRequestToken"]
        platform.engine.retry(
            found.id, RetryRequested(_parallelism(call.parameters), token, call.caller.name)
        )
        return {_ARN: found.arn}

    def update(call: Call) -> dict[str, Any]:
        found = _execution_of(platform, call)
        wish = UpdateRequested(
            display_name=call.parameters.get("PipelineExecutionDisplayName"),
            description=call.parameters.get("PipelineExecutionDescription"),
            parallelism=_parallelism(call.parameters),
            by=call.caller.name,
        )
        platform.engine.update(found.id, wish)
        return {_ARN: found.arn}

    return {
        "StartPipelineExecution": start,
        "StopPipelineExecution": stop,
        "RetryPipelineExecution": retry,
        "UpdatePipelineExecution": update,
    }


def _looking(platform: Platform) -> dict[str, Handler]:
    executions = platform.executions

    def describe(call: Call) -> dict[str, Any]:
        return describe_execution(platform, _execution_of(platform, call))

    def list_(call: Call) -> dict[str, Any]:
        name = name_of(call.parameters, _NAME, _PIPELINE, platform.settings.arns)
        pipeline = platform.pipelines.describe(name)
        alias = call.parameters.get("PipelineVersionAlias")
        listing = read_listing(
            call, sort={"CreationTime": SortBy.CREATED, "PipelineExecutionArn": SortBy.NAME}
        )
        wanted = listing.selection
        page = executions.find(
            pipeline=pipeline.name,
            version=platform.pipelines.get(name, alias=alias).version if alias else None,
            created_after=wanted.created_after,
            created_before=wanted.created_before,
            order=ExecutionOrder.ID if wanted.sort_by is SortBy.NAME else ExecutionOrder.CREATED,
            ascending=not wanted.descending,
            limit=wanted.limit,
            after=wanted.after,
        )
        summaries = (_summary(execution, pipeline.aliases) for execution in page.executions)
        return listing.answer("PipelineExecutionSummaries", summaries, page.next_token)

    def list_steps(call: Call) -> dict[str, Any]:
        entries = executions.steps(_execution_of(platform, call).id)
        if call.parameters.get("SortOrder") != "Ascending":
            entries.reverse()
        page, token = listed_in_memory(
            call, entries, key=lambda entry: str(entry["StepName"]), page_size=LARGEST_PAGE
        )
        return _paged("PipelineExecutionSteps", page, token)

    def list_parameters(call: Call) -> dict[str, Any]:
        given = _execution_of(platform, call).parameters
        parameters = [{"Name": name, "Value": text_of(value)} for name, value in given.items()]
        page, token = listed_in_memory(
            call, parameters, key=lambda parameter: parameter["Name"], page_size=LARGEST_PAGE
        )
        return _paged("PipelineParameters", page, token)

    def describe_definition(call: Call) -> dict[str, Any]:
        found = _execution_of(platform, call)
        return {"PipelineDefinition": executions.definition(found.id), "CreationTime": found.created_at}

    return {
        "DescribePipelineExecution": describe,
        "ListPipelineExecutions": list_,
        "ListPipelineExecutionSteps": list_steps,
        "ListPipelineParametersForExecution": list_parameters,
        "DescribePipelineDefinitionForExecution": describe_definition,
    }


def _succeed_callback(platform: Platform, call: Call) -> dict[str, Any]:
    outputs = _named_values(call.parameters.get("OutputParameters") or (), "OutputParameters")
    token, request = call.parameters["CallbackToken"], call.parameters.get("ClientRequestToken") or ""
    return {_ARN: platform.succeed_callback(token, outputs, request)}


def _fail_callback(platform: Platform, call: Call) -> dict[str, Any]:
    token, request = call.parameters["CallbackToken"], call.parameters.get("ClientRequestToken") or ""
    return {_ARN: platform.fail_callback(token, call.parameters.get("FailureReason") or "", request)}


def _start_request(platform: Platform, call: Call) -> StartRequest:
    given = call.parameters
    if given.get("MlflowExperimentName") is not None:
        raise ApiError(
            "UnsupportedOperation",
            "Stepmill does not record executions in MLflow.",
            where="MlflowExperimentName",
            mend="Leave it out.",
        )
    name = name_of(given, _NAME, _PIPELINE, platform.settings.arns)
    pipeline = platform.pipelines.describe(name)
    if pipeline.is_deleting:
        raise ApiError(_CONFLICT, f"The pipeline {pipeline.name!r} is being deleted.")
    version = version_of(platform, name, given)
    selection = given.get("SelectiveExecutionConfig") or {}
    source = selection.get("SourcePipelineExecutionArn") or ""
    # A token of an earlier pipeline of this name says nothing about this one.
    token = f"{pipeline.created_at.isoformat()}/{given['ClientRequestToken']}"
    return StartRequest(
        pipeline=pipeline.name,
        definition=version.definition,
        version=version.version,
        parameters=_named_values(given.get("PipelineParameters") or (), "PipelineParameters"),
        parallelism=_parallelism(given) or pipeline.about.parallelism,
        selected_steps=tuple(step["StepName"] for step in selection.get("SelectedSteps") or ()),
        source_execution=_execution_id(platform, source, "SourcePipelineExecutionArn") if source else "",
        display_name=given.get("PipelineExecutionDisplayName") or "",
        description=given.get("PipelineExecutionDescription") or "",
        client_token=token,
        role=given.get("RoleArn") or pipeline.about.role or "",
        by=call.caller.name,
    )


def _named_values(pairs: Sequence[Mapping[str, str]], where: str) -> dict[str, str]:
    """Return name -> value of a list of ``{"Name", "Value"}``.

    Raises:
        InvalidInputError: If a name is there twice.
    """
    values: dict[str, str] = {}
    for place, pair in enumerate(pairs):
        if pair["Name"] in values:
            raise InvalidInputError(
                f"{pair['Name']!r} is given twice.", where=f"{where}[{place}]", mend="Give it once."
            )
        values[pair["Name"]] = pair["Value"]
    return values


def _parallelism(given: Mapping[str, Any]) -> int | None:
    configuration = given.get("ParallelismConfiguration") or {}
    most = configuration.get("MaxParallelExecutionSteps")
    return None if most is None else int(most)


def _execution_of(platform: Platform, call: Call) -> ExecutionSummary:
    """Return the execution that a call is about.

    Raises:
        NotFoundError: If there is none of that ARN.
    """
    if call.parameters.get(_ARN) is None:
        raise InvalidInputError("The ARN of an execution is missing.", where=_ARN, mend="Give one.")
    arn = str(call.parameters[_ARN])
    identifier = _execution_id(platform, arn, _ARN)
    try:
        found = platform.executions.describe(identifier)
    except NotFoundError:
        found = None
    if found is None or found.arn != arn:
        raise NotFoundError(
            f"Pipeline execution {arn} does not exist.",
            where=_ARN,
            mend="ListPipelineExecutions shows those of a pipeline.",
        )
    return found


def _execution_id(platform: Platform, text: str, member: str) -> str:
    arn = arn_of(text, member, _PIPELINE, platform.settings.arns)
    return arn.name.partition(_EXECUTION)[2]


def describe_execution(platform: Platform, execution: ExecutionSummary) -> dict[str, Any]:
    """Return what DescribePipelineExecution answers."""
    arns = platform.settings.arns
    pipeline_arn = arns.pipeline(execution.pipeline)
    answer: dict[str, Any] = {
        "PipelineArn": pipeline_arn,
        "PipelineExecutionArn": execution.arn,
        "PipelineExecutionDisplayName": _display_name(execution),
        "PipelineExecutionStatus": execution.status,
        "CreationTime": execution.created_at,
        "LastModifiedTime": execution.modified_at,
        "CreatedBy": user_context(execution.started_by, arns),
        "LastModifiedBy": user_context(execution.modified_by, arns),
        "PipelineVersionAliases": _aliases(platform, execution),
    }
    answer |= {
        name: value
        for name, value in (
            ("PipelineExecutionDescription", execution.description),
            ("FailureReason", execution.failure_reason[:_LONGEST_REASON]),
            ("PipelineVersionId", execution.version),
            ("RoleArn", execution.role),
        )
        if value
    }
    if names := platform.executions.experiment(execution, pipeline_arn):
        answer["PipelineExperimentConfig"] = {"ExperimentName": names.experiment, "TrialName": names.trial}
    if execution.parallelism:
        answer["ParallelismConfiguration"] = {"MaxParallelExecutionSteps": execution.parallelism}
    if execution.selected_steps:
        selection: dict[str, Any] = {
            "SelectedSteps": [{"StepName": name} for name in execution.selected_steps]
        }
        if execution.source_execution:
            selection["SourcePipelineExecutionArn"] = arns.execution(
                execution.pipeline, execution.source_execution
            )
        answer["SelectiveExecutionConfig"] = selection
    return answer


def _summary(execution: ExecutionSummary, aliases: Mapping[str, int]) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "PipelineExecutionArn": execution.arn,
        "StartTime": execution.created_at,
        "PipelineExecutionStatus": execution.status,
        "PipelineExecutionDisplayName": _display_name(execution),
        "PipelineVersionAliases": list(aliases_of(aliases, execution.version)),
    }
    if execution.description:
        summary["PipelineExecutionDescription"] = execution.description
    if execution.failure_reason:
        summary["PipelineExecutionFailureReason"] = execution.failure_reason
    return summary


def _display_name(execution: ExecutionSummary) -> str:
    """Return the name that was given, else the one that SageMaker makes."""
    return execution.display_name or f"execution-{int(execution.created_at.timestamp() * 1000)}"


def _aliases(platform: Platform, execution: ExecutionSummary) -> list[str]:
    try:
        pipeline = platform.pipelines.describe(execution.pipeline)
    except NotFoundError:
        return []
    return list(aliases_of(pipeline.aliases, execution.version))


def _paged(member: str, page: Sequence[Any], token: str | None) -> dict[str, Any]:
    return {member: list(page), **({"NextToken": token} if token else {})}
