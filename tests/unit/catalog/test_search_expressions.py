from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.search_expressions import MOST_CONDITIONS, Expression, Operator, read_expression
from stepmill.catalog.search_properties import Property, property_of, view_of
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.core.service_models import service_model

JOB: JsonObject = {
    "TrainingJobName": "fit-1",
    "TrainingJobStatus": "Completed",
    "CreationTime": "2026-01-02T03:04:05Z",
    "TrainingTimeInSeconds": 90,
    "EnableManagedSpotTraining": True,
    "HyperParameters": {"lr": "0.3", "depth": "3.7", "kind": "tree", "odd": "nan", "endless": "inf"},
    "InputDataConfig": [
        {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://one/a"}}},
        {"ChannelName": "test", "DataSource": {"S3DataSource": {"S3Uri": "s3://two/b"}}},
    ],
    "FinalMetricDataList": [{"MetricName": "acc", "Value": 0.95}],
    "Tags": [{"Key": "team", "Value": "churn"}],
}


def a_property(name: str) -> Property:
    return property_of(name, "TrainingJob", service_model("sagemaker").shape)


def read(document: JsonObject) -> Expression:
    return read_expression(document, a_property)


def one(name: str, operator: str | None, value: str | None) -> dict[str, Json]:
    given = {"Name": name, "Operator": operator, "Value": value}
    return {key: text for key, text in given.items() if text is not None}


def holds(*filters: dict[str, Json], **more: Json) -> bool:
    return read({"Filters": list(filters), **more}).holds(view_of(JOB))


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("TrainingJobName", None, "fit-1", True),
        ("TrainingJobName", "Equals", "FIT-1", False),
        ("TrainingJobName", "NotEquals", "fit-2", True),
        ("TrainingJobName", "NotEquals", "fit-1", False),
        ("TrainingJobName", "Contains", "it-", True),
        ("TrainingJobName", "Contains", "x", False),
        ("TrainingJobStatus", "In", "Failed, Completed", True),
        ("TrainingJobStatus", "In", "Failed,Stopped", False),
        ("TrainingTimeInSeconds", "Equals", "90.0", True),
        ("TrainingTimeInSeconds", "GreaterThan", "90", False),
        ("TrainingTimeInSeconds", "GreaterThanOrEqualTo", "90", True),
        ("TrainingTimeInSeconds", "LessThan", "1e3", True),
        ("TrainingTimeInSeconds", "LessThanOrEqualTo", "89.9", False),
        ("EnableManagedSpotTraining", "Equals", "true", True),
        ("EnableManagedSpotTraining", "NotEquals", "True", False),
        ("CreationTime", "Equals", "2026-01-02T03:04:05", True),
        ("CreationTime", "GreaterThan", "2026-01-02", True),
        ("CreationTime", "LessThan", "2026-01-02T04:04:05+01:00", False),
        ("CreationTime", "LessThan", "2026-01-02T04:04:06+01:00", True),
        ("FailureReason", "Exists", None, False),
        ("FailureReason", "NotExists", None, True),
        ("FailureReason", "Equals", "x", False),
        ("FailureReason", "NotEquals", "x", True),
        ("Tags.team", "Equals", "churn", True),
        ("Tags.team", "Exists", None, True),
        ("Tags.other", "NotExists", None, True),
        ("Tags", "Contains", "churn", True),
        ("Tags", "Contains", "team", True),
        ("Tags", "Contains", "other", False),
        ("Metrics.acc", "GreaterThan", "0.9", True),
        ("Metrics.acc", "LessThan", "0.9", False),
        ("Metrics.none", "LessThan", "0.9", False),
        ("HyperParameters.lr", "LessThan", "0.5", True),
        ("HyperParameters.lr", "Equals", "0.30", True),
        ("HyperParameters.depth", "Equals", "3", True),
        ("HyperParameters.depth", "Equals", "3.0", False),
        ("HyperParameters.depth", "GreaterThan", "3", False),
        ("HyperParameters.depth", "GreaterThan", "3.5", True),
        ("HyperParameters.kind", "Equals", "tree", True),
        ("HyperParameters.kind", "GreaterThan", "1", False),
        ("HyperParameters.odd", "Equals", "nan", True),
        ("HyperParameters.odd", "NotEquals", "1", True),
        ("HyperParameters.endless", "GreaterThan", "1", False),
        ("InputDataConfig.ChannelName", "Equals", "test", True),
        ("InputDataConfig.ChannelName", "Equals", "none", False),
        ("InputDataConfig", "Exists", None, True),
        ("VpcConfig", "Exists", None, False),
        ("InputDataConfig", "Contains", "s3://two", True),
    ],
)
def test_one_filter(name: str, operator: str | None, value: str | None, expected: bool) -> None:
    assert holds(one(name, operator, value)) is expected


@pytest.mark.parametrize(
    ("name", "operator", "value", "what"),
    [
        ("TrainingJobName", "GreaterThan", "a", "only for numbers"),
        ("EnableManagedSpotTraining", "LessThan", "true", "only for numbers"),
        ("EnableManagedSpotTraining", "Equals", "1", "neither true nor false"),
        ("TrainingTimeInSeconds", "Equals", "many", "is no number"),
        ("TrainingTimeInSeconds", "Contains", "9", "not for a property of this kind"),
        ("CreationTime", "GreaterThan", "yesterday", "is no moment"),
        ("CreationTime", "In", "2026-01-01", "not for a property of this kind"),
        ("InputDataConfig", "Equals", "x", "not for a property of this kind"),
        ("TrainingJobName", "Equals", None, "needs a Value"),
        ("TrainingJobName", None, None, "needs a Value"),
        ("TrainingJobName", "Exists", "x", "takes no Value"),
        ("Nothing", "Equals", "x", "Unknown property name"),
    ],
)
def test_a_filter_that_cannot_be_used_is_refused(
    name: str, operator: str | None, value: str | None, what: str
) -> None:
    with pytest.raises(InvalidInputError, match=what):
        holds(one(name, operator, value))


