from __future__ import annotations

import pytest

from stepmill.catalog.permissions.circumstances import Circumstances, UnknownKeyError
from stepmill.catalog.permissions.conditions import Condition, is_operator
from stepmill.catalog.permissions.templates import Template

HERE = Circumstances(
    {
        "aws:principalaccount": ("123456789012",),
        "aws:currenttime": ("2026-03-01T12:00:00Z",),
        "aws:epochtime": ("1772366400",),
        "aws:sourceip": ("10.1.2.3",),
        "aws:principalarn": ("arn:aws:iam::123456789012:role/team/Trainer",),
        "aws:securetransport": ("true",),
        "aws:tagkeys": ("team", "stage"),
        "s3:prefix": ("raw/2026/",),
        "s3:max-keys": ("100",),
        "x:none": (),
        "x:blob": ("aGk=",),
    },
    {"aws:principaltag/": lambda name: {"Team": ("ml",), "Odd": ("a*b",)}.get(name, ())},
)


def holds(operator: str, key: str, *values: str) -> bool:
    return Condition(operator, key, tuple(Template(value, True) for value in values)).holds(HERE)


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [
        ("StringEquals", "aws:PrincipalAccount", ["123456789012"], True),
        ("StringEquals", "AWS:principalACCOUNT", ["1", "123456789012"], True),
        ("StringEquals", "s3:prefix", ["raw/*"], False),
        ("StringEquals", "x:none", ["a"], False),
        ("StringNotEquals", "s3:prefix", ["raw/", "raw/2026"], True),
        ("StringNotEquals", "s3:prefix", ["raw/", "raw/2026/"], False),
        ("StringNotEquals", "x:none", ["a"], True),
        ("StringEqualsIgnoreCase", "s3:prefix", ["RAW/2026/"], True),
        ("StringNotEqualsIgnoreCase", "s3:prefix", ["RAW/2026/"], False),
        ("StringLike", "s3:prefix", ["raw/*"], True),
        ("StringLike", "s3:prefix", ["RAW/*"], False),
        ("StringNotLike", "s3:prefix", ["raw/*"], False),
        ("StringLikeIfExists", "x:none", ["a"], True),
        ("StringLikeIfExists", "s3:prefix", ["other/*"], False),
        ("NumericLessThanEquals", "s3:max-keys", ["100"], True),
        ("NumericLessThan", "s3:max-keys", ["100"], False),
        ("NumericEquals", "s3:max-keys", ["100.0"], True),
        ("NumericNotEquals", "s3:max-keys", ["100.0"], False),
        ("NumericGreaterThan", "s3:max-keys", ["9"], True),
        ("NumericGreaterThan", "s3:max-keys", ["many"], False),
        ("DateGreaterThan", "aws:CurrentTime", ["2026-01-01T00:00:00Z"], True),
        ("DateLessThan", "aws:CurrentTime", ["2026-01-01"], False),
        ("DateLessThan", "aws:CurrentTime", ["1900000000"], True),
        ("DateEquals", "aws:EpochTime", ["2026-03-01T12:00:00Z"], True),
        ("DateLessThan", "aws:CurrentTime", ["never"], False),
        ("Bool", "aws:SecureTransport", ["TRUE"], True),
        ("Bool", "aws:SecureTransport", ["false"], False),
        ("Bool", "aws:MultiFactorAuthPresent", ["true"], False),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", ["false"], True),
        ("BinaryEquals", "x:blob", ["aGk="], True),
        ("BinaryEquals", "x:blob", ["!"], False),
        ("IpAddress", "aws:SourceIp", ["10.0.0.0/8"], True),
        ("IpAddress", "aws:SourceIp", ["192.168.0.0/16", "nonsense"], False),
        ("NotIpAddress", "aws:SourceIp", ["192.168.0.0/16"], True),
        ("ArnLike", "aws:PrincipalArn", ["arn:aws:iam::*:role/*"], True),
        ("ArnLike", "aws:PrincipalArn", ["arn:*:role/team/Trainer"], False),
        ("ArnEquals", "aws:PrincipalArn", ["arn:aws:iam::123456789012:role/team/T?ainer"], True),
        ("ArnNotLike", "aws:PrincipalArn", ["arn:aws:iam::*:user/*"], True),
        ("Null", "x:none", ["true"], True),
        ("Null", "s3:prefix", ["true"], False),
        ("Null", "s3:prefix", ["false"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "stage", "cost"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team"], False),
        ("ForAllValues:StringEquals", "x:none", ["team"], True),
        ("ForAnyValue:StringLike", "aws:TagKeys", ["st*"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["cost"], False),
        ("ForAnyValue:StringEquals", "x:none", ["cost"], False),
        ("ForAnyValue:StringNotEquals", "x:none", ["cost"], False),
    ],
)
def test_an_operator(operator: str, key: str, values: list[str], expected: bool) -> None:
    assert holds(operator, key, *values) is expected


def test_variables_stand_for_what_the_request_has() -> None:
    assert holds("StringEquals", "aws:PrincipalTag/Team", "ml")
    assert holds("StringEquals", "s3:prefix", "raw/2026/")
    assert holds("StringLike", "s3:prefix", "${aws:PrincipalTag/Absent, 'raw'}/*")
    assert not holds("StringLike", "s3:prefix", "${aws:PrincipalTag/Absent}/*")
    assert not holds("StringLike", "s3:prefix", "${aws:PrincipalTag/Team}/*")
    assert not holds("StringLike", "s3:prefix", "raw${*}")


def test_the_value_of_a_variable_brings_no_wildcard() -> None:
    template = Template("x/${aws:PrincipalTag/Odd}/*", True)
    assert template.matches("x/a*b/c", HERE)
    assert not template.matches("x/aXb/c", HERE)


def test_before_version_2012_a_variable_is_text() -> None:
    assert Template("${aws:PrincipalTag/Team}").matches("${aws:PrincipalTag/Team}", HERE)
    assert not Template("${aws:PrincipalTag/Team}").matches("ml", HERE)


@pytest.mark.parametrize("key", ["aws:Nobody", "s3:ExistingObjectTag/x", "sagemaker:InstanceTypes"])
def test_a_key_of_which_nothing_is_known_is_told_by_its_name(key: str) -> None:
    with pytest.raises(UnknownKeyError) as raised:
        holds("StringEquals", key, "a")
    assert raised.value.key == key


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("StringLike", True),
        ("ForAllValues:StringLikeIfExists", True),
        ("Null", True),
        ("Matches", False),
        ("stringlike", False),
        ("", False),
        ("IfExists", False),
    ],
)
def test_operators_are_known_by_name(name: str, known: bool) -> None:
    assert is_operator(name) is known
