"""Buses, rules and targets, as they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
    WrongStateError,
)
from stepmill.events.buses import Buses, TooManyTargetsError
from stepmill.events.rules import EventPatternError, bus_of, check_rule, check_target, rule_key
from stepmill.events.targets import _delays
from support.keeping import ARNS, keeping

QUEUE = ARNS.queue("q")


@pytest.fixture
def buses(tmp_path: Path) -> Iterator[Buses]:
    with keeping(tmp_path) as kept:
        yield Buses(kept.records, ARNS)


def rule(name: str = "r", **more: Any) -> dict[str, Any]:
    return {"Name": name, "EventPattern": '{"source": ["app"]}', **more}


def target(identifier: str = "t", **more: Any) -> dict[str, Any]:
    return {"Id": identifier, "Arn": QUEUE, **more}


def test_the_default_bus_is_always_there(buses: Buses) -> None:
    assert [bus.name for bus in buses.all()] == ["default"]
    with pytest.raises(ConflictError, match="already exists"):
        buses.create("default", {})
    with pytest.raises(InvalidInputError, match="Cannot delete"):
        buses.delete("default")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "aws.partner", "x" * 257, "ä"])
def test_which_names_no_bus_has(buses: Buses, name: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be the name"):
        buses.create(name, {})


def test_a_bus_with_rules_stays(buses: Buses) -> None:
    buses.create("b", {"Description": "d"})
    buses.put_rule("b", rule())
    with pytest.raises(WrongStateError, match="since it has rules"):
        buses.delete("b")
    buses.delete_rule("b", "r")
    for _ in range(2):
        buses.delete("b")
    with pytest.raises(NotFoundError, match="Event bus b does not exist"):
        buses.rule("b", "r")


def test_rules_of_one_name_on_two_buses_are_two(buses: Buses) -> None:
    buses.create("b", {})
    one, another = buses.put_rule("default", rule()), buses.put_rule("b", rule(Description="d"))
    assert buses.rule_arn(one).endswith(":rule/r")
    assert buses.rule_arn(another).endswith(":rule/b/r")
    assert [found.document.get("Description") for found in buses.rules("b")] == ["d"]
    assert len(list(buses.rules())) == 2


def test_a_rule_that_is_put_again_keeps_its_targets(buses: Buses) -> None:
    buses.put_rule("default", rule())
    buses.put_targets("default", "r", [target("a"), target("b")])
    again = buses.put_rule("default", rule(EventPattern='{"source": ["other"]}'))
    assert list(again.targets) == ["a", "b"]
    assert (again.fits({"source": "other"}), again.fits({"source": "app"})) == (True, False)
    buses.put_targets("default", "r", [target("b", Input="1")])
    assert buses.rule("default", "r").targets["b"]["Input"] == "1"
    with pytest.raises(TooManyTargetsError):
        buses.put_targets("default", "r", [target(str(number)) for number in range(4)])
    assert buses.remove_targets("default", "r", ["a", "x"]) == ["x"]
    with pytest.raises(WrongStateError, match="since it has targets"):
        buses.delete_rule("default", "r")
    buses.remove_targets("default", "r", ["b"])
    assert buses.delete_rule("default", "r")
    assert not buses.delete_rule("default", "r")


def test_a_rule_is_disabled_and_enabled(buses: Buses) -> None:
    buses.put_rule("default", rule(State="DISABLED"))
    assert not buses.rule("default", "r").is_enabled
    assert buses.enable("default", "r", is_enabled=True).is_enabled
    with pytest.raises(NotFoundError, match="Rule x does not exist on EventBus default"):
        buses.enable("default", "x", is_enabled=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Name": "a b"}, "name of a rule"),
        ({"Name": "x" * 65}, "name of a rule"),
        ({"EventPattern": ""}, "must be specified"),
        ({"State": "SLEEPING"}, "State must be"),
        ({"ScheduleExpression": "never"}, "ScheduleExpression"),
    ],
)
def test_which_rules_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        check_rule(rule(**change), "default")


def test_a_pattern_that_is_none_says_where() -> None:
    with pytest.raises(EventPatternError, match=r"Event pattern is not valid. Reason: .*near at a.b"):
        check_rule(rule(EventPattern='{"a": {"b": [{"near": 1}]}}'), "default")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"Id": "a b"}, InvalidInputError),
        ({"Arn": "nonsense"}, UnsupportedError),
        ({"EcsParameters": {"TaskDefinitionArn": "t"}}, UnsupportedError),
        ({"BatchParameters": {"JobName": "j"}}, UnsupportedError),
        ({"Arn": ARNS.batch("job-queue", "q")}, InvalidInputError),
        ({"DeadLetterConfig": {"Arn": ARNS.topic("t")}}, InvalidInputError),
        ({"Input": "{"}, InvalidInputError),
    ],
)
def test_which_targets_are_refused(change: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        check_target(target(**change))


def test_empty_parameters_of_another_kind_do_not_matter() -> None:
    check_target(target(EcsParameters=None, SqsParameters={"MessageGroupId": "g"}, DeadLetterConfig={}))


@given(st.from_regex(r"[.\-_A-Za-z0-9]{1,30}", fullmatch=True))
def test_a_bus_is_named_by_its_arn_as_well(name: str) -> None:
    assert bus_of(ARNS.event("event-bus", name)) == bus_of(name) == name
    assert rule_key(name, "r") == ("r" if name == "default" else f"{name}/r")


@given(st.integers(0, 185), st.integers(60, 86_400))
def test_attempts_end_with_their_number_and_with_the_age_of_the_event(most: int, age: int) -> None:
    policy = {"MaximumRetryAttempts": most, "MaximumEventAgeInSeconds": age}
    delays = _delays({"RetryPolicy": policy})
    assert len(delays) <= most
    assert sum(delays) <= age
    assert delays == sorted(delays)
    assert all(1 <= delay <= 600 for delay in delays)
    assert len(delays) == most or sum(delays) + 600 > age
