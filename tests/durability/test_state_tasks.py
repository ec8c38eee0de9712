"""Whoever drives state machines is killed while their tasks are under way: nothing is lost or doubled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.json import JsonObject, read_json
from support.cli import PYTHON_IMAGE, eventually
from support.working_machines import ROLE, Machines, machines

STATES = "arn:aws:states:::"
# Says that the task is submitted, and waits to be killed.
SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from support.working_machines import machines
from stepmill.core.json import read_json

with machines(Path(sys.argv[1])) as site:
    site.create("inner", {"Type": "Wait", "Seconds": 4}, {"Type": "Pass", "Result": {"deep": 1}})
    site.ask("CreateActivity", name="label")
    arn = site.start(*read_json(Path(sys.argv[2]).read_text()), name="outer")
    wanted = {"TaskSubmitted", "ActivityScheduled", "LambdaFunctionStarted"}
    while not wanted & set(site.types(arn)):
        time.sleep(0.02)
    print(arn, flush=True)
    time.sleep(600)
"""


def training(name: str, code: str) -> JsonObject:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": PYTHON_IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "-c", code],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://sagemaker-us-west-2-123456789012/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


def killed(folder: Path, *states: JsonObject) -> str:
    """Start a machine in a process that is killed once its first task is submitted; return the execution."""
    from stepmill.core.json import write_json

    written = folder / "states.json"
    written.write_text(write_json(states))
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-c", SCRIPT, str(folder), str(written), str(tests)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        arn = process.stdout.readline().strip()
        process.kill()
    assert arn
    return arn


def resumed(site: Machines, arn: str) -> Any:
    site.platform.engine.resume()
    return site.output(arn)


def once(site: Machines, arn: str, kind: str) -> None:
    assert site.types(arn).count(kind) == 1, site.types(arn)


def test_a_training_job_of_a_task_goes_on_and_is_the_only_one(tmp_path: Path) -> None:
    given = training("job", "import time; time.sleep(3)")
    state = {"Type": "Task", "Resource": f"{STATES}sagemaker:createTrainingJob.sync", "Parameters": given}
    arn = killed(tmp_path, state)
    with machines(tmp_path) as site:
        assert resumed(site, arn)["TrainingJobStatus"] == "Completed"
        assert len(site.platform.records.list("training-job").records) == 1
        once(site, arn, "TaskSubmitted")
        once(site, arn, "TaskSucceeded")


@pytest.mark.parametrize("suffix", [".sync", ".sync:2"])
def test_an_execution_that_a_task_waits_for_is_started_once(tmp_path: Path, suffix: str) -> None:
    inner = "arn:aws:states:us-west-2:123456789012:stateMachine:inner"
    state = {
        "Type": "Task",
        "Resource": f"{STATES}states:startExecution{suffix}",
        "Parameters": {"StateMachineArn": inner},
    }
    arn = killed(tmp_path, state)
    with machines(tmp_path) as site:
        output = resumed(site, arn)
        found = output["Output"]
        assert (read_json(found) if suffix == ".sync" else found) == {"deep": 1}
        assert len(site.ask("ListExecutions", stateMachineArn=inner)["executions"]) == 1
        once(site, arn, "TaskSubmitted")


def test_work_of_an_activity_waits_for_a_worker_through_a_kill(tmp_path: Path) -> None:
    activity = "arn:aws:states:us-west-2:123456789012:activity:label"
    arn = killed(tmp_path, {"Type": "Task", "Resource": activity})
    with machines(tmp_path) as site:
        site.platform.engine.resume()
        work = eventually(lambda: site.ask("GetActivityTask", activityArn=activity), "the work")
        assert site.ask("GetActivityTask", activityArn=activity) == {}
        site.ask("SendTaskSuccess", taskToken=work["taskToken"], output='"done"')
        assert site.output(arn) == "done"
        once(site, arn, "ActivityScheduled")
