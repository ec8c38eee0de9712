"""Look where a model came from, and note down more, as scripts under SDK 3 do with its lineage classes."""

from __future__ import annotations

import json
import sys

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.lineage import (
    Action,
    Artifact,
    Association,
    Context,
    LineageEntityEnum,
    LineageFilter,
    LineageQuery,
    LineageQueryDirectionEnum,
    LineageSourceEnum,
    LineageTableVisualizer,
)
from sagemaker.core.lineage.artifact import ModelArtifact

PACKAGE, JOB, RAW, BUCKET = sys.argv[1:5]
session = Session(default_bucket=BUCKET)
client = boto3.client("sagemaker")
own = {"sagemaker_session": session}

[package] = client.list_artifacts(SourceUri=PACKAGE)["ArtifactSummaries"]
version = ModelArtifact.load(package["ArtifactArn"], **own)
table = LineageTableVisualizer(session).show(training_job_name=JOB)
query = LineageQuery(session)
up = query.query(
    [version.artifact_arn],
    query_filter=LineageFilter(entities=[LineageEntityEnum.ARTIFACT], sources=[LineageSourceEnum.DATASET]),
    direction=LineageQueryDirectionEnum.ASCENDANTS,
)
told = {
    "trainings": version.training_job_arns(),
    "datasets": sorted(vertex.to_lineage_object().source.source_uri for vertex in up.vertices),
    "types": sorted(table["Type"]),
    "execution": version.pipeline_execution_arn(),
}

mine = Artifact.create(artifact_name="m", source_uri="s3://mine/3", artifact_type="DataSet", **own)
deed = Action.create(action_name="deed", source_uri="x", action_type="Deed", properties={"a": "b"}, **own)
place = Context.create(context_name="place", source_uri="x", context_type="Place", **own)
Association.create(source_arn=mine.artifact_arn, destination_arn=deed.action_arn, **own)
Association.create(
    source_arn=deed.action_arn, destination_arn=place.context_arn, association_type="Produced", **own
)
told["listed"] = [
    [one.source_type, one.destination_type, one.association_type]
    for one in Association.list(source_arn=deed.action_arn, **own)
]
told["down"] = [one.action_name for one in place.actions(LineageQueryDirectionEnum.ASCENDANTS)]
for one in (mine, deed, place):
    one.delete(disassociate=True)
told["left"] = len(list(Artifact.list(source_uri="s3://mine/3", **own)))
print(json.dumps(told))
