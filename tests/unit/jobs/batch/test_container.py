"""What a job runs, and whether it is tried again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.jobs.batch.container import (
    check_retries,
    check_timeout,
    container_of,
    environment_of,
    memory_of,
    requirements_of,
)
from stepmill.jobs.batch.exits import EXITED, LOST, NOT_STARTED, TIMED_OUT, is_tried_again
from stepmill.jobs.batch.job import Attempt
from stepmill.jobs.batch.names import check_name, name_of

PROPERTIES: dict[str, Any] = {
    "image": "image:1",
    "command": ["run", "Ref::a", "Ref::b", "x Ref::a"],
    "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}],
}


def test_a_submission_goes_before_the_definition() -> None:
    overrides = {
        "command": ["walk", "Ref::a"],
        "environment": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
        "resourceRequirements": [{"type": "MEMORY", "value": "1024"}, {"type": "GPU", "value": "1"}],
    }
    made = container_of(PROPERTIES, overrides, {"a": "Ref::b", "b": "z"})
    assert made["command"] == ["walk", "Ref::b"]
    assert environment_of(made) == {"A": "1", "B": "3", "C": "4"}
    assert requirements_of(made) == {"VCPU": "0.25", "MEMORY": "1024", "GPU": "1"}
    assert memory_of(made) == 1024 * 1024 * 1024


def test_parameters_fill_whole_words() -> None:
    assert container_of(PROPERTIES, {}, {"a": "1"})["command"] == ["run", "1", "Ref::b", "x Ref::a"]


def test_the_old_members_for_resources_count_too() -> None:
    old = {"image": "i", "vcpus": 2, "memory": 128}
    assert requirements_of(container_of(old, {"memory": 256}, {})) == {"VCPU": "2", "MEMORY": "256"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resourceRequirements": [{"type": "TPU", "value": "1"}]}, "TPU"),
        ({"resourceRequirements": [{"type": "MEMORY", "value": "1.5"}]}, "1.5"),
        ({"resourceRequirements": [{"type": "VCPU", "value": "0"}]}, "no value"),
        ({"resourceRequirements": [{"type": "VCPU", "value": "0.0"}]}, "no value"),
        ({"resourceRequirements": [{"type": "VCPU", "value": "1e3"}]}, "no value"),
        ({"resourceRequirements": "many"}, "must be a list"),
        ({"resourceRequirements": ["many"]}, "must be an object"),
        ({"environment": [{"name": "AWS_BATCH", "value": ""}]}, "cannot start with"),
        ({"environment": [{"name": "a=b", "value": ""}]}, "no name of a variable"),
        ({"environment": [{"name": "a", "value": "\0"}]}, "no text"),
        ({"command": ["a\0b"]}, "no program can be given"),
        ({"command": ["x" * 20_000] * 2}, "characters"),
    ],
)
def test_which_overrides_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        container_of(PROPERTIES, change, {})


@pytest.mark.parametrize(
    "strategy",
    [
        {"attempts": 0}, {"attempts": 11}, {"attempts": True}, [],
        {"evaluateOnExit": [{"onExitCode": "1"}]},
        {"evaluateOnExit": [{"action": "STAY", "onExitCode": "1"}]},
        {"evaluateOnExit": [{"action": "EXIT", "onExitCode": ""}]},
        {"evaluateOnExit": [{"action": "EXIT", "onReason": "*a"}]},
        {"evaluateOnExit": [{"action": "EXIT", "onReason": "a" * 513}]},
        {"evaluateOnExit": [{"action": "EXIT", "onExitCode": "1"}] * 6},
    ],
)  # fmt: skip
def test_which_strategies_are_refused(strategy: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"RetryStrategy|retryStrategy"):
        check_retries(strategy)


def test_a_timeout_is_a_minute_at_least_and_never_too_long_for_a_date() -> None:
    assert check_timeout(None) is None
    assert check_timeout({}) is None
    minute = check_timeout({"attemptDurationSeconds": 60})
    assert minute is not None
    assert minute.total_seconds() == 60
    assert check_timeout({"attemptDurationSeconds": 2**31}) is not None
    with pytest.raises(InvalidInputError, match="at least 60"):
        check_timeout({"attemptDurationSeconds": 59})


def tried(attempt: Attempt, *conditions: dict[str, str], number: int = 1) -> bool:
    return is_tried_again(attempt, number, {"attempts": 3, "evaluateOnExit": list(conditions)})


def test_the_first_condition_that_fits_decides_and_without_one_it_is_tried_again() -> None:
    failed = Attempt("s", EXITED, 7, "OutOfMemoryError: killed")
    leave, again = {"action": "EXIT"}, {"action": "retry"}
    assert tried(failed)
    assert not tried(failed, {**leave, "onExitCode": "7"}, {**again, "onExitCode": "7"})
    assert tried(failed, {**again, "onReason": "OutOfMemory*"}, {**leave, "onExitCode": "7"})
    assert tried(failed, {**leave, "onExitCode": "7", "onReason": "Other*"})
    assert not tried(failed, {**leave, "onStatusReason": "Essential*", "onExitCode": "*"})
    assert tried(Attempt("s", LOST), {**again, "onStatusReason": "Host EC2*"}, {**leave, "onReason": "*"})
    assert tried(Attempt("s", NOT_STARTED), {**leave, "onExitCode": "1"})


def test_it_ends_with_its_attempts_and_with_its_time() -> None:
    failed = Attempt("s", EXITED, 1)
    assert tried(failed, number=2)
    assert not tried(failed, number=3)
    assert not is_tried_again(failed, 1, {})
    assert not tried(Attempt("s", TIMED_OUT, 137), {"action": "RETRY", "onStatusReason": "*"})


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)


@given(names, st.sampled_from(["job-queue", "job-definition", "compute-environment"]))
def test_an_arn_is_as_good_as_a_name(name: str, kind: str) -> None:
    assert check_name(name, "name") == name
    arn = f"arn:aws:batch:eu-west-1:000000000042:{kind}/{name}"
    assert name_of(arn, kind) == name_of(name, kind) == name
    assert name_of(arn, "job") == ""


@given(st.text(max_size=30))
def test_only_names_are_names(text: str) -> None:
    is_name = text.isascii() and text.replace("-", "").replace("_", "").isalnum() and text[0].isalnum()
    try:
        check_name(text, "name")
    except InvalidInputError:
        assert not is_name
    else:
        assert is_name
