"""@remote and @step. SDK 3."""

import sys

from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.remote_function import remote
from sagemaker.core.workflow.parameters import ParameterInteger
from sagemaker.mlops.workflow.function_step import step
from sagemaker.mlops.workflow.pipeline import Pipeline

session = Session()
role = get_execution_role(session)

# The SDK has a default for Python 3.8 and 3.10 only.
IMAGE = (
    "123456789012.dkr.ecr.us-west-2.amazonaws.com/"
    f"sagemaker-base-python-{sys.version_info[0]}{sys.version_info[1]}:1.0"
)


@remote(instance_type="ml.m5.large", image_uri=IMAGE)
def divide(x: float, y: float) -> float:
    print("dividing", x, y)
    return x / y


assert divide(10, 4) == 2.5
try:
    divide(1, 0)
except ZeroDivisionError as error:
    print("remote error came back:", error)
else:
    raise AssertionError("dividing by zero remotely raised nothing")

start = ParameterInteger("Start", default_value=4)


@step(name="Double", instance_type="ml.m5.large", image_uri=IMAGE)
def double(value: int) -> int:
    return value * 2


@step(name="Add", instance_type="ml.m5.large", image_uri=IMAGE)
def add(left: int, right: int) -> int:
    return left + right


pipeline = Pipeline(
    name="Steps3", parameters=[start], steps=[add(double(start), 3)], sagemaker_session=session
)
pipeline.upsert(role_arn=role)
execution = pipeline.start(parameters={"Start": 5})
execution.wait()
assert execution.result("Add") == 13, execution.result("Add")
print("FUNCTIONS OK")
