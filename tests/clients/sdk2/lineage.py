"""Look where a model came from, and note down more, as scripts under SDK 2 do with its lineage classes."""

from __future__ import annotations

import json
import sys

import boto3
import sagemaker
from sagemaker.lineage.action import Action, ModelPackageApprovalAction
from sagemaker.lineage.artifact import Artifact, DatasetArtifact, ImageArtifact, ModelArtifact
from sagemaker.lineage.association import Association
from sagemaker.lineage.context import Context, EndpointContext, ModelPackageGroup
from sagemaker.lineage.lineage_trial_component import LineageTrialComponent
from sagemaker.lineage.query import (
    LineageEntityEnum,
    LineageFilter,
    LineageQuery,
    LineageQueryDirectionEnum,
    LineageSourceEnum,
)
from sagemaker.lineage.visualizer import LineageTableVisualizer

PACKAGE, JOB, RAW, BUCKET = sys.argv[1:5]
session = sagemaker.Session(default_bucket=BUCKET)
client = boto3.client("sagemaker")
own = {"sagemaker_session": session}

# What the system has recorded: from the model package back to the data, and forth again.
[package] = client.list_artifacts(SourceUri=PACKAGE)["ArtifactSummaries"]
version = ModelArtifact.load(package["ArtifactArn"], **own)
[training] = version.training_job_arns()
datasets = version.dataset_artifacts()
raw = next(one for one in datasets if one.source.source_uri == RAW)
assert isinstance(raw, DatasetArtifact)
[association] = client.list_associations(DestinationArn=version.artifact_arn, SourceType="Model")[
    "AssociationSummaries"
]
[of_job] = client.list_associations(
    DestinationArn=association["SourceArn"], SourceType="SageMakerTrainingJob"
)["AssociationSummaries"]
component = LineageTrialComponent.load(of_job["SourceName"], **own)
model = ModelArtifact.load(association["SourceArn"], **own)
[group] = client.list_contexts(ContextType="ModelGroup")["ContextSummaries"]
[approval] = [
    ModelPackageApprovalAction.load(one["ActionName"], **own)
    for one in client.list_actions(ActionType="Approval")["ActionSummaries"]
]
[image] = client.list_artifacts(ArtifactType="Image")["ArtifactSummaries"]
viz = LineageTableVisualizer(session)
table = viz.show(training_job_name=JOB)
registered = viz.show(model_package_arn=PACKAGE)
recorded = {
    "training": training,
    "datasets": sorted(one.source.source_uri for one in datasets),
    "upstream": sorted(one.source.source_uri for one in raw.downstream_datasets()),
    "back": [one.source.source_uri for one in DatasetArtifact.load(
        next(one.artifact_arn for one in datasets if one is not raw), **own).upstream_datasets()],
    "trained": [one.destination_type for one in DatasetArtifact.load(
        next(one.artifact_arn for one in datasets if one is not raw), **own).trained_models()],
    "of component": sorted(one.source.source_uri for one in component.dataset_artifacts()),
    "models": [one.source.source_uri for one in component.models()],
    "execution": component.pipeline_execution_arn(),
    "group": ModelPackageGroup.load(group["ContextName"], **own).pipeline_execution_arn(),
    "approved data": sorted(one.source.source_uri for one in approval.datasets()),
    "of image": len(ImageArtifact.load(image["ArtifactArn"], **own).datasets(
        LineageQueryDirectionEnum.DESCENDANTS)),
    "table": sorted(map(list, table[["Direction", "Type", "Association Type", "Lineage Type"]].values)),
    "registered": sorted(
        map(list, registered[["Direction", "Type", "Association Type", "Lineage Type"]].values)
    ),
    "model": model.source.source_uri,
}  # fmt: skip

# What scripts note down themselves: an endpoint that serves a model.
mine = Artifact.create(
    artifact_name="mine", source_uri="s3://mine/model", artifact_type="Model", properties={"k1": "v1"}, **own
)
mine.properties = {"k3": "v3"}
mine.properties_to_remove = ["k1"]
mine.save()
deployed = Action.create(
    action_name="deploy", source_uri="x", action_type="ModelDeployment", status="InProgress", **own
)
endpoint = Context.create(
    context_name="endpoint", source_uri="e", source_type="t", context_type="Endpoint", **own
)
made = [
    Association.create(source_arn=one, destination_arn=two, association_type=kind, **own)
    for one, two, kind in (
        (version.artifact_arn, deployed.action_arn, "ContributedTo"),
        (deployed.action_arn, endpoint.context_arn, "AssociatedWith"),
        (endpoint.context_arn, mine.artifact_arn, None),
    )
]
served = EndpointContext.load("endpoint", **own)
deployed.set_tag({"Key": "team", "Value": "churn"})
query = LineageQuery(session)
found = query.query(
    [endpoint.context_arn],
    query_filter=LineageFilter(
        entities=[LineageEntityEnum.TRIAL_COMPONENT, "Artifact"],
        sources=[LineageSourceEnum.TRAINING_JOB, "Code"],
    ),
    direction=LineageQueryDirectionEnum.ASCENDANTS,
)
noted = {
    "properties": Artifact.load(mine.artifact_arn, **own).properties,
    "endpoints": [one.context_name for one in version.endpoint_contexts()],
    "of data": [one.context_name for one in raw.endpoint_contexts()],
    "trainings": served.training_job_arns(),
    "processing": len(served.processing_jobs()),
    "served from": sorted(one.source.source_uri for one in served.dataset_artifacts()),
    "execution": served.pipeline_execution_arn(),
    "actions": [one.action_name for one in served.actions(LineageQueryDirectionEnum.ASCENDANTS)],
    "found": sorted(vertex.lineage_source for vertex in found.vertices),
    "tags": client.list_tags(ResourceArn=deployed.action_arn)["Tags"],
    "objects": sorted(type(one.to_lineage_object()).__name__ for one in query.query(
        [version.artifact_arn], direction=LineageQueryDirectionEnum.DESCENDANTS).vertices),
}  # fmt: skip

# Refused as long as others hang on it; then taken apart.
try:
    deployed.delete()
except client.exceptions.ClientError as error:
    noted["refused"] = error.response["Error"]["Code"]
made[2].delete()
mine.delete()
deployed.delete(disassociate=True)
endpoint.delete()
noted["left"] = [
    one["ContextName"] for one in client.list_contexts(ContextType="Endpoint")["ContextSummaries"]
]
print(json.dumps({"recorded": recorded, "noted": noted}))