class TestTogether:
    YES, NO = one("TrainingJobName", None, "fit-1"), one("TrainingJobName", None, "other")

    def test_all_filters_must_hold_or_any(self) -> None:
        assert holds(self.YES, self.YES)
        assert not holds(self.YES, self.NO)
        assert holds(self.YES, self.NO, Operator="Or")
        assert not holds(self.NO, self.NO, Operator="Or")
        assert not holds(self.YES, self.NO, Operator="And")

    def test_expressions_within_expressions(self) -> None:
        either: Json = {"Filters": [self.YES, self.NO], "Operator": "Or"}
        neither: Json = {"Filters": [self.NO, self.NO], "Operator": "Or"}
        assert holds(self.YES, SubExpressions=[either, {"SubExpressions": [either]}])
        assert not holds(self.YES, SubExpressions=[either, neither])
        assert holds(self.NO, SubExpressions=[either], Operator="Or")

    def test_nothing_asked_for_is_everything(self) -> None:
        assert read({}).holds({})
        assert holds()

    def test_nested_filters_hold_for_one_element(self) -> None:
        def nested(channel: str, uri: str) -> dict[str, Json]:
            filters = [
                one("InputDataConfig.ChannelName", "Equals", channel),
                one("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", uri),
            ]
            return {"NestedPropertyName": "InputDataConfig", "Filters": filters}

        assert holds(NestedFilters=[nested("train", "s3://one")])
        assert not holds(NestedFilters=[nested("train", "s3://two")])
        assert holds(NestedFilters=[nested("train", "s3://one"), nested("test", "s3://two")])
        assert not holds(NestedFilters=[nested("train", "s3://one"), nested("test", "s3://one")])
        assert holds(self.YES, NestedFilters=[nested("train", "x")], Operator="Or")

    def test_a_nested_filter_of_something_else_is_refused(self) -> None:
        with pytest.raises(InvalidInputError, match="is not within 'InputDataConfig'"):
            holds(NestedFilters=[{"NestedPropertyName": "InputDataConfig", "Filters": [self.YES]}])

    def test_too_many_conditions_are_refused(self) -> None:
        read({"Filters": [self.YES] * MOST_CONDITIONS})
        with pytest.raises(InvalidInputError, match="at most 50 conditions, this one has 51"):
            read({"Filters": [self.YES] * (MOST_CONDITIONS + 1)})
        deep: Any = {"Filters": [self.YES]}
        for _ in range(60):
            deep = {"SubExpressions": [deep]}
        with pytest.raises(InvalidInputError, match="this one has 61"):
            read(deep)

    def test_what_a_match_must_equal(self) -> None:
        status = one("TrainingJobStatus", "Equals", "Failed")
        assert read({"Filters": [self.YES, status, one("Tags.a", "Contains", "x")]}).required() == {
            "TrainingJobName": "fit-1",
            "TrainingJobStatus": "Failed",
        }
        assert read({"Filters": [self.YES, status], "Operator": "Or"}).required() == {}
        assert read({"Filters": [self.YES], "Operator": "Or"}).required() == {"TrainingJobName": "fit-1"}
        assert read({"SubExpressions": [{"Filters": [status]}]}).required() == {"TrainingJobStatus": "Failed"}
        assert read({}).required() == {}


NAMES = ("TrainingJobName", "TrainingJobStatus", "TrainingTimeInSeconds", "HyperParameters.lr", "Tags.team")
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "TrainingJobName": st.sampled_from(["a", "b", "1"]),
        "TrainingJobStatus": st.sampled_from(["a", "Completed"]),
        "TrainingTimeInSeconds": st.integers(0, 3),
        "HyperParameters": st.dictionaries(st.sampled_from(["lr", "x"]), st.sampled_from(["1", "0.5", "a"])),
        "Tags": st.sampled_from([[], [{"Key": "team", "Value": "a"}], [{"Key": "team", "Value": "1"}]]),
    },
)  # fmt: skip


@given(DOCUMENTS, st.sampled_from(NAMES), st.sampled_from(["1", "2", "0.5"]))
def test_operators_that_say_the_opposite_never_agree(document: JsonObject, name: str, value: str) -> None:
    view = view_of(document)

    def one_holds(operator: Operator, given: str | None) -> bool:
        return read({"Filters": [one(name, operator, given)]}).holds(view)

    assert one_holds(Operator.EXISTS, None) is not one_holds(Operator.NOT_EXISTS, None)
    assert one_holds(Operator.EQUALS, value) is not one_holds(Operator.NOT_EQUALS, value)
    if one_holds(Operator.EQUALS, value):
        assert one_holds(Operator.EXISTS, None)


@given(DOCUMENTS, st.sampled_from(["a", "b", "1", "2"]), st.booleans())
def test_what_an_expression_requires_every_match_has(document: JsonObject, name: str, within: bool) -> None:
    filters: Json = [one("TrainingJobName", "Equals", name), one("TrainingJobStatus", "NotExists", None)]
    expression = read({"SubExpressions": [{"Filters": filters}]} if within else {"Filters": filters})
    assert expression.required() == {"TrainingJobName": name}
    if expression.holds(view_of(document)):
        assert document["TrainingJobName"] == name
