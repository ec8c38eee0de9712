from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.permissions.circumstances import Circumstances
from stepmill.catalog.permissions.decisions import Decision, Policy, Question, Verdict, decide
from stepmill.catalog.permissions.documents import MalformedDocumentError, read_policy
from stepmill.catalog.permissions.managed import aws_policy, without_policies

BUCKET = "arn:aws:s3:::data"
KEY = f"{BUCKET}/raw/a.csv"


def statement(
    effect: str = "Allow", action: Any = "s3:*", resource: Any = "*", **more: Any
) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def asked(*statements: dict[str, Any], action: str = "s3:GetObject", resource: str = KEY) -> Decision:
    policy = Policy("mine", read_policy(document(*statements)))
    return decide([policy], Question(action, resource, Circumstances({"aws:x": ("1",)})))


def test_nothing_is_allowed_that_nobody_allows() -> None:
    assert decide([], Question("s3:GetObject", KEY)) == Decision(Verdict.NOT_ALLOWED)
    assert not asked(statement(action="s3:PutObject")).is_allowed
    assert not asked(statement(resource=BUCKET)).is_allowed


@pytest.mark.parametrize("action", ["s3:GetObject", "S3:getobject", "s3:Get*", "s3:?etObject", "*", "s3:*"])
@pytest.mark.parametrize("resource", [KEY, f"{BUCKET}/*", "arn:aws:s3:::*", "*", f"{BUCKET}/raw/?.csv"])
def test_an_action_has_no_case_and_wildcards(action: str, resource: str) -> None:
    assert asked(statement(action=[action], resource=[resource])).is_allowed


def test_the_case_of_resources_counts() -> None:
    assert not asked(statement(resource=KEY.replace("raw", "RAW"))).is_allowed


def test_a_deny_wins_wherever_it_stands() -> None:
    allow, deny = statement(), statement("Deny", resource=f"{BUCKET}/raw/*")
    for order in ((allow, deny), (deny, allow)):
        assert asked(*order) == Decision(Verdict.DENIED, "mine")
    assert asked(allow, deny, resource=f"{BUCKET}/other").is_allowed


def test_what_is_left_out_is_all_the_rest() -> None:
    other_actions = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    assert asked(other_actions).is_allowed
    assert not asked(other_actions, action="iam:CreateRole").is_allowed
    other_resources = {"Effect": "Deny", "Action": "*", "NotResource": f"{BUCKET}/raw/*"}
    assert asked(statement(), other_resources).is_allowed
    assert asked(statement(), other_resources, resource="arn:aws:s3:::b/k").verdict is Verdict.DENIED


def test_where_nothing_is_known_an_allow_does_not_count_and_a_deny_does() -> None:
    unknown = {"StringEquals": {"s3:ExistingObjectTag/stage": "prod"}}
    allowed = asked(statement(Condition=unknown))
    assert allowed == Decision(Verdict.NOT_ALLOWED, "", ("s3:ExistingObjectTag/stage",))
    assert asked(statement(Condition=unknown), statement()).is_allowed
    denied = asked(statement(), statement("Deny", Condition=unknown))
    assert denied == Decision(Verdict.DENIED, "mine", ("s3:ExistingObjectTag/stage",))
    # Not asked for at all, it decides nothing.
    assert asked(statement(), statement("Deny", action="s3:Put*", Condition=unknown)).is_allowed


def test_a_policy_that_cannot_be_read_denies_all() -> None:
    wide = Policy("wide", read_policy(document(statement(action="*"))))
    unread = Policy("old", None, denies_all=True)
    assert decide([wide, unread], Question("s3:GetObject", KEY)).verdict is Verdict.DENIED
    missing = Policy("arn:aws:iam::aws:policy/New", None)
    assert decide([wide, missing], Question("s3:GetObject", KEY)).is_allowed
    assert decide([missing], Question("s3:GetObject", KEY)).unknown == (missing.name,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Effect": "Maybe"}, "Syntax errors"),
        ({"Action": "GetObject"}, "prefaced by a vendor"),
        ({"Action": "s3:Get Object"}, "Syntax errors"),
        ({"Action": []}, "must contain actions"),
        ({"Action": [1]}, "Syntax errors"),
        ({"Action": {"a": 1}}, "Syntax errors"),
        ({"Resource": "bucket"}, "ARN format"),
        ({"Resource": []}, "must contain resources"),
        ({"Principal": "*"}, "should not specify a principal"),
        ({"NotAction": "s3:*"}, "Syntax errors"),
        ({"NotResource": "*"}, "Syntax errors"),
        ({"Odd": 1}, "Syntax errors"),
        ({"Condition": []}, "Syntax errors"),
        ({"Condition": {"Matches": {"aws:x": "1"}}}, "no condition operator 'Matches'"),
        ({"Condition": {"StringEquals": "x"}}, "Syntax errors"),
        ({"Condition": {"StringEquals": {"x": "1"}}}, "prefaced by a vendor"),
        ({"Condition": {"StringEquals": {"aws:x": {}}}}, "Syntax errors"),
    ],
)
def test_a_statement_that_iam_would_not_take(change: dict[str, Any], words: str) -> None:
    with pytest.raises(MalformedDocumentError, match=words):
        read_policy(document({**statement(), **change}))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"Statement": "x"}', '{"Statement": [1]}', "[" * 100_000, "x" * 200_000]
)
def test_a_document_that_is_none(text: str) -> None:
    with pytest.raises(MalformedDocumentError):
        read_policy(text)


