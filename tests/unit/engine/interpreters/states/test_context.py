from __future__ import annotations

import json
from typing import Any

from tests.support.stating import EXECUTION_ARN, MACHINE_ARN, ROLE_ARN, SEND, Execution, branch, state

EXECUTION = {
    "Id": EXECUTION_ARN,
    "Input": {"a": 1},
    "Name": "e",
    "RoleArn": ROLE_ARN,
    "StartTime": "2026-01-01T12:00:00.000Z",
    "RedriveCount": 0,
}
MACHINE = {"Id": MACHINE_ARN, "Name": "m"}


def seen(value: str, *states: Any) -> Any:
    output = Execution(*states).start(value).output
    assert output is not None
    return json.loads(output)


def test_what_a_pass_can_read_of_its_execution() -> None:
    assert seen('{"a":1}', state("Pass", "A", input_path="$$")) == {
        "Execution": EXECUTION,
        "StateMachine": MACHINE,
        "State": {"Name": "A", "EnteredTime": "2026-01-01T12:00:00.000Z"},
    }


def test_a_task_knows_its_retries_and_its_token() -> None:
    run = Execution(state("Task", "T", resource=f"{SEND}.waitForTaskToken", arguments={"c.$": "$$"})).start(
        '{"a":1}'
    )
    payload: Any = run.task().payload
    assert payload["c"]["State"]["RetryCount"] == 0
    assert set(payload["c"]) == {"Execution", "StateMachine", "State", "Task"}


def test_the_innermost_iteration_counts() -> None:
    inner = state("Pass", "A", parameters={"m.$": "$$.Map"})
    outer = state("Map", "N", processor=branch(state("Map", "O", processor=branch(inner))))
    assert seen('[["x"]]', outer) == [[{"m": {"Item": {"Index": 0, "Value": "x"}}}]]


def test_branches_of_a_parallel_in_an_iteration_see_it() -> None:
    inner = state("Pass", "A", parameters={"i.$": "$$.Map.Item.Index"})
    outer = state("Map", "N", processor=branch(state("Parallel", "P", branches=(branch(inner),))))
    assert seen('["x","y"]', outer) == [[{"i": 0}], [{"i": 1}]]
