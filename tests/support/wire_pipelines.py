"""Pipelines of steps that cost nothing, for tests over the wire."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from stepmill.core.json import write_json
from support.cli import eventually
from support.wire import Wire

ROLE = "arn:aws:iam::123456789012:role/Role"
QUEUE = "https://sqs.us-west-2.amazonaws.com/123456789012/nobody"
ENDED = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")

_numbers = itertools.count(1)


def own_name(base: str = "Pipeline") -> str:
    """Return a name that no other test of this process uses."""
    return f"{base}-{next(_numbers)}"


def token(text: str = "") -> str:
    """Return a token for requests, each time another one unless a text is given."""
    return (text or f"token-{next(_numbers)}").ljust(32, "x")


def document(*steps: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]] = (), **keys: Any) -> str:
    return write_json({"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps), **keys})


def decide(name: str, left: Any = 1, right: Any = 1, **keys: Any) -> dict[str, Any]:
    """A step that succeeds at once."""
    condition = {"Type": "Equals", "LeftValue": left, "RightValue": right}
    arguments = {"Conditions": [condition], "IfSteps": [], "ElseSteps": []}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, **keys}


def fail(name: str, message: Any = "Out of luck.", **keys: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **keys}


def callback(name: str, *outputs: str, queue: str = QUEUE, **keys: Any) -> dict[str, Any]:
    """A step that waits for an answer."""
    declared = [{"OutputName": output, "OutputType": "String"} for output in outputs]
    return {
        "Name": name, "Type": "Callback", "SqsQueueUrl": queue, "OutputParameters": declared,
        "Arguments": {"for": name}, **keys,
    }  # fmt: skip


WAITS = document(callback("Ask"))
PASSES = document(decide("Gate"))


class Pipelines:
    """Makes pipelines and executions by a client."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.client = wire.client("sagemaker")

    def create(self, definition: str = PASSES, name: str = "", **more: Any) -> str:
        """Make a pipeline, and return its name."""
        name = name or own_name()
        given = {"ClientRequestToken": token(), "RoleArn": ROLE, **more}
        self.client.create_pipeline(PipelineName=name, PipelineDefinition=definition, **given)
        return name

    def start(self, name: str, **more: Any) -> str:
        """Start an execution, and return its ARN."""
        given = {"ClientRequestToken": token(), **more}
        return str(self.client.start_pipeline_execution(PipelineName=name, **given)["PipelineExecutionArn"])

    def describe(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_pipeline_execution(PipelineExecutionArn=arn)
        return found

    def end(self, arn: str) -> dict[str, Any]:
        """Wait for the end of an execution, and return what is said of it."""

        def look() -> dict[str, Any] | None:
            found = self.describe(arn)
            return found if found["PipelineExecutionStatus"] in ENDED else None

        return eventually(look, "the end")

    def steps(self, arn: str, **more: Any) -> list[dict[str, Any]]:
        answer = self.client.list_pipeline_execution_steps(PipelineExecutionArn=arn, **more)
        found: list[dict[str, Any]] = answer["PipelineExecutionSteps"]
        return found

    def callback_token(self, arn: str, step: str = "Ask") -> str:
        """Wait until a step waits for an answer, and return its token."""

        def look() -> str | None:
            for entry in self.steps(arn):
                if entry["StepName"] == step and "Callback" in entry.get("Metadata", {}):
                    return str(entry["Metadata"]["Callback"]["CallbackToken"])
            return None

        return eventually(look, f"the callback of {step}")

    def stop(self, arn: str) -> None:
        """Stop an execution whose callbacks wait, and answer those."""
        self.client.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
        for waiting in self.wire.platform.callbacks.waiting(arn):
            self.client.send_pipeline_execution_step_failure(CallbackToken=waiting.token)
        self.end(arn)
