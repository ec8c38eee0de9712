"""Who listens hears of model packages that are made, decided about, and moved on."""

from __future__ import annotations

import json
from typing import Any

from support.registry import own_name, put_model_data
from support.wire import Wire

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"


def test_a_queue_hears_of_a_version_from_its_making_to_its_last_stage(wire: Wire) -> None:
    sagemaker, events, sqs = wire.client("sagemaker"), wire.client("events"), wire.client("sqs")
    name = own_name("heard")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [name]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": wire.platform.settings.arns.queue(name)}])

    def heard() -> dict[str, Any]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
        (message,) = answer["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return dict(json.loads(message["Body"]))

    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    specification = {"Containers": [{"Image": IMAGE, "ModelDataUrl": put_model_data(wire)}]}
    arn = sagemaker.create_model_package(ModelPackageGroupName=name, InferenceSpecification=specification)[
        "ModelPackageArn"
    ]
    made = heard()
    assert (made["source"], made["resources"]) == ("aws.sagemaker", [arn])
    assert made["detail"]["ModelPackageVersion"] == 1
    assert made["detail"]["ModelPackageStatus"] == "Completed"
    assert made["detail"]["InferenceSpecification"] == specification
    assert "UpdatedModelPackageFields" not in made["detail"]

    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    approved = heard()["detail"]
    assert approved["ModelApprovalStatus"] == "Approved"
    assert approved["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]

    stage = {"Stage": "Production", "StageStatus": "Approved"}
    sagemaker.update_model_package(ModelPackageArn=arn, ModelLifeCycle=stage)
    moved = heard()["detail"]
    assert (moved["ModelLifeCycle"], moved["UpdatedModelPackageFields"]) == (stage, ["ModelLifeCycle"])

    sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"owner": "ada"})
    assert heard()["detail"]["UpdatedModelPackageFields"] == ["CustomerMetadataProperties"]
    events.remove_targets(Rule=name, Ids=["q"])
    events.delete_rule(Name=name)
