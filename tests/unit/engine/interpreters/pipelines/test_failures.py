"""What a failure says, and who may read it."""

from __future__ import annotations

import pytest

from stepmill.engine.interpreters.pipelines.endings import LONGEST_REASON, failure
from stepmill.language.pipelines.definition import StepType, Trigger
from support.interpreting import Execution, step


def test_an_error_is_not_named_twice() -> None:
    assert failure("ClientError", "ClientError: no such image") == "ClientError: no such image"
    assert failure("ClientError", "no such image") == "ClientError: no such image"


@pytest.mark.parametrize(("error", "cause"), [("", "why"), ("why", "")])
def test_half_a_reason_is_a_reason(error: str, cause: str) -> None:
    assert failure(error, cause) == "why"


def test_of_a_long_reason_the_head_and_the_end_are_kept() -> None:
    reason = failure("AlgorithmError", "x" * 5000 + " the last line")
    assert len(reason) == LONGEST_REASON
    assert reason.startswith("AlgorithmError: x")
    assert reason.endswith(" the last line")


def test_a_step_with_a_trigger_on_the_failure_reads_what_failed() -> None:
    arguments = {"reason": {"Get": "Steps.A.FailureReason"}}
    tell = step("Tell", StepType.LAMBDA, after=[("A", Trigger.FAILED)], arguments=arguments)
    run = Execution.of(step("A"), tell).start()
    run.fail("A", output={"FailureReason": "it broke"})
    assert run.task("Tell").payload == {"reason": "it broke"}
