"""Model packages and experiments through the resources of SDK 3, whose classes are strict."""

from __future__ import annotations

import json
import sys

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.model_life_cycle import ModelLifeCycle
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.resources import (
    Experiment,
    Model,
    ModelPackage,
    ModelPackageGroup,
    Tag,
    Trial,
    TrialComponent,
)
from sagemaker.core.shapes import ContainerDefinition, TrialComponentParameterValue
from sagemaker.serve.model_builder import ModelBuilder

GROUP, DATA, ROLE = sys.argv[1:4]
IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"

client = boto3.client("sagemaker")

group = ModelPackageGroup.create(
    model_package_group_name=GROUP,
    model_package_group_description="who leaves",
    tags=[{"key": "a", "value": "1"}],
)
container = {"Image": IMAGE, "ModelDataUrl": DATA}
arns = [
    client.create_model_package(
        ModelPackageGroupName=GROUP,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    for _ in range(3)
]
package = ModelPackage.get(arns[0])
package.update(model_approval_status="Approved", approval_description="good")
package.refresh()
packages = [one.model_package_arn for one in ModelPackage.get_all(model_package_group_name=GROUP)]
groups = [one.model_package_group_name for one in ModelPackageGroup.get_all(name_contains=GROUP)]


policy = json.dumps({"Version": "2012-10-17", "Statement": []})
group.put_policy(resource_policy=policy)
kept_policy = group.get_policy()
group.delete_policy()

builder = ModelBuilder(
    image_uri=IMAGE,
    s3_model_data_url=DATA,
    role_arn=ROLE,
    sagemaker_session=Session(default_bucket=DATA.split("/")[2]),
)
arns.append(
    builder.register(
        model_package_group_name=GROUP,
        content_types=["text/csv"],
        response_types=["text/csv"],
        model_metrics=ModelMetrics(model_statistics=MetricsSource("application/json", f"{DATA}.json")),
        model_life_cycle=ModelLifeCycle(stage="Development", stage_status="New"),
        customer_metadata_properties={"owner": "Ada", "old": "yes"},
    )
)
built = ModelPackage.get(arns[-1])
built.update(
    model_life_cycle={"stage": "Production", "stage_status": "Approved"},
    customer_metadata_properties={"owner": "Bob"},
    customer_metadata_properties_to_remove=["old"],
    model_card={
        "model_card_content": json.dumps({"intended_uses": {"risk_rating": "Low"}}),
        "model_card_status": "Draft",
    },
)
built.refresh()
several = built.batch_get(model_package_arn_list=[arns[0], arns[-1], f"{arns[-1]}9"])

model = Model.create(
    model_name=f"{GROUP}-model",
    primary_container=ContainerDefinition(model_package_name=arns[0]),
    execution_role_arn=ROLE,
)
models = [one.model_name for one in Model.get_all(name_contains=GROUP)]
model.delete()

experiment = Experiment.create(experiment_name=f"{GROUP}-experiment", description="tries")
experiment.update(display_name="Tries")
experiment.refresh()
trial = Trial.create(trial_name=f"{GROUP}-trial", experiment_name=experiment.experiment_name)
component = TrialComponent.create(
    trial_component_name=f"{GROUP}-component",
    parameters={"lr": TrialComponentParameterValue(number_value=0.1)},
)
component.associate_trail(trial_name=trial.trial_name)
component.update(parameters={"kind": TrialComponentParameterValue(string_value="tree")})
component.refresh()
trials = [one.trial_name for one in Trial.get_all(experiment_name=experiment.experiment_name)]
components = [one.trial_component_name for one in TrialComponent.get_all(trial_name=trial.trial_name)]
experiments = [one.experiment_name for one in Experiment.get_all()]
tags = [(tag.key, tag.value) for tag in Tag.get_all(resource_arn=group.model_package_group_arn)]

said = {
    "group": group.model_package_group_status,
    "tags": tags,
    "approved": package.model_approval_status,
    "packages": packages == arns[:3],
    "groups": groups,
    "policy": kept_policy == policy,
    "built": [
        built.model_life_cycle.stage,
        built.model_metrics.model_quality.statistics.s3_uri == f"{DATA}.json",
        built.customer_metadata_properties,
        built.model_card.model_card_status,
    ],
    "several": [
        sorted(one.model_package_version for one in several.model_package_summaries.values()),
        [one.error_code for one in several.batch_describe_model_package_error_map.values()],
    ],
    "models": models,
    "experiment": [experiment.display_name, experiment.description],
    "trials": trials,
    "components": components,
    "parameters": {
        name: value.number_value if name == "lr" else value.string_value
        for name, value in component.parameters.items()
    },
    "listed": experiment.experiment_name in experiments,
}

component.disassociate_trail(trial_name=trial.trial_name)
component.delete()
trial.delete()
experiment.delete()
for arn in arns:
    ModelPackage.get(arn).delete()
group.delete()
said["left"] = [one.model_package_group_name for one in ModelPackageGroup.get_all(name_contains=GROUP)]
print(json.dumps(said))
