"""A pipeline of functions: only its definition is written, to the file that is named. SDK 2.x."""

import sys
from pathlib import Path

import sagemaker
from sagemaker.workflow.function_step import step
from sagemaker.workflow.pipeline import Pipeline

IMAGE = (
    "123456789012.dkr.ecr.us-west-2.amazonaws.com/"
    f"sagemaker-base-python-{sys.version_info[0]}{sys.version_info[1]}:1.0"
)
ROLE = "arn:aws:iam::123456789012:role/Functions"


@step(name="Double", instance_type="ml.m5.large", image_uri=IMAGE, role=ROLE)
def double(value: int) -> int:
    return value * 2


@step(name="Check", instance_type="ml.m5.large", image_uri=IMAGE, role=ROLE)
def check(value: int) -> None:
    import boto3

    who = boto3.client("sts").get_caller_identity()["Arn"]
    assert value == 8, value
    assert ":assumed-role/Functions/" in who, who
    print("checked by", who)


pipeline = Pipeline(name="Plain", steps=[check(double(4))], sagemaker_session=sagemaker.Session())
Path(sys.argv[1]).write_text(pipeline.definition())
