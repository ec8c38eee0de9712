"""Every handler of tasks of state machines keeps the promises of all handlers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import Task, TaskHandler
from stepmill.platform import Platform
from stepmill.testing import Fail, Hold, ScriptedHandler, Succeed, TaskHandlerContract
from support.cli import PYTHON_IMAGE, ROLE
from support.integrating import ACCOUNT, REGION, home, task_of

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:work"
SLEEPS = "import time; time.sleep(600)"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with home(tmp_path) as opened:
        yield opened


def handler_of(platform: Platform, resource: str) -> TaskHandler:
    found = platform.integrations.get(resource if resource[:4] == "arn:" else f"arn:aws:states:::{resource}")
    assert found is not None
    return found


class TestScripted(TaskHandlerContract):
    @pytest.fixture
    def handler(self) -> TaskHandler:
        return ScriptedHandler(
            lambda task: Fail() if task.payload == "fail" else Hold() if task.payload == "hold" else Succeed()
        )

    @pytest.fixture
    def succeeding(self) -> Task:
        return task_of("x", "succeed")

    @pytest.fixture
    def failing(self) -> Task:
        return task_of("x", "fail")

    @pytest.fixture
    def lasting(self) -> Task | None:
        return task_of("x", "hold")


class TestFunction(TaskHandlerContract):
    @pytest.fixture
    def handler(self, platform: Platform, tmp_path: Path) -> TaskHandler:
        code = tmp_path / "app.py"
        code.write_text("def handler(event, context):\n    return event['a']\n")
        platform.functions.put("work", code=code, handler="app.handler")
        return handler_of(platform, FUNCTION)

    @pytest.fixture
    def succeeding(self) -> Task:
        return task_of(FUNCTION, {"a": 1})

    @pytest.fixture
    def failing(self) -> Task:
        return task_of(FUNCTION, {"b": 1})


class TestCreation(TaskHandlerContract):
    resource = "sagemaker:createModel"

    @pytest.fixture
    def handler(self, platform: Platform) -> TaskHandler:
        return handler_of(platform, self.resource)

    @pytest.fixture
    def succeeding(self) -> Task:
        return task_of(self.resource, self.model("churn"))

    @pytest.fixture
    def failing(self) -> Task:
        return task_of(self.resource, self.model("no_name"))

    def model(self, name: str) -> JsonObject:
        return {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": PYTHON_IMAGE}}


class TestTrainingJob(TaskHandlerContract):
    resource = "sagemaker:createTrainingJob.sync"

    @pytest.fixture
    def handler(self, platform: Platform) -> TaskHandler:
        return handler_of(platform, self.resource)

    @pytest.fixture
    def succeeding(self, platform: Platform) -> Task:
        return task_of(self.resource, self.job(platform, "good", "print(1)"))

    @pytest.fixture
    def failing(self, platform: Platform) -> Task:
        return task_of(self.resource, self.job(platform, "bad", "raise SystemExit(1)"))

    @pytest.fixture
    def lasting(self, platform: Platform) -> Task | None:
        return task_of(self.resource, self.job(platform, "long", SLEEPS))

    def job(self, platform: Platform, name: str, code: str) -> JsonObject:
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImage": PYTHON_IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "-c", code],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{platform.settings.default_bucket}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        }


class TestBatchJob(TaskHandlerContract):
    resource = "batch:submitJob.sync"

    @pytest.fixture
    def handler(self, platform: Platform) -> TaskHandler:
        calls: list[tuple[str, JsonObject]] = [
            ("CreateComputeEnvironment", {"ComputeEnvironmentName": "machine", "Type": "UNMANAGED"}),
            (
                "CreateJobQueue",
                {
                    "JobQueueName": "queue",
                    "Priority": 1,
                    "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": "machine"}],
                },
            ),
            *(
                ("RegisterJobDefinition", self.definition(name, code))
                for name, code in (("good", "1"), ("bad", "raise SystemExit(1)"), ("long", SLEEPS))
            ),
        ]
        for operation, given in calls:
            platform.api_calls.call("batch", operation, given)
        return handler_of(platform, self.resource)

    @pytest.fixture
    def succeeding(self) -> Task:
        return self.task("good")

    @pytest.fixture
    def failing(self) -> Task:
        return self.task("bad")

    @pytest.fixture
    def lasting(self) -> Task | None:
        return self.task("long")

    def task(self, name: str) -> Task:
        payload: Json = {"JobName": name, "JobQueue": "queue", "JobDefinition": name}
        return task_of(self.resource, payload)

    def definition(self, name: str, code: str) -> JsonObject:
        return {
            "JobDefinitionName": name,
            "Type": "container",
            "ContainerProperties": {
                "Image": PYTHON_IMAGE,
                "Command": ["python3", "-c", code],
                "ResourceRequirements": [
                    {"Type": "VCPU", "Value": "1"},
                    {"Type": "MEMORY", "Value": "256"},
                ],
            },
        }