def test_a_document_may_have_one_statement_and_values_of_any_plain_kind() -> None:
    one = statement(Condition={"Bool": {"aws:x": True}, "NumericEquals": {"aws:x": [1, 2.5]}})
    (read,) = read_policy(json.dumps({"Statement": one}))
    assert [[v.text for v in c.values] for c in read.conditions] == [["true"], ["1", "2.5"]]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "Effect": st.sampled_from(["Allow", "Deny"]),
                "Action": st.sampled_from(["*", "s3:*", "s3:Get*", "s3:Put*", "iam:*"]),
                "Resource": st.sampled_from(["*", f"{BUCKET}/*", BUCKET, KEY]),
            }
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["s3:GetObject", "s3:PutObject", "iam:CreateRole"]),
    st.sampled_from([KEY, BUCKET, "arn:aws:s3:::other"]),
)
def test_one_more_deny_never_allows_more(
    statements: list[dict[str, Any]], action: str, resource: str
) -> None:
    before = asked(*statements, action=action, resource=resource)
    after = asked(*statements, statement("Deny", action="s3:*"), action=action, resource=resource)
    assert not (after.is_allowed and not before.is_allowed)
    assert not (after.is_allowed and action.startswith("s3:"))
    fewer = [one for one in statements if one["Effect"] == "Deny"]
    assert not fewer or not asked(*fewer, action=action, resource=resource).is_allowed


class TestPoliciesOfAws:
    def may(self, name: str, action: str, resource: str = "*", **given: tuple[str, ...]) -> bool:
        statements = aws_policy(f"arn:aws:iam::aws:policy/{name}")
        assert statements is not None
        return decide([Policy(name, statements)], Question(action, resource, Circumstances(given))).is_allowed

    def test_sagemakers_own_reaches_buckets_that_are_named_for_it(self) -> None:
        name = "AmazonSageMakerFullAccess"
        assert self.may(name, "s3:GetObject", "arn:aws:s3:::sagemaker-us-west-2-123456789012/x")
        assert not self.may(name, "s3:GetObject", KEY)
        assert self.may(name, "sagemaker:CreateTrainingJob", "arn:aws:sagemaker:us-west-2:1:training-job/x")
        assert not self.may(name, "iam:CreateRole", "arn:aws:iam::1:role/x")
        assert not self.may(name, "sts:AssumeRole", "arn:aws:iam::1:role/x")
        passing = {"iam:passedtoservice": ("sagemaker.amazonaws.com",)}
        assert self.may(name, "iam:PassRole", "arn:aws:iam::1:role/x", **passing)
        passing = {"iam:passedtoservice": ("lambda.amazonaws.com",)}
        assert not self.may(name, "iam:PassRole", "arn:aws:iam::1:role/x", **passing)

    def test_reading_is_no_writing(self) -> None:
        assert self.may("AmazonS3ReadOnlyAccess", "s3:GetObject", KEY)
        assert self.may("AmazonS3ReadOnlyAccess", "s3:ListBucket", BUCKET)
        assert not self.may("AmazonS3ReadOnlyAccess", "s3:PutObject", KEY)
        assert not self.may("ReadOnlyAccess", "sagemaker:CreateModel")

    def test_a_function_that_only_logs(self) -> None:
        assert self.may("service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents")
        assert not self.may("service-role/AWSLambdaBasicExecutionRole", "s3:GetObject", KEY)

    def test_one_that_is_not_known_is_none(self) -> None:
        assert aws_policy("arn:aws:iam::aws:policy/AmazonWorkMailFullAccess") is None
        assert aws_policy("arn:aws:iam::123456789012:policy/AmazonS3FullAccess") is None

    def test_without_policies_a_role_is_for_data_and_learning_of_its_own_account(self) -> None:
        policy = Policy("none", without_policies("123456789012"))

        def may(action: str, account: str = "123456789012") -> bool:
            here = Circumstances({"aws:resourceaccount": (account,)})
            return decide([policy], Question(action, "arn:aws:x:::y", here)).is_allowed

        for action in ("s3:PutObject", "sagemaker:CreateModel", "states:StartExecution", "iam:GetRole"):
            assert may(action), action
        for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "sts:AssumeRole"):
            assert not may(action), action
        assert not may("s3:PutObject", "999999999999")
