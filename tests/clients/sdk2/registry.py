"""Register, approve, list and deploy-to-a-model, and track runs, as scripts under SDK 2 do."""

from __future__ import annotations

import json
import sys

import boto3
import sagemaker
from sagemaker.drift_check_baselines import DriftCheckBaselines
from sagemaker.experiments import Run, load_run
from sagemaker.experiments.experiment import Experiment
from sagemaker.experiments.trial_component import _TrialComponent
from sagemaker.model import Model, ModelPackage
from sagemaker.model_card import (
    EvaluationJob,
    IntendedUses,
    ModelCard,
    ModelOverview,
    ModelPackageModelCard,
)
from sagemaker.model_life_cycle import ModelLifeCycle
from sagemaker.model_metrics import FileSource, MetricsSource, ModelMetrics

GROUP, DATA, ROLE = sys.argv[1:4]
IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"

session = sagemaker.Session(default_bucket=DATA.split("/")[2])
client = boto3.client("sagemaker")


def register(**more):
    model = Model(image_uri=IMAGE, model_data=DATA, role=ROLE, sagemaker_session=session)
    return model.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        model_package_group_name=GROUP,
        **more,
    )


first = register(approval_status="Rejected")
second = register(
    customer_metadata_properties={"owner": "me"},
    model_life_cycle=ModelLifeCycle(stage="Development", stage_status="Waiting"),
)
second.update_approval_status("Approved", "good enough")
second.update_customer_metadata({"checked": "yes"})
second.remove_customer_metadata_properties(["owner"])

# With metrics and a card; then changed in all ways that the class of packages has.
bucket = DATA.rpartition("/")[0]
boto3.client("s3").put_object(
    Bucket=DATA.split("/")[2],
    Key=f"{GROUP}/evaluation.json",
    Body=json.dumps({"regression_metrics": {"mse": {"value": 4.9, "standard_deviation": 2.2}}}),
)
statistics = MetricsSource(content_type="application/json", s3_uri=f"{bucket}/{GROUP}/evaluation.json")
card = ModelCard(
    name="unused",
    status="Draft",
    model_overview=ModelOverview(model_creator="Ada", model_artifact=[DATA]),
    intended_uses=IntendedUses(purpose_of_model="who “leaves”", risk_rating="Low"),
    evaluation_details=[EvaluationJob(name="first")],
    sagemaker_session=session,
)
third = register(
    model_metrics=ModelMetrics(model_statistics=statistics),
    drift_check_baselines=DriftCheckBaselines(
        model_statistics=statistics, bias_config_file=FileSource(s3_uri=f"{bucket}/config.json")
    ),
    model_card=card,
    description="with metrics",
    domain="MACHINE_LEARNING",
    task="REGRESSION",
    skip_model_validation="None",
)
third.update_model_card(ModelPackageModelCard({"model_overview": {"model_creator": "Bob"}}, "Draft"))
third.update_model_card(ModelPackageModelCard({}, "PendingReview"))
third.update_model_life_cycle({"Stage": "Production", "StageStatus": "Approved", "StageDescription": "go"})
third.update_inference_specification(image_uris=[IMAGE], content_types=["application/json"])
third.add_inference_specification(name="small", image_uris=[IMAGE], content_types=["text/csv"])
third.update_source_uri("https://example.com/churn")
changed = client.describe_model_package(ModelPackageName=third.model_package_arn)
clone = register(source_uri=third.model_package_arn)
cloned = client.describe_model_package(ModelPackageName=clone.model_package_arn)
both = client.batch_describe_model_package(
    ModelPackageArnList=[third.model_package_arn, clone.model_package_arn]
)["ModelPackageSummaries"]
client.delete_model_package(ModelPackageName=clone.model_package_arn)
listed = client.list_model_packages(ModelPackageGroupName=GROUP, SortBy="CreationTime")
versions = [one["ModelPackageVersion"] for one in listed["ModelPackageSummaryList"]]

newest = session.get_most_recently_created_approved_model_package(GROUP)
described = client.describe_model_package(ModelPackageName=newest.model_package_arn)

# What is not approved is approved on the way, as on AWS.
package = ModelPackage(role=ROLE, model_package_arn=first.model_package_arn, sagemaker_session=session)
package.create(instance_type="ml.m5.large")
approved = client.describe_model_package(ModelPackageName=first.model_package_arn)["ModelApprovalStatus"]

with Run(experiment_name="Churn", run_name="Run-1", sagemaker_session=session) as run:
    run.log_parameter("lr", 0.1)
    run.log_parameters({"kind": "tree", "depth": 3})
    config = run.experiment_config
with load_run(experiment_name="Churn", run_name="Run-1", sagemaker_session=session) as run:
    run.log_parameter("depth", 4)
with Run(experiment_name="Churn", sagemaker_session=session) as run:
    second_name = run.run_name
runs = [one.run_name for one in sagemaker.experiments.list_runs("churn", sagemaker_session=session)]
component = _TrialComponent.load(config["RunName"], sagemaker_session=session)
experiment = Experiment.load("churn", sagemaker_session=session)

print(
    json.dumps(
        {
            "first": first.model_package_arn,
            "third": {
                "metrics": changed["ModelMetrics"],
                "baselines": sorted(changed["DriftCheckBaselines"]),
                "card": [
                    changed["ModelCard"]["ModelCardStatus"],
                    json.loads(changed["ModelCard"]["ModelCardContent"]),
                ],
                "stage": changed["ModelLifeCycle"],
                "images": [one["Image"] for one in changed["InferenceSpecification"]["Containers"]],
                "others": [one["Name"] for one in changed["AdditionalInferenceSpecifications"]],
                "about": [
                    changed[name] for name in ("ModelPackageDescription", "Domain", "Task", "SourceUri")
                ],
            },
            "cloned": cloned["InferenceSpecification"] == changed["InferenceSpecification"],
            "both": sorted(one["ModelPackageVersion"] for one in both.values()),
            "versions": versions,
            "newest": newest.model_package_arn,
            "metadata": described["CustomerMetadataProperties"],
            "stage": described["ModelLifeCycle"]["Stage"],
            "reason": described["ApprovalDescription"],
            "approved": approved,
            "model": package.name,
            "config": config,
            "parameters": component.parameters,
            "status": component.status.primary_status,
            "runs": sorted(runs) == sorted(["run-1", second_name]),
            "experiment": experiment.experiment_name,
        }
    )
)
