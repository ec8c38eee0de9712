"""State machines run by the engine, with the real services behind their tasks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from stepmill.aws.inside import services_inside
from stepmill.aws.service import Call, Caller, Service
from stepmill.aws.services.all import services_of
from stepmill.aws.wire import Request
from stepmill.catalog.state_machine_records import MachineContent
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.core.settings import Settings
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.platform import Platform

ROLE = "arn:aws:iam::123456789012:role/R"
LONGEST_RUN = timedelta(seconds=60)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Machines:
    """Runs machines, and asks Step Functions' handlers."""

    platform: Platform
    states: Service

    def start(self, *states: JsonObject, input: Json = None, name: str = "") -> str:  # noqa: A002
        """Start a machine of states that follow one another; return the ARN of the execution."""
        name = name or f"machine-{next(_numbers)}"
        self.create(name, *states)
        machine = self.platform.state_machines.get(name)
        return self.platform.start_machine(machine, input=write_json({} if input is None else input)).arn

    def create(self, name: str, *states: JsonObject) -> str:
        """Make a machine of states that follow one another; return its ARN."""
        names = [f"S{index}" for index in range(len(states))]
        made = {}
        for index, state in enumerate(states):
            is_end = "Next" in state or "End" in state or state["Type"] in ("Fail", "Succeed")
            follows: JsonObject = {} if is_end else {"End": True}
            if follows and index < len(states) - 1:
                follows = {"Next": names[index + 1]}
            made[names[index]] = {**state, **follows}
        definition = write_json({"StartAt": names[0], "States": made})
        self.platform.state_machines.create(name, MachineContent(definition, ROLE))
        return self.platform.state_machines.get(name).arn

    def wait(self, arn: str) -> MachineExecution:
        """Wait until an execution is at its end."""
        ended = self.platform.machine_control.wait(arn, LONGEST_RUN)
        assert ended.status.is_final, ended
        return ended

    def output(self, arn: str) -> Any:
        """Wait until an execution has succeeded, and return its output."""
        self.wait(arn)
        found = self.ask("DescribeExecution", executionArn=arn)
        assert found["status"] == "SUCCEEDED", found
        return read_json(found["output"])

    def failure(self, arn: str) -> tuple[str, str]:
        """Wait until an execution has failed, and return error and cause."""
        self.wait(arn)
        found = self.ask("DescribeExecution", executionArn=arn)
        assert found["status"] == "FAILED", found
        return found["error"], found["cause"]

    def events(self, arn: str) -> list[dict[str, Any]]:
        """Return the history of an execution."""
        found: list[dict[str, Any]] = self.ask("GetExecutionHistory", executionArn=arn)["events"]
        return found

    def types(self, arn: str) -> list[str]:
        """Return the types of the events of an execution."""
        return [event["type"] for event in self.events(arn)]

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Have an operation answered by its handler."""
        request = Request("POST", "/", "", {}, b"")
        call = Call(operation, parameters, Caller("AKIA", "default"), request, f"r{next(_numbers)}")
        answer = self.states.handlers[operation](call)
        assert isinstance(answer, dict)
        return answer


@contextmanager
def machines(folder: Path) -> Iterator[Machines]:
    """Give machines of a home that is served by this process."""
    settings = Settings(home=folder / ".stepmill", project=folder)
    with Platform(settings, remark=lambda _: None, serves=True) as platform:
        services = services_of(platform)
        platform.make_api_calls = lambda: services_inside(platform, services)
        states = next(service for service in services if service.name == "stepfunctions")
        yield Machines(platform, states)
