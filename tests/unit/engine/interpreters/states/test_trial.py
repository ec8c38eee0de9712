"""One state tried out: what it makes of an input, and what is noted on the way."""

from __future__ import annotations

from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.core.tasks import TaskFailed, TaskSucceeded
from stepmill.engine.interpreters.states.events import ExecutionStarted
from stepmill.engine.interpreters.states.trial import Trial, TrialRequest, TrialResult, TrialStatus
from stepmill.language.states.definition import (
    Catcher,
    ChoiceRule,
    Comparison,
    Given,
    Retrier,
    State,
)
from support.stating import EXECUTION_ARN, MACHINE_ARN, NOON, ROLE_ARN, SEND, branch, machine, state


def trial_of(*states: State, given: str = "{}", **more: Any) -> Trial:
    started = ExecutionStarted("x", EXECUTION_ARN, "e", MACHINE_ARN, "m", ROLE_ARN, given, NOON, "seed")
    return Trial(TrialRequest(machine(*states), started, **more), NOON)


def tried(*states: State, given: str = "{}", **more: Any) -> TrialResult:
    trial = trial_of(*states, given=given, **more)
    assert trial.begin() is None
    return trial.result()


def mocked(
    *states: State, output: Json = None, error: str = "", given: str = "{}", **more: Any
) -> TrialResult:
    trial = trial_of(*states, given=given, **more)
    trial.begin_with(TaskFailed("", error, "why") if error else TaskSucceeded("", output))
    return trial.result()


def test_a_pass_tells_where_it_leads() -> None:
    result = tried(state("Pass", "A", result={"r": 1}, result_path="$.x", next="B"), state("Succeed", "B"))
    assert (result.status, result.output, result.next_state) == (TrialStatus.SUCCEEDED, '{"x":{"r":1}}', "B")
    assert result.noted == {
        "input": {}, "afterInputPath": {}, "afterParameters": {}, "afterResultSelector": {"r": 1},
        "afterResultPath": {"x": {"r": 1}},
    }  # fmt: skip


def test_the_example_of_the_guide() -> None:
    """Source: developer guide, "Testing state machines with TestState", example 2."""
    passes = state(
        "Pass", "A", input_path="$.payload", parameters={"data": 1}, result_path="$.result",
        output_path="$.result.data", next="B",
    )  # fmt: skip
    result = tried(passes, state("Succeed", "B"), given='{"payload": {"foo": "bar"}}')
    assert (result.output, result.next_state) == ("1", "B")
    assert result.noted == {
        "input": {"payload": {"foo": "bar"}},
        "afterInputPath": {"foo": "bar"},
        "afterParameters": {"data": 1},
        "afterResultSelector": {"data": 1},
        "afterResultPath": {"payload": {"foo": "bar"}, "result": {"data": 1}},
    }


def test_each_step_of_a_task_is_noted() -> None:
    task = state(
        "Task", "A", resource=SEND, input_path="$.in", arguments={"m.$": "$.text"},
        result_selector={"id.$": "$.MessageId"}, result_path="$.sent", output_path="$.sent.id",
    )  # fmt: skip
    trial = trial_of(task, given='{"in": {"text": "hi"}}')
    asked = trial.begin()
    assert asked is not None
    assert (asked.resource, asked.payload) == (SEND, {"m": "hi"})
    trial.report(TaskSucceeded(asked.id, {"MessageId": "1", "more": 2}))
    result = trial.result()
    assert (result.status, result.output, result.next_state) == (TrialStatus.SUCCEEDED, '"1"', None)
    assert result.noted == {
        "input": {"in": {"text": "hi"}},
        "afterInputPath": {"text": "hi"},
        "afterParameters": {"m": "hi"},
        "result": {"MessageId": "1", "more": 2},
        "afterResultSelector": {"id": "1"},
        "afterResultPath": {"in": {"text": "hi"}, "sent": {"id": "1"}},
    }


