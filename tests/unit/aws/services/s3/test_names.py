from __future__ import annotations

import pytest

from stepmill.aws.errors import ApiError
from stepmill.aws.services.s3.names import address, copy_source, encoded, owner_of, quoted, unquoted, uri_of
from stepmill.storage.objects.uri import S3Uri


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("bucket/key", "key"),
        ("/bucket/key", "key"),
        ("bucket/a%20b%2Fc", "a b/c"),
        ("bucket/a+b", "a+b"),
        ("bucket/%C3%A4", "ä"),
        ("bucket/%2541", "%41"),
        ("bucket//", "/"),
        ("bucket/..", ".."),
        ("bucket/key?versionId=null", "key"),
        ("bucket/key%3FversionId=x", "key?versionId=x"),
        ("%2Fbucket%2Fkey", "key"),
    ],
)
def test_the_source_of_a_copy(header: str, key: str) -> None:
    assert copy_source(header) == S3Uri("bucket", key)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "InvalidArgument"),
        ("bucket", "InvalidArgument"),
        ("arn:aws:s3:us-west-2:123456789012:accesspoint/x/object/k", "InvalidArgument"),
        ("bucket/", "InvalidURI"),
        ("Bucket/key", "InvalidBucketName"),
        ("../key", "InvalidBucketName"),
        ("bucket/key?versionId=abc", "NoSuchVersion"),
        ("bucket/" + "k" * 1025, "KeyTooLongError"),
    ],
)
def test_what_is_no_source(header: str, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        copy_source(header)
    assert caught.value.code == code


def test_an_undecodable_source_is_refused_and_no_bug() -> None:
    from stepmill.core.errors import InvalidInputError

    with pytest.raises(InvalidInputError, match="Unicode"):
        copy_source("bucket/%FF")


def test_the_object_of_a_call() -> None:
    assert uri_of({"Bucket": "b-1", "Key": "k", "VersionId": "null"}) == S3Uri("b-1", "k")
    with pytest.raises(ApiError, match="does not exist") as caught:
        uri_of({"Bucket": "b-1", "Key": "k", "VersionId": ""})
    assert caught.value.status == 404


def test_a_key_is_counted_in_bytes() -> None:
    assert address("b-1", "ä" * 512).key == "ä" * 512
    with pytest.raises(ApiError) as caught:
        address("b-1", "ä" * 513)
    assert caught.value.members == {"MaxSizeAllowed": 1024}


def test_etags_and_what_is_around_them() -> None:
    assert quoted("abc") == '"abc"'
    for text in ('"abc"', "abc", ' W/"abc" ', 'W/"abc"'):
        assert unquoted(text) == "abc"


@pytest.mark.parametrize(
    ("key", "written"),
    [("a/b", "a/b"), ("a b", "a%20b"), ("ä", "%C3%A4"), ("+%", "%2B%25"), ("\x01", "%01"), ("~-._", "~-._")],
)
def test_keys_are_written_as_they_can_be_read(key: str, written: str) -> None:
    assert encoded(key, "url") == written
    assert encoded(key, None) == key


def test_nothing_is_nothing() -> None:
    assert (encoded(None, "url"), encoded("", "url")) == (None, "")


def test_an_owner_is_64_digits_and_always_the_same() -> None:
    owner = owner_of("123456789012")
    assert (len(owner["ID"]), owner) == (64, owner_of("123456789012"))
    assert owner["ID"] != owner_of("123456789013")["ID"]
