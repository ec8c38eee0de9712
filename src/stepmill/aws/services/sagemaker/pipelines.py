"""Operations on pipelines, their versions and aliases.

Source: SageMaker API reference; developer guide, "Pipeline version aliases". SDKs look for "already exists"
in what CreatePipeline refuses, and go on with UpdatePipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sagemaker.definitions import definition_of, version_of
from stepmill.aws.services.sagemaker.listing import read_listing
from stepmill.aws.services.sagemaker.names import name_of
from stepmill.aws.services.sagemaker.refusals import VALIDATION, told_as
from stepmill.aws.services.sagemaker.whose import user_context
from stepmill.catalog.pipeline_records import Pipeline, PipelineAbout, PipelineVersion
from stepmill.catalog.tags import read_tags
from stepmill.core.errors import ConflictError
from stepmill.platform import Platform
from stepmill.storage.records import SortBy

_KIND = "pipeline"
_NAME = "PipelineName"
_CONFLICT = "ConflictException"


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    pipelines, arns = platform.pipelines, platform.settings.arns

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        definition = definition_of(platform, call)
        if definition is None:
            raise ApiError(
                VALIDATION,
                "A pipeline needs a definition.",
                mend="Give PipelineDefinition or PipelineDefinitionS3Location.",
            )
        tags = read_tags(given.get("Tags") or [])
        with told_as(VALIDATION, ConflictError):
            made = pipelines.create(
                given[_NAME],
                definition,
                _about(given),
                aliases=given.get("PipelineVersionAliases") or (),
                by=call.caller.name,
                token=given["ClientRequestToken"],
            )
        if tags:
            platform.tags.add(made.arn, tags)
        return {"PipelineArn": made.arn}

    def update(call: Call) -> dict[str, Any]:
        definition = definition_of(platform, call)
        with told_as(_CONFLICT, ConflictError):
            changed = pipelines.update(
                call.parameters[_NAME],
                definition,
                _about(call.parameters),
                aliases=call.parameters.get("PipelineVersionAliases") or (),
                by=call.caller.name,
            )
        return {"PipelineArn": changed.arn, "PipelineVersionId": changed.version}

    def delete(call: Call) -> dict[str, Any]:
        with told_as(_CONFLICT, ConflictError):
            arn = platform.delete_pipeline(call.parameters[_NAME], call.parameters["ClientRequestToken"])
        return {"PipelineArn": arn}

    def describe(call: Call) -> dict[str, Any]:
        name = name_of(call.parameters, _NAME, _KIND, arns)
        version = version_of(platform, name, call.parameters)
        return describe_pipeline(platform, pipelines.describe(name), version)

    def list_(call: Call) -> dict[str, Any]:
        listing = read_listing(call, sort={"CreationTime": SortBy.CREATED, "Name": SortBy.NAME})
        if call.parameters.get("ManagedBy") == "AWS":
            return listing.answer("PipelineSummaries", (), None)
        prefix = call.parameters.get("PipelineNamePrefix") or ""
        page = pipelines.page(replace(listing.selection, name_prefix=prefix))
        last_starts = platform.executions.last_starts(pipeline.name for pipeline in page.pipelines)
        summaries = (_summary(pipeline, last_starts) for pipeline in page.pipelines)
        return listing.answer("PipelineSummaries", summaries, page.next_token)

    def list_versions(call: Call) -> dict[str, Any]:
        name = name_of(call.parameters, _NAME, _KIND, arns)
        listing = read_listing(call, sort={"Number": SortBy.NUMBER})
        page = pipelines.versions(name, listing.selection)
        newest = platform.executions.newest_of_versions(pipelines.describe(name).name)
        summaries = (_version_summary(platform, version, newest) for version in page.versions)
        return listing.answer("PipelineVersionSummaries", summaries, page.next_token)

    def update_version(call: Call) -> dict[str, Any]:
        given = call.parameters
        name = name_of(given, "PipelineArn", _KIND, arns)
        operations = given.get("PipelineVersionAliasOperations") or {}
        with told_as(_CONFLICT, ConflictError):
            changed = pipelines.update_version(
                name,
                given["PipelineVersionId"],
                display_name=given.get("PipelineVersionDisplayName"),
                description=given.get("PipelineVersionDescription"),
                add=operations.get("Add") or (),
                remove=operations.get("Remove") or (),
                by=call.caller.name,
            )
        return {"PipelineArn": changed.arn, "PipelineVersionId": changed.version}

    return {
        "CreatePipeline": create,
        "UpdatePipeline": update,
        "DeletePipeline": delete,
        "DescribePipeline": describe,
        "ListPipelines": list_,
        "ListPipelineVersions": list_versions,
        "UpdatePipelineVersion": update_version,
    }


def _about(given: Mapping[str, Any]) -> PipelineAbout:
    parallelism = given.get("ParallelismConfiguration") or {}
    return PipelineAbout(
        display_name=given.get("PipelineDisplayName"),
        description=given.get("PipelineDescription"),
        role=given.get("RoleArn"),
        parallelism=parallelism.get("MaxParallelExecutionSteps"),
    )


def describe_pipeline(platform: Platform, pipeline: Pipeline, version: PipelineVersion) -> dict[str, Any]:
    """Return what DescribePipeline answers of a version of a pipeline."""
    about, arns = pipeline.about, platform.settings.arns
    answer: dict[str, Any] = {
        "PipelineArn": pipeline.arn,
        "PipelineName": pipeline.name,
        "PipelineDisplayName": about.display_name or pipeline.name,
        "PipelineDefinition": version.definition,
        "PipelineStatus": "Deleting" if pipeline.is_deleting else "Active",
        "CreationTime": pipeline.created_at,
        "LastModifiedTime": pipeline.modified_at,
        "CreatedBy": user_context(pipeline.created_by, arns),
        "LastModifiedBy": user_context(pipeline.modified_by, arns),
    }
    answer |= _given(
        PipelineDescription=about.description,
        RoleArn=about.role,
        LastRunTime=platform.executions.last_starts([pipeline.name]).get(pipeline.name),
        PipelineVersionDisplayName=version.display_name,
        PipelineVersionDescription=version.description,
        PipelineVersionAliases=list(version.aliases),
    )
    if about.parallelism:
        answer["ParallelismConfiguration"] = {"MaxParallelExecutionSteps": about.parallelism}
    return answer


def _summary(pipeline: Pipeline, last_starts: Mapping[str, datetime]) -> dict[str, Any]:
    about = pipeline.about
    return {
        "PipelineArn": pipeline.arn,
        "PipelineName": pipeline.name,
        "PipelineDisplayName": about.display_name or pipeline.name,
        "CreationTime": pipeline.created_at,
        "LastModifiedTime": pipeline.modified_at,
        **_given(
            PipelineDescription=about.description,
            RoleArn=about.role,
            LastExecutionTime=last_starts.get(pipeline.name),
        ),
    }


def _version_summary(
    platform: Platform, version: PipelineVersion, newest: Mapping[int, str]
) -> dict[str, Any]:
    arns = platform.settings.arns
    execution = newest.get(version.version)
    return {
        "PipelineArn": version.arn,
        "PipelineVersionId": version.version,
        "CreationTime": version.created_at,
        **_given(
            PipelineVersionDisplayName=version.display_name,
            PipelineVersionDescription=version.description,
            PipelineVersionAliases=list(version.aliases),
            LastExecutionPipelineExecutionArn=execution and arns.execution(version.name, execution),
        ),
    }


def _given(**members: Any) -> dict[str, Any]:
    """Return the members that have something in them."""
    return {name: value for name, value in members.items() if value}
