from __future__ import annotations

import pytest

from stepmill.algorithms.algorithm import Algorithm, Channel, Metric, Wording
from stepmill.algorithms.checking import check_hyperparameters, check_job, check_ranges, nearest_metric
from stepmill.algorithms.parameters import UNIT, Kind, choice, integer, number
from stepmill.core.findings import Finding

ALGORITHM = Algorithm(
    name="sorter",
    parameters=(
        integer("k", required=True),
        integer("feature_dim", required=True),
        number("rate", UNIT),
        choice("method", "fast", "slow"),
    ),
    channels=(
        Channel("train", ("text/csv",), "text/csv", required=True),
        Channel("test", ("text/csv", "text/x"), piped=("text/csv",)),
    ),
    metrics=(Metric("test:error", "error=(.*)"),),
    aliases={"learning_rate": "rate"},
    rules=(lambda given: iter([("k", "too many")]) if given["k"] == "99" else iter(()),),
)
TRAIN = {"train": {"ContentType": "text/csv"}}
GOOD = {"k": "3", "feature_dim": "2"}


def messages(hyperparameters: dict[str, str], channels: dict[str, dict[str, str]] = TRAIN) -> list[str]:
    return [finding.message for finding in check_job(ALGORITHM, hyperparameters, channels)]


ALL_THAT_IS_WRONG = """\
No value(s) were specified for 'k', 'feature_dim' which are required hyperparameter(s) \
(caused by ValidationError).
The value '2' is not valid for the 'rate' hyperparameter which expects one of the following: \
a number in [0, 1] (caused by ValidationError).
Additional hyperparameters are not allowed ('metod' was unexpected) (caused by ValidationError). \
Did you mean 'method'?
Missing required channel: train.
Extraneous channel found: tain. Did you mean 'train'?"""


def told(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{finding.message} {finding.mend}".strip() for finding in findings]


def test_what_is_right_is_not_spoken_of() -> None:
    assert messages({**GOOD, "rate": "0.5", "method": "fast"}) == []
    assert messages({**GOOD, "learning_rate": "0.5"}) == []


def test_all_that_is_wrong_is_told_at_once_in_the_words_of_the_algorithms() -> None:
    findings = check_job(ALGORITHM, {"rate": "2", "metod": "fast"}, {"tain": {}})
    assert [finding.path for finding in findings] == [
        "HyperParameters['k']",
        "HyperParameters['rate']",
        "HyperParameters['metod']",
        "InputDataConfig['train']",
        "InputDataConfig['tain']",
    ]
    assert "\n".join(told(findings)) == ALL_THAT_IS_WRONG


def test_rules_are_asked_when_each_value_is_right() -> None:
    assert messages({**GOOD, "k": "99"}) == ["too many"]
    assert "too many" not in messages({**GOOD, "k": "99", "rate": "2"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ContentType": "text/csv;label_size=0"}, None),
        ({"ContentType": "TEXT/CSV"}, None),
        ({"ContentType": 'text/csv; Label_Size="2"; charset=utf8'}, None),
        (
            {"ContentType": "text/csv;label_size=two"},
            "'text/csv;label_size=two' is not an accepted ContentType: label_size must be a number.",
        ),
        ({}, "Missing content type for channel: test."),
        ({"ContentType": "text/html"}, "'text/html' is not an accepted ContentType: text/csv, text/x."),
        ({"ContentType": "text/csv;label_size=0", "TrainingInputMode": "Pipe"}, None),
        ({"ContentType": "text/x", "TrainingInputMode": "FastFile"}, None),
        (
            {"ContentType": "text/x", "TrainingInputMode": "Pipe"},
            "Channel test cannot be read in Pipe mode as text/x.",
        ),
    ],
)
def test_a_channel_has_a_content_type_that_is_taken(settings: dict[str, str], message: str | None) -> None:
    assert messages(GOOD, {**TRAIN, "test": settings}) == ([message] if message else [])


def test_long_names_and_values_are_cut() -> None:
    (finding,) = check_hyperparameters(ALGORITHM, {**GOOD, "x" * 5000: "1"})
    assert len(finding.message) < 300
    (finding,) = check_hyperparameters(ALGORITHM, {**GOOD, "method": "y" * 5000})
    assert len(finding.message) < 300


class TestTuning:
    def test_what_is_tuned_need_not_be_given(self) -> None:
        assert check_ranges(ALGORITHM, {"feature_dim": "2"}, {"k": (Kind.INTEGER, ["1", "9"])}) == ()

    @pytest.mark.parametrize(
        ("name", "kind", "values", "message"),
        [
            ("rate", Kind.CONTINUOUS, ["0", "1"], None),
            ("rate", Kind.CATEGORICAL, ["0.1", "0.2"], None),
            ("method", Kind.CATEGORICAL, ["fast"], None),
            ("rate", Kind.INTEGER, ["0", "1"], "of type Continuous: it cannot have a Integer range"),
            ("method", Kind.INTEGER, ["1", "2"], "of type Categorical: it cannot have a Integer range"),
            ("rate", Kind.CONTINUOUS, ["0", "3"], "The value '3' is not valid for the 'rate' hyperparameter"),
            ("rat", Kind.CONTINUOUS, ["0", "1"], "'rat' was unexpected"),
        ],
    )
    def test_ranges_are_held_against_the_table(
        self, name: str, kind: Kind, values: list[str], message: str | None
    ) -> None:
        findings = check_ranges(ALGORITHM, GOOD, {name: (kind, values)})
        assert bool(findings) == bool(message)
        if message:
            assert message in findings[0].message

    @pytest.mark.parametrize(
        ("name", "mend"),
        [
            ("test:eror", "Did you mean 'test:error'?"),
            ("x" * 5000, "sorter reports test:error."),
            ("f1", "sorter reports test:error."),
        ],
    )
    def test_the_nearest_metric_is_told(self, name: str, mend: str) -> None:
        assert nearest_metric(ALGORITHM, name) == mend


def test_xgboost_has_words_of_its_own() -> None:
    algorithm = Algorithm(
        name="x", parameters=ALGORITHM.parameters, channels=ALGORITHM.channels, wording=Wording.XGBOOST
    )
    given = {"k": "one", "rate": "2", "metod": "fast", "method": "medium"}
    assert told(check_hyperparameters(algorithm, given)) == [
        "Missing required hyperparameter: feature_dim.",
        "Hyperparameter k: could not parse value. It is of type Integer, in [1, +inf).",
        "Hyperparameter rate: 2 is not in [0, 1].",
        "Extraneous hyperparameter found: metod. Did you mean 'method'?",
        "Hyperparameter method: medium is not in ['fast', 'slow'].",
    ]
