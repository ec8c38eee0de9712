from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import ProcessingStep, TrainingStep, current_item
from stepmill.sdk.references import json_path, path_element

STEP = ProcessingStep("Eval", image="python", outputs=["out", "other"])
TRAIN = TrainingStep("Train", metrics={"m:1": "m=(.*)"})


def test_any_member_can_be_named() -> None:
    value = TRAIN.properties.DebugRuleEvaluationStatuses[0].RuleConfigurationName
    assert value.expression() == {"Get": "Steps.Train.DebugRuleEvaluationStatuses[0].RuleConfigurationName"}


def test_a_member_by_key() -> None:
    assert TRAIN.properties.HyperParameters["epochs"].expression() == {
        "Get": "Steps.Train.HyperParameters['epochs']"
    }


def test_members_begin_with_a_capital() -> None:
    with pytest.raises(AttributeError, match="capital"):
        _ = TRAIN.properties.model


def test_a_value_says_what_it_is() -> None:
    assert repr(TRAIN.model) == "<Train.ModelArtifacts.S3ModelArtifacts>"
    assert repr(STEP.report("e.json", output="out")["a"][0]) == "<Eval e.json: a[0]>"


def test_a_value_in_a_report() -> None:
    report = ProcessingStep("Eval", image="python", outputs=["out"]).report("sub/evaluation.json")
    assert report["metrics"]["r2"][0].expression() == {
        "Std:JsonGet": {
            "PropertyFile": {"Get": "Steps.Eval.PropertyFiles.evaluation"},
            "Path": "metrics.r2[0]",
        }
    }


def test_a_report_has_an_address() -> None:
    report = STEP.report("e.json", output="out")
    assert report.uri.expression() == {
        "Std:Join": {
            "On": "/",
            "Values": [{"Get": "Steps.Eval.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"}, "e.json"],
        }
    }


def test_a_report_cannot_be_looped_over() -> None:
    with pytest.raises(TypeError, match="Name the value"):
        list(STEP.report("e.json", output="out"))


def test_the_item_of_a_loop() -> None:
    assert current_item.expression() == {"Get": "ForEach.CurrentItem"}
    assert current_item["a"][1].expression() == {"Get": "ForEach.CurrentItem['a'][1]"}


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        (["a"], "a"),
        (["a", "b", 0, "c"], "a.b[0].c"),
        (["a", "key with.dots", 1], "a['key with.dots'][1]"),
        (["1", "a"], "['1'].a"),
        ([0, "a"], "[0].a"),
        (["_x"], "_x"),
    ],
)
def test_json_paths(keys: list[str | int], path: str) -> None:
    assert json_path(keys) == path


@pytest.mark.parametrize("key", ["", "it's", "a]b", "back\\slash", -1, True, 1.5, None])
def test_keys_that_no_path_can_hold_are_refused(key: object) -> None:
    with pytest.raises(InvalidInputError):
        path_element(key)


@given(st.lists(st.one_of(st.integers(0, 99), st.text("abc.[ 1-", min_size=1, max_size=6)), min_size=1))
def test_a_path_names_its_keys_alone(keys: list[str | int]) -> None:
    """No two lists of keys share a path, so that none is read as another."""
    rest, found = json_path(keys), list[str | int]()
    while rest:
        if rest.startswith("['"):
            key, _, rest = rest[2:].partition("']")
            found.append(key)
        elif rest.startswith("["):
            number, _, rest = rest[1:].partition("]")
            found.append(int(number))
        else:
            rest = rest.removeprefix(".")
            end = min([rest.index(mark) for mark in ".[" if mark in rest], default=len(rest))
            found.append(rest[:end])
            rest = rest[end:]
    assert found == keys
