from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepmill.aws.errors import ApiError
from stepmill.aws.services.s3.conditions import check_read, check_source, etag_condition, write_condition
from stepmill.storage.objects.attributes import ALWAYS, Condition
from stepmill.storage.objects.info import ObjectInfo

# HTTP tells it without the fraction.
MODIFIED = datetime(2026, 1, 1, 12, 0, 0, 400_000, tzinfo=UTC)
TOLD = MODIFIED.replace(microsecond=0)
SECOND = timedelta(seconds=1)
INFO = ObjectInfo("bucket", "k", 1, MODIFIED, etag="e")

GIVEN, KNOWN, REFUSED = "given", "known", "refused"

# (If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since) -> what happens; None: not sent.
_TABLE = [
    (None, None, None, None, GIVEN),
    ('"e"', None, None, None, GIVEN),
    ('"x"', None, None, None, REFUSED),
    ("*", None, None, None, GIVEN),
    ('"x", "e"', None, None, None, GIVEN),
    (None, '"e"', None, None, KNOWN),
    (None, '"x"', None, None, GIVEN),
    (None, "*", None, None, KNOWN),
    (None, None, TOLD, None, KNOWN),
    (None, None, TOLD - SECOND, None, GIVEN),
    (None, None, None, TOLD, GIVEN),
    (None, None, None, TOLD - SECOND, REFUSED),
    # That of the ETag counts more than that of the moment.
    ('"e"', None, None, TOLD - SECOND, GIVEN),
    (None, '"x"', TOLD, None, GIVEN),
    (None, '"e"', TOLD - SECOND, None, KNOWN),
    # That which refuses counts more than that which spares the bytes.
    ('"x"', '"e"', None, None, REFUSED),
    (None, None, TOLD, TOLD - SECOND, REFUSED),
    ('"e"', '"e"', None, None, KNOWN),
]


def _asked(prefix: str, *values: Any) -> dict[str, Any]:
    names = ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")
    return {f"{prefix}{name}": value for name, value in zip(names, values, strict=True) if value is not None}


@pytest.mark.parametrize(("match", "none", "since", "until", "happens"), _TABLE)
def test_reading(match: str | None, none: str | None, since: Any, until: Any, happens: str) -> None:
    asked = _asked("", match, none, since, until)
    if happens == REFUSED:
        with pytest.raises(ApiError) as caught:
            check_read(asked, INFO)
        assert (caught.value.code, caught.value.status) == ("PreconditionFailed", 412)
    else:
        assert check_read(asked, INFO) is (happens == KNOWN)


@pytest.mark.parametrize(("match", "none", "since", "until", "happens"), _TABLE)
def test_copying(match: str | None, none: str | None, since: Any, until: Any, happens: str) -> None:
    asked = _asked("CopySource", match, none, since, until)
    if happens == GIVEN:
        check_source(asked, INFO)
    else:
        with pytest.raises(ApiError) as caught:
            check_source(asked, INFO)
        assert caught.value.code == "PreconditionFailed"


def test_writing() -> None:
    assert write_condition({}) == ALWAYS
    assert write_condition({"IfNoneMatch": "*"}) == Condition(absent=True)
    assert write_condition({"IfMatch": '"e"'}) == Condition(etag="e")
    assert write_condition({"IfMatch": "*"}) == Condition(present=True)
    assert etag_condition(None) == ALWAYS


@pytest.mark.parametrize("asked", [{"IfNoneMatch": '"e"'}, {"IfNoneMatch": "*", "IfMatch": '"e"'}])
def test_writing_on_what_s3_does_not_know(asked: dict[str, str]) -> None:
    with pytest.raises(ApiError) as caught:
        write_condition(asked)
    assert (caught.value.code, caught.value.status) == ("NotImplemented", 501)