def test_a_choice_tells_its_way() -> None:
    rule = ChoiceRule(next="B", test=Comparison("$.n", "NumericGreaterThan", 1))
    states = (
        state("Choice", "A", choices=(rule,), default="C"), state("Succeed", "B"), state("Succeed", "C")
    )  # fmt: skip
    assert tried(*states, given='{"n": 2}').next_state == "B"
    assert tried(*states, given='{"n": 1}').next_state == "C"


def test_a_wait_does_not_wait() -> None:
    result = tried(state("Wait", "A", seconds=Given(3600), next="B"), state("Succeed", "B"), given='{"a":1}')
    assert (result.status, result.output, result.next_state) == (TrialStatus.SUCCEEDED, '{"a":1}', "B")


def test_a_fail_fails() -> None:
    result = tried(state("Fail", "A", error=Given("E"), cause=Given("c")))
    assert (result.status, result.error, result.cause) == (TrialStatus.FAILED, "E", "c")
    assert (result.output, result.next_state) == (None, None)


def test_an_error_is_retried_first() -> None:
    task = state(
        "Task", "A", resource=SEND,
        retry=(Retrier(errors=("Other",)), Retrier(errors=("Boom",), interval_s=2, backoff_rate=3.0)),
        catch=(Catcher(errors=("States.ALL",), next="B"),),
    )  # fmt: skip
    result = mocked(task, state("Succeed", "B"), error="Boom")
    assert (result.status, result.error, result.cause) == (TrialStatus.RETRIABLE, "Boom", "why")
    assert (result.retry_index, result.retry_after_s) == (1, 2)
    again = mocked(task, state("Succeed", "B"), error="Boom", retries=2)
    assert (again.retry_index, again.retry_after_s) == (1, 18)


def test_an_error_is_caught_when_retries_are_used_up() -> None:
    task = state(
        "Task", "A", resource=SEND, retry=(Retrier(errors=("Boom",), max_attempts=2),),
        catch=(Catcher(errors=("Other",), next="B"), Catcher(errors=("Boom",), next="B", result_path="$.e")),
    )  # fmt: skip
    result = mocked(task, state("Succeed", "B"), error="Boom", retries=2, given='{"a":1}')
    assert (result.status, result.next_state, result.catch_index) == (TrialStatus.CAUGHT_ERROR, "B", 1)
    assert result.output == '{"a":1,"e":{"Error":"Boom","Cause":"why"}}'


def test_an_error_that_nobody_takes_fails() -> None:
    result = mocked(state("Task", "A", resource=SEND), error="Boom")
    assert (result.status, result.error) == (TrialStatus.FAILED, "Boom")


def test_variables_are_seen_and_set() -> None:
    passed = state("Pass", "A", jsonata=True, assign={"b": "{% $a + 1 %}"}, output="{% $a %}")
    result = tried(passed, variables={"a": 1})
    assert (result.output, result.variables) == ("1", {"a": 1, "b": 2})


def test_a_map_is_tried_with_what_it_would_give() -> None:
    each = state("Map", "A", processor=branch(state("Pass", "X")), items_path="$.list", result_path="$.out")
    result = mocked(each, output=["r"], given='{"list":[1,2]}')
    assert result.output == '{"list":[1,2],"out":["r"]}'
    assert result.noted["afterItemsPath"] == [1, 2]
    assert mocked(each, error="States.ItemReaderFailed").status is TrialStatus.FAILED


def test_a_parallel_is_caught_like_any_other() -> None:
    both = state(
        "Parallel",
        "A",
        branches=(branch(state("Pass", "X")),),
        catch=(Catcher(errors=("States.ALL",), next="B"),),
    )
    result = mocked(both, state("Succeed", "B"), error="Boom")
    assert (result.status, result.catch_index, result.next_state) == (TrialStatus.CAUGHT_ERROR, 0, "B")


@pytest.mark.parametrize("given", ["{", "", "nothing"])
def test_an_input_that_is_no_json_is_refused(given: str) -> None:
    with pytest.raises(InvalidInputError):
        trial_of(state("Pass", "A"), given=given)
