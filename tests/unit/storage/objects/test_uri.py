"""Addresses, the rules for their parts, and the bounds of prefixes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.storage.objects.uri import S3Uri, check_bucket_name, end_of_prefix
from stepmill.testing import bucket_names, object_keys

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://data/raw/a.csv", "data", "raw/a.csv"),
        ("s3://data", "data", ""),
        ("s3://data/", "data", ""),
        ("s3://data//", "data", "/"),
        ("s3://my.data-1/%20 ?#", "my.data-1", "%20 ?#"),
        ("s3://data/../x", "data", "../x"),
        ("s3://sagemaker-us-west-2-123456789012/x", "sagemaker-us-west-2-123456789012", "x"),
    ],
)
def test_an_address_is_read(text: str, bucket: str, key: str) -> None:
    assert S3Uri.parse(text) == S3Uri(bucket, key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3:/data",
        "S3://data",
        "/tmp/x",
        "https://data.s3.amazonaws.com",
        "s3://",
        "s3:///key",
        "s3://A/b",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        S3Uri.parse(text)


def test_the_refusal_shows_the_address_and_the_way_out() -> None:
    with pytest.raises(
        InvalidInputError, match=r"'data/x' is not an S3 address\. Write it as s3://bucket/key"
    ):
        S3Uri.parse("data/x")


@given(bucket_names(), st.one_of(st.just(""), object_keys()))
def test_an_address_survives_its_text(bucket: str, key: str) -> None:
    address = S3Uri(bucket, key)
    assert S3Uri.parse(str(address)) == address


@pytest.mark.parametrize(
    "name",
    ["abc", "a" * 63, "1a2", "a.b.c", "a-b", "1.2.3.x", "1.2.3", "1.2.3.4.5", "xn-a", "my-s3alias-x"],
)
def test_bucket_names_that_s3_takes(name: str) -> None:
    check_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *[
            "",
            "a",
            "ab",
            "a" * 64,
            "-abc",
            "abc-",
            ".abc",
            "abc.",
            "a..b",
            "aBc",
            "a_b",
            "ä-b",
            "a b",
            "abc\n",
        ],
        *["a/b", "1.2.3.4", "192.168.5.255", "xn--abc", "sthree-abc", "amzn-s3-demo-abc", "\u0661bc", "..."],
        *["abc-s3alias", "abc--ol-s3", "abc.mrap", "abc--x-s3", "abc--table-s3"],
    ],
)
def test_bucket_names_that_s3_refuses(name: str) -> None:
    with pytest.raises(InvalidInputError, match="name of a bucket"):
        check_bucket_name(name)


def test_a_key_is_counted_in_bytes() -> None:
    assert S3Uri("data", "ä" * 512).key
    with pytest.raises(InvalidInputError, match="1026 bytes"):
        S3Uri("data", "ä" * 513)


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(InvalidInputError, match="surrogate"):
        S3Uri("data", "a\ud800b")


@pytest.mark.parametrize(
    ("key", "parts", "expected"),
    [
        ("", ("a",), "a"),
        ("", ("a", "b"), "a/b"),
        ("raw", ("a", "b.csv"), "raw/a/b.csv"),
        ("raw/", ("a",), "raw/a"),
        ("raw", ("/a",), "raw/a"),
        ("raw/", ("/a/",), "raw/a/"),
        ("raw//", ("a",), "raw//a"),
        ("raw", ("",), "raw"),
        ("raw", (), "raw"),
        ("raw", ("..", "x"), "raw/../x"),
    ],
)
def test_joining(key: str, parts: tuple[str, ...], expected: str) -> None:
    assert S3Uri("data", key).joined(*parts) == S3Uri("data", expected)


@pytest.mark.parametrize(("key", "name"), [("a/b.csv", "b.csv"), ("b.csv", "b.csv"), ("a/", ""), ("", "")])
def test_the_name_is_what_follows_the_last_slash(key: str, name: str) -> None:
    assert S3Uri("data", key).name == name


def test_addresses_sort_as_listings_do() -> None:
    keys = ["a", "a/", "a/b", "aa", "\uffff", "\U00010000"]
    assert sorted(S3Uri("data", key) for key in reversed(keys)) == [S3Uri("data", key) for key in keys]


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        ("a", "b"),
        ("a/", "a0"),
        ("a\x00", "a\x01"),
        ("a\x7f", "a\x80"),
        ("\ud7ff", "\ue000"),
        ("\uffff", "\U00010000"),
        ("a\U0010ffff", "b"),
        ("a\U0010ffff\U0010ffff", "b"),
        ("\U0010ffff", None),
        ("", None),
    ],
)
def test_the_end_of_a_prefix(prefix: str, end: str | None) -> None:
    assert end_of_prefix(prefix) == end


@given(object_keys(), _TEXT, _TEXT)
def test_the_end_of_a_prefix_divides_exactly(prefix: str, rest: str, other: str) -> None:
    end = end_of_prefix(prefix)
    assert end is None or prefix + rest < end
    if prefix <= other and (end is None or other < end):
        assert other.startswith(prefix)


@given(object_keys(), object_keys())
def test_keys_sort_as_their_bytes(one: str, other: str) -> None:
    assert (one < other) == (one.encode() < other.encode())
