from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.jobs.notifications.documents import EVENT_NAMES
from stepmill.jobs.notifications.rules import NotificationRule, check_apart

FUNCTION = "arn:aws:lambda:us-west-2:123456789012:function:f"
CREATED, REMOVED = "s3:ObjectCreated:*", "s3:ObjectRemoved:*"


def rule(*events: str, name: str = "r", prefix: str = "", suffix: str = "") -> NotificationRule:
    return NotificationRule(name, FUNCTION, events or (CREATED,), prefix, suffix)


@pytest.mark.parametrize(
    ("events", "event", "fits"),
    [
        ((CREATED,), "ObjectCreated:Put", True),
        ((CREATED,), "ObjectCreated:CompleteMultipartUpload", True),
        ((CREATED,), "ObjectRemoved:Delete", False),
        (("s3:ObjectCreated:Put",), "ObjectCreated:Put", True),
        (("s3:ObjectCreated:Put",), "ObjectCreated:Copy", False),
        (("s3:ObjectCreated:Put", REMOVED), "ObjectRemoved:Delete", True),
    ],
)
def test_which_events_fit(events: tuple[str, ...], event: str, fits: bool) -> None:
    assert rule(*events).fits(event, "a") is fits


@pytest.mark.parametrize(
    ("key", "fits"), [("in/a.csv", True), ("in/a.json", False), ("out/a.csv", False), ("in/.csv", True)]
)
def test_which_keys_fit(key: str, fits: bool) -> None:
    assert rule(prefix="in/", suffix=".csv").fits("ObjectCreated:Put", key) is fits


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (rule(), rule(), True),
        (rule(), rule(REMOVED), False),
        (rule(), rule("s3:ObjectCreated:Put"), True),
        (rule("s3:ObjectCreated:Copy"), rule("s3:ObjectCreated:Put"), False),
        (rule(prefix="a/"), rule(prefix="b/"), False),
        (rule(prefix="a/"), rule(prefix="a/b/"), True),
        (rule(suffix=".csv"), rule(suffix=".json"), False),
        (rule(prefix="a/"), rule(suffix=".csv"), True),
        (rule(prefix="a/", suffix=".csv"), rule(prefix="a/", suffix=".json"), False),
    ],
)
def test_which_rules_overlap(one: NotificationRule, other: NotificationRule, overlap: bool) -> None:
    assert one.overlaps(other) is overlap
    assert other.overlaps(one) is overlap


_EVENTS = st.lists(
    st.sampled_from(
        [CREATED, REMOVED, "s3:ObjectCreated:Put", "s3:ObjectCreated:Copy", "s3:ObjectRemoved:Delete"]
    ),
    min_size=1,
    max_size=2,
)
_TEXTS = st.text("ab", max_size=2)
_RULES = st.builds(lambda e, p, s: rule(*e, prefix=p, suffix=s), _EVENTS, _TEXTS, _TEXTS)


@given(_RULES, _RULES, st.text("ab", max_size=5), st.sampled_from(sorted(EVENT_NAMES.values())))
def test_rules_that_do_not_overlap_never_tell_the_same(
    one: NotificationRule, other: NotificationRule, key: str, event: str
) -> None:
    if not one.overlaps(other):
        assert not (one.fits(event, key) and other.fits(event, key))


def test_rules_that_overlap_or_are_called_the_same_are_refused() -> None:
    check_apart([rule(name="a"), rule(REMOVED, name="b"), rule("s3:ObjectTagging:Put", name="c")])
    with pytest.raises(InvalidInputError, match="cannot share a common event type: 'a' and 'b' do"):
        check_apart([rule(name="a"), rule(name="b", prefix="x")])
    with pytest.raises(InvalidInputError, match="Two rules are called 'a'"):
        check_apart([rule(name="a"), rule(REMOVED, name="a")])


@pytest.mark.parametrize(
    ("target", "queue"),
    [
        ("arn:aws:sqs:us-west-2:123456789012:q", "q"),
        (FUNCTION, ""),
        ("arn:aws:lambda:us-west-2:123456789012", ""),
        ("", ""),
        ("arn:aws:sqs:us-west-2:123456789012:q:x", ""),
    ],
)
def test_whom_a_rule_tells(target: str, queue: str) -> None:
    assert NotificationRule("r", target, (CREATED,)).queue == queue
