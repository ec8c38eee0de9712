"""Model packages and experiments through the resources of SDK 3, whose classes are strict."""

from __future__ import annotations

import json
import sys

import boto3
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
    "packages": packages == arns,
    "groups": groups,
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
