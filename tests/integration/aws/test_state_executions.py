"""Executions of state machines, as the handlers of the wire answer for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Caller
from stepmill.aws.services.stepfunctions import executions, history, map_runs
from stepmill.aws.wire import Request
from stepmill.catalog.state_machine_records import MachineContent, MachineType, Route
from stepmill.core.json import write_json
from stepmill.engine.waiting import wait_until
from stepmill.platform import Platform, load_settings

ROLE = "arn:aws:iam::123456789012:role/r"
Ask = Callable[..., dict[str, Any]]


def _definition(*states: dict[str, Any]) -> str:
    names = [f"S{index}" for index in range(len(states))]
    made = {}
    for index, state in enumerate(states):
        is_end = state["Type"] == "Fail"
        follows = {} if is_end else {"End": True} if index == len(states) - 1 else {"Next": names[index + 1]}
        made[names[index]] = {**state, **follows}
    return write_json({"StartAt": names[0], "States": made})


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with Platform(load_settings(tmp_path, {}), serves=True) as platform:
        machines = platform.state_machines
        machines.create("Copy", MachineContent(_definition({"Type": "Pass"}, {"Type": "Pass"}), ROLE))
        machines.create("Sleep", MachineContent(_definition({"Type": "Wait", "Seconds": 3600}), ROLE))
        broken = {"Type": "Fail", "Error": "Broken", "Cause": "It fell."}
        machines.create("Break", MachineContent(_definition(broken), ROLE))
        machines.create("Fast", MachineContent(_definition({"Type": "Pass"}), ROLE, MachineType.EXPRESS))
        yield platform


@pytest.fixture
def ask(platform: Platform) -> Ask:
    handlers = {
        **executions.handlers(platform),
        **history.handlers(platform),
        **map_runs.handlers(platform),
    }
    count = [0]

    def ask(operation: str, **parameters: Any) -> dict[str, Any]:
        count[0] += 1
        request = Request("POST", "/", "", {}, b"")
        call = Call(operation, parameters, Caller("AKIA", "default"), request, f"r{count[0]}")
        answer = handlers[operation](call)
        assert isinstance(answer, dict)
        return answer

    return ask


def _arn(platform: Platform, name: str, qualifier: str = "") -> str:
    return platform.state_machines.arns.machine(name, qualifier)


def _run(platform: Platform, ask: Ask, machine: str, **parameters: Any) -> str:
    arn = str(ask("StartExecution", stateMachineArn=_arn(platform, machine), **parameters)["executionArn"])
    platform.machine_control.wait(arn)
    return arn


def _refused(ask: Ask, operation: str, **parameters: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        ask(operation, **parameters)
    return caught.value


def test_an_execution_is_described_with_what_it_was_given_and_gave(platform: Platform, ask: Ask) -> None:
    arn = _run(platform, ask, "Copy", name="one", input='{ "a": 1.0 }', traceHeader="Root=1")
    said = ask("DescribeExecution", executionArn=arn)
    assert said["startDate"] <= said["stopDate"]
    assert {name: said[name] for name in said if not name.endswith("Date")} == {
        "executionArn": arn,
        "stateMachineArn": _arn(platform, "Copy"),
        "name": "one",
        "status": "SUCCEEDED",
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        "input": '{ "a": 1.0 }',
        "inputDetails": {"included": True},
        "output": '{"a":1.0}',
        "outputDetails": {"included": True},
        "traceHeader": "Root=1",
    }
    bare = ask("DescribeExecution", executionArn=arn, includedData="METADATA_ONLY")
    assert not {"input", "output", "inputDetails", "outputDetails"} & bare.keys()


def test_a_failure_is_described_with_error_and_cause_and_can_be_redriven(
    platform: Platform, ask: Ask
) -> None:
    arn = _run(platform, ask, "Break")
    said = ask("DescribeExecution", executionArn=arn)
    assert (said["status"], said["error"], said["cause"]) == ("FAILED", "Broken", "It fell.")
    assert said["redriveStatus"] == "REDRIVABLE"
    assert "output" not in said
    ask("RedriveExecution", executionArn=arn, clientToken="t")
    ended = platform.machine_control.wait(arn)
    assert ended.details.redrive_count == 1
    again = ask("RedriveExecution", executionArn=arn, clientToken="t")
    assert again["redriveDate"] == ended.details.redriven_at
    types = [event["type"] for event in ask("GetExecutionHistory", executionArn=arn)["events"]]
    assert types.count("ExecutionRedriven") == 1


def test_what_is_stopped_says_so(platform: Platform, ask: Ask) -> None:
    arn = str(ask("StartExecution", stateMachineArn=_arn(platform, "Sleep"))["executionArn"])
    stopped = ask("StopExecution", executionArn=arn, error="Enough", cause="Seen.")
    said = ask("DescribeExecution", executionArn=arn)
    assert (said["status"], said["error"], said["cause"]) == ("ABORTED", "Enough", "Seen.")
    assert stopped["stopDate"] == said["stopDate"] == ask("StopExecution", executionArn=arn)["stopDate"]


def test_the_history_comes_page_by_page_in_either_order(platform: Platform, ask: Ask) -> None:
    arn = _run(platform, ask, "Copy")
    whole = ask("GetExecutionHistory", executionArn=arn)["events"]
    assert [event["id"] for event in whole] == [1, 2, 3, 4, 5, 6]
    for is_reversed in (False, True):
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            page = ask(
                "GetExecutionHistory", executionArn=arn, maxResults=4, reverseOrder=is_reversed, **more
            )
            found += page["events"]
            if "nextToken" not in page:
                break
            more = {"nextToken": page["nextToken"]}
        assert found == (whole[::-1] if is_reversed else whole)
    token = ask("GetExecutionHistory", executionArn=arn, maxResults=1)["nextToken"]
    for wrong in ({"nextToken": token, "reverseOrder": True}, {"nextToken": "x"}):
        assert _refused(ask, "GetExecutionHistory", executionArn=arn, **wrong).code == "InvalidToken"


def test_a_history_without_data_has_neither_input_nor_output(platform: Platform, ask: Ask) -> None:
    arn = _run(platform, ask, "Copy", input='"secret"')
    events = ask("GetExecutionHistory", executionArn=arn, includeExecutionData=False)["events"]
    assert "secret" not in repr(events)
    assert events[1]["stateEnteredEventDetails"] == {"name": "S0"}


def test_executions_are_listed_by_machine_status_and_version(platform: Platform, ask: Ask) -> None:
    machines = platform.state_machines
    version = machines.publish("Copy").arn
    alias = platform.state_machine_aliases.create("Copy", "live", [Route(1, 100)]).arn
    plain = _run(platform, ask, "Copy")
    by_version = str(ask("StartExecution", stateMachineArn=version)["executionArn"])
    by_alias = str(ask("StartExecution", stateMachineArn=alias)["executionArn"])

    def listed(**filters: Any) -> list[str]:
        return [each["executionArn"] for each in ask("ListExecutions", **filters)["executions"]]

    whole = [by_alias, by_version, plain]
    wait_until(
        lambda: listed(stateMachineArn=_arn(platform, "Copy"), statusFilter="SUCCEEDED") == whole,
        lambda: None,
    )
    assert listed(stateMachineArn=version) == [by_alias, by_version]
    assert listed(stateMachineArn=alias) == [by_alias]
    assert listed(stateMachineArn=_arn(platform, "Copy"), statusFilter="FAILED") == []
    assert listed(stateMachineArn=_arn(platform, "Copy"), redriveFilter="REDRIVEN") == []
    said = ask("DescribeExecution", executionArn=by_alias)
    assert (said["stateMachineVersionArn"], said["stateMachineAliasArn"]) == (version, alias)
    page = ask("ListExecutions", stateMachineArn=_arn(platform, "Copy"), maxResults=2)
    assert len(page["executions"]) == 2
    assert listed(stateMachineArn=_arn(platform, "Copy"), nextToken=page["nextToken"]) == [plain]


def test_a_sync_execution_is_answered_with_its_end(platform: Platform, ask: Ask) -> None:
    said = ask("StartSyncExecution", stateMachineArn=_arn(platform, "Fast"), name="n", input="[1]")
    assert (said["status"], said["output"], said["name"]) == ("SUCCEEDED", "[1]", "n")
    assert ":express:Fast:n:" in said["executionArn"]
    assert said["billingDetails"] == {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 100}
    assert "redriveCount" not in said


def test_express_executions_are_neither_described_nor_listed(platform: Platform, ask: Ask) -> None:
    arn = ask("StartExecution", stateMachineArn=_arn(platform, "Fast"))["executionArn"]
    for operation in ("DescribeExecution", "StopExecution", "GetExecutionHistory"):
        error = _refused(ask, operation, executionArn=arn)
        assert (error.code, error.what) == (
            "InvalidArn",
            "Invalid Arn: 'Resource type not valid in this context: express'",
        )
    listing = _refused(ask, "ListExecutions", stateMachineArn=_arn(platform, "Fast"))
    assert listing.code == "StateMachineTypeNotSupported"
    sync = _refused(ask, "StartSyncExecution", stateMachineArn=_arn(platform, "Copy"))
    assert sync.code == "StateMachineTypeNotSupported"


def test_what_cannot_be_started_is_told_as_aws_tells_it(platform: Platform, ask: Ask) -> None:
    arn = _arn(platform, "Copy")
    _run(platform, ask, "Copy", name="one")
    taken = _refused(ask, "StartExecution", stateMachineArn=arn, name="one")
    assert (taken.code, taken.what[:24]) == ("ExecutionAlreadyExists", "Execution Already Exists")
    no_input = _refused(ask, "StartExecution", stateMachineArn=arn, input="not json")
    assert no_input.code == "InvalidExecutionInput"
    assert "Unrecognized token 'not': was expecting (JSON String, " in no_input.what
    assert _refused(ask, "StartExecution", stateMachineArn=arn, name="a b").code == "InvalidName"
    assert _refused(ask, "StartExecution", stateMachineArn=arn, input="").code == "InvalidExecutionInput"
    assert _refused(ask, "StartExecution", stateMachineArn=arn + "x").code == "StateMachineDoesNotExist"
    assert _refused(ask, "StartExecution", stateMachineArn="arn:x").code == "InvalidArn"
    missing = _refused(ask, "DescribeExecution", executionArn=arn.replace("stateMachine", "execution") + ":x")
    assert missing.code == "ExecutionDoesNotExist"


def test_what_an_execution_runs_is_told_after_the_machine_has_changed(platform: Platform, ask: Ask) -> None:
    arn = _run(platform, ask, "Copy")
    before = platform.state_machines.get("Copy").content.definition
    platform.state_machines.update("Copy", {"definition": _definition({"Type": "Succeed"})})
    said = ask("DescribeStateMachineForExecution", executionArn=arn)
    assert (said["definition"], said["name"], said["roleArn"]) == (before, "Copy", ROLE)


def test_an_iteration_runs_the_processor_of_its_map(platform: Platform, ask: Ask) -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "One",
        "States": {"One": {"Type": "Pass", "End": True}},
    }
    text = _definition({"Type": "Map", "Label": "Each", "ItemProcessor": processor})
    platform.state_machines.create("Spread", MachineContent(text, ROLE))
    parent = _run(platform, ask, "Spread", input="[1,2]")
    events = ask("GetExecutionHistory", executionArn=parent)["events"]
    (run,) = [e["mapRunStartedEventDetails"]["mapRunArn"] for e in events if e["type"] == "MapRunStarted"]
    children = ask("ListExecutions", mapRunArn=run)["executions"]
    assert [(each["mapRunArn"], each["itemCount"], each["status"]) for each in children] == [
        (run, 1, "SUCCEEDED")
    ] * 2
    child = ask("DescribeStateMachineForExecution", executionArn=children[0]["executionArn"])
    assert (child["label"], child["mapRunArn"]) == ("Each", run)
    assert child["definition"] == '{"StartAt":"One","States":{"One":{"Type":"Pass","End":true}}}'
    described = ask("DescribeExecution", executionArn=children[0]["executionArn"])
    assert (described["mapRunArn"], described["redriveStatus"]) == (run, "NOT_REDRIVABLE")
    both = _refused(ask, "ListExecutions", mapRunArn=run, stateMachineArn=_arn(platform, "Spread"))
    assert both.code == "ValidationException"


def _spread(platform: Platform) -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "One",
        "States": {"One": {"Type": "Pass", "End": True}},
    }
    state = {
        "Type": "Map",
        "Label": "Each",
        "ItemProcessor": processor,
        "MaxConcurrency": 4,
        "ToleratedFailureCount": 2,
    }
    platform.state_machines.create("Spread", MachineContent(_definition(state), ROLE))


def test_a_map_run_is_described_with_its_counts(platform: Platform, ask: Ask) -> None:
    _spread(platform)
    parent = _run(platform, ask, "Spread", input="[1,2,3]")
    (listed,) = ask("ListMapRuns", executionArn=parent)["mapRuns"]
    assert listed["executionArn"] == parent
    assert listed["stateMachineArn"] == _arn(platform, "Spread") + "/Each"
    said = ask("DescribeMapRun", mapRunArn=listed["mapRunArn"])
    assert (said["status"], said["executionArn"], said["maxConcurrency"]) == ("SUCCEEDED", parent, 4)
    assert (said["toleratedFailureCount"], said["toleratedFailurePercentage"]) == (2, 0.0)
    assert said["startDate"] <= said["stopDate"]
    for counts in (said["itemCounts"], said["executionCounts"]):
        assert (counts["total"], counts["succeeded"], counts["pending"], counts["running"]) == (3, 3, 0, 0)


def test_a_map_run_without_items_is_found_and_one_that_is_none_is_not(platform: Platform, ask: Ask) -> None:
    _spread(platform)
    parent = _run(platform, ask, "Spread", input="[]")
    (listed,) = ask("ListMapRuns", executionArn=parent)["mapRuns"]
    assert ask("DescribeMapRun", mapRunArn=listed["mapRunArn"])["itemCounts"]["total"] == 0
    missing = _refused(ask, "DescribeMapRun", mapRunArn=listed["mapRunArn"][:-1] + "x")
    assert missing.code == "ResourceNotFound"
    assert _refused(ask, "DescribeMapRun", mapRunArn=parent).code == "InvalidArn"
    assert _refused(ask, "ListMapRuns", executionArn=parent, nextToken="x").code == "InvalidToken"


def test_a_held_sync_call_that_is_asked_again_means_the_same_execution(platform: Platform) -> None:
    wait = _definition({"Type": "Wait", "Seconds": 3}, {"Type": "Pass"})
    platform.state_machines.create("Slow", MachineContent(wait, ROLE, MachineType.EXPRESS))
    handler = executions.handlers(platform)["StartSyncExecution"]
    is_settled = executions.waits()["StartSyncExecution"]
    request = Request("POST", "/", "", {}, b"")
    wish = {"stateMachineArn": _arn(platform, "Slow"), "input": "[1]"}
    call = Call("StartSyncExecution", wish, Caller("AKIA", "default"), request, "r1")
    arns = set()
    while True:
        answer = handler(call)
        assert isinstance(answer, dict)
        arns.add(answer["executionArn"])
        if is_settled(call, answer):
            break
    assert (len(arns), answer["status"], answer["output"]) == (1, "SUCCEEDED", "[1]")
    # Somebody who cannot be held waits for the end at once.
    inside = Call("StartSyncExecution", wish, Caller("", "stepmill"), request, "r2")
    answer = handler(inside)
    assert isinstance(answer, dict)
    assert answer["status"] == "SUCCEEDED"
