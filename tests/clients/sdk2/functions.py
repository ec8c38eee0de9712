"""@remote and @step, Lambda and Callback steps. SDK 2.x."""

import json
import os
import sys
import tempfile
import threading
import time

import boto3
import sagemaker
from sagemaker.lambda_helper import Lambda
from sagemaker.remote_function import remote
from sagemaker.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.workflow.function_step import step
from sagemaker.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.workflow.parameters import ParameterInteger
from sagemaker.workflow.pipeline import Pipeline

session = sagemaker.Session()
role = sagemaker.get_execution_role()

# The SDK has a default for Python 3.8 and 3.10 only.
IMAGE = (
    "123456789012.dkr.ecr.us-west-2.amazonaws.com/"
    f"sagemaker-base-python-{sys.version_info[0]}{sys.version_info[1]}:1.0"
)


@remote(instance_type="ml.m5.large", image_uri=IMAGE, keep_alive_period_in_seconds=0)
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
    name="Steps", parameters=[start], steps=[add(double(start), 3)], sagemaker_session=session
)
pipeline.upsert(role_arn=role)
execution = pipeline.start(parameters={"Start": 5})
execution.wait()
assert execution.result("Add") == 13, execution.result("Add")
print("steps gave", execution.result("Add"))

folder = tempfile.mkdtemp()
script = os.path.join(folder, "score.py")
with open(script, "w") as file:
    file.write(
        "import json\n\ndef handler(event, context):\n"
        "    return {'statusCode': 200, 'score': event['shells'] * 2, 'who': event['who']}\n"
    )
function = Lambda(
    function_name="score-shells",
    execution_role_arn=role,
    script=script,
    handler="score.handler",
    timeout=60,
    memory_size=128,
    session=session,
)
scored = LambdaStep(
    name="Score",
    lambda_func=function,
    inputs={"shells": 21, "who": "abalone"},
    outputs=[
        LambdaOutput("score", LambdaOutputTypeEnum.Integer),
        LambdaOutput("who", LambdaOutputTypeEnum.String),
    ],
)
queue = boto3.client("sqs").create_queue(QueueName="approvals")["QueueUrl"]
asked = CallbackStep(
    name="Ask",
    sqs_queue_url=queue,
    inputs={"score": scored.properties.Outputs["score"]},
    outputs=[CallbackOutput("answer", CallbackOutputTypeEnum.String)],
)


def answer() -> None:
    sqs = boto3.client("sqs")
    while True:
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", []):
            body = json.loads(message["Body"])
            assert body["arguments"] == {"score": 42}, body
            boto3.client("sagemaker").send_pipeline_execution_step_success(
                CallbackToken=body["token"], OutputParameters=[{"Name": "answer", "Value": "yes"}]
            )
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return
        time.sleep(0.1)


listener = threading.Thread(target=answer, daemon=True)
listener.start()
calling = Pipeline(name="Calls", steps=[scored, asked], sagemaker_session=session)
calling.upsert(role_arn=role)
calling.upsert(role_arn=role)
execution = calling.start()
execution.wait()
steps = {entry["StepName"]: entry for entry in execution.list_steps()}
outputs = {o["Name"]: o["Value"] for o in steps["Score"]["Metadata"]["Lambda"]["OutputParameters"]}
assert outputs["score"] == "42", outputs
assert steps["Ask"]["Metadata"]["Callback"]["OutputParameters"] == [{"Name": "answer", "Value": "yes"}], steps
print("FUNCTIONS OK")
