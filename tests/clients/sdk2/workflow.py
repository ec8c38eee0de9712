"""A workflow of the Data Science SDK for Step Functions: made, attached, run, looked at. SDK 2.x."""

import os
import sys
import tempfile
import time

import boto3
import sagemaker
import stepfunctions
from sagemaker.s3 import S3Uploader
from sagemaker.sklearn.estimator import SKLearn
from stepfunctions import steps
from stepfunctions.inputs import ExecutionInput
from stepfunctions.workflow import Workflow
from stepfunctions.workflow.stepfunctions import ExecutionStatus

here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, here)
import shells  # noqa: E402

session = sagemaker.Session()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()
folder = tempfile.mkdtemp()
shells.write(os.path.join(folder, "train.csv"))
S3Uploader.upload(folder, f"s3://{bucket}/workflow/data")

given = ExecutionInput(schema={"job": str, "model": str, "trains": bool})
estimator = SKLearn(
    entry_point="train.py",
    source_dir=os.path.join(here, "code", "source"),
    framework_version="1.2-1",
    instance_type="ml.m5.xlarge",
    instance_count=1,
    role=role,
    sagemaker_session=session,
    hyperparameters={"alpha": 0.1},
)
train = steps.TrainingStep(
    "Train", estimator=estimator, data={"train": f"s3://{bucket}/workflow/data"}, job_name=given["job"]
)
keep = steps.ModelStep(
    "Keep", model=train.get_expected_model(), model_name=given["model"], instance_type="ml.m5.xlarge"
)
nothing = steps.Pass("Nothing", result={"model": None})
choice = steps.Choice("Trains?")
choice.add_choice(steps.ChoiceRule.BooleanEquals(variable="$.trains", value=True), steps.Chain([train, keep]))
choice.default_choice(nothing)
failed = steps.Fail("Failed", error="TrainingFailed", cause="The training failed.")
train.add_catch(steps.Catch(error_equals=["States.TaskFailed"], next_step=failed))
train.add_retry(steps.Retry(error_equals=["SageMaker.AmazonSageMakerException"], max_attempts=2))

name = f"shells-{int(time.time())}"
workflow = Workflow(
    name=name, definition=choice, role=role, execution_input=given, tags=[{"key": "a", "value": "b"}]
)
arn = workflow.create()
assert arn.endswith(f":stateMachine:{name}"), arn
# Another workflow of that name gets the first one's ARN.
assert Workflow(name=name, definition=nothing, role=role).create() == arn
attached = Workflow.attach(arn)
assert '"Train"' in attached.definition.to_json()
assert name in [each["name"] for each in Workflow.list_workflows()]

execution = workflow.execute(inputs={"job": f"{name}-job", "model": f"{name}-model", "trains": True})
output = execution.get_output(wait=True)
assert execution.describe()["status"] == "SUCCEEDED", execution.describe()
assert output["ModelArn"].endswith(f"model/{name}-model"), output
events = execution.list_events()
types = [event["type"] for event in events]
assert types[0] == "ExecutionStarted", types
assert types[-1] == "ExecutionSucceeded", types
assert {"ChoiceStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"} <= set(
    types
), types
assert execution.list_events(reverse_order=True)[0]["type"] == "ExecutionSucceeded"
assert "Train" in str(execution.render_progress().data)
assert boto3.client("sagemaker").describe_model(ModelName=f"{name}-model")["PrimaryContainer"]["Image"]

short = workflow.execute(name="short", inputs={"job": "-", "model": "-", "trains": False})
assert short.get_output(wait=True) == {"model": None}
ended = workflow.list_executions(status_filter=ExecutionStatus.Succeeded)
assert ended[0].name == "short", ended
try:
    workflow.execute(inputs={"job": 1})
except ValueError:
    pass
else:
    raise AssertionError("an input of the wrong shape was taken")

waits = Workflow(name=f"{name}-waits", definition=steps.Wait("Long", seconds=3600), role=role)
waits.create()
stopped = waits.execute()
stopped.stop(error="Enough", cause="of it")
told = stopped.describe()
assert (told["status"], told["error"], told["cause"]) == ("ABORTED", "Enough", "of it"), told
workflow.update(definition=nothing)
assert '"Train"' not in Workflow.attach(arn).definition.to_json()
workflow.delete()
print("WORKFLOW OK", stepfunctions.__version__)
