"""Activities, and work that waits for workers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stepmill.catalog.activities import Activities, ActivityWork
from stepmill.core.errors import InvalidInputError, NotFoundError
from support.integrating import home

ARN = "arn:aws:states:us-west-2:123456789012:activity:label"


@pytest.fixture
def activities(tmp_path: Path) -> Iterator[Activities]:
    with home(tmp_path) as platform:
        platform.activities.create("label")
        yield platform.activities


def work(number: int = 1) -> ActivityWork:
    return ActivityWork(f"run/Label/{number}", f"token-{number}", f'{{"n":{number}}}')


def test_making_one_again_changes_nothing(activities: Activities) -> None:
    assert activities.create("label") == activities.get("label")
    assert activities.arns.activity("label") == ARN


@pytest.mark.parametrize("name", ["", "a b", "a*b", "a" * 81, "a:b", "a/b"])
def test_names_that_aws_refuses_are_refused(activities: Activities, name: str) -> None:
    with pytest.raises(InvalidInputError, match="Invalid Name"):
        activities.create(name)


def test_one_that_is_removed_is_gone(activities: Activities) -> None:
    activities.delete("label")
    activities.delete("label")
    with pytest.raises(NotFoundError, match=f"Activity Does Not Exist: '{ARN}'"):
        activities.get("label")


def test_they_are_listed_page_by_page(activities: Activities) -> None:
    for name in ("b", "c"):
        activities.create(name)
    first = activities.list(limit=2)
    second = activities.list(limit=2, after=first.next_token)
    assert [record.name for record in (*first.records, *second.records)] == ["label", "b", "c"]
    assert second.next_token is None


def test_work_is_fetched_once_in_the_order_in_which_it_came(activities: Activities) -> None:
    for number in (1, 2):
        activities.offer(ARN, work(number))
    assert activities.fetch("label", "w") == work(1)
    assert activities.fetch("label", "") == work(2)
    assert activities.fetch("label", "w") is None


def test_work_that_was_fetched_is_not_offered_again(activities: Activities) -> None:
    activities.offer(ARN, work())
    activities.offer(ARN, work())
    assert activities.fetch("label", "w") == work()
    activities.offer(ARN, work())
    assert activities.fetch("label", "w") is None


def test_work_that_is_withdrawn_is_not_fetched(activities: Activities) -> None:
    activities.offer(ARN, work(1))
    activities.offer(ARN, work(2))
    activities.withdraw("run/Label/1")
    activities.withdraw("run/Label/unknown")
    assert activities.fetch("label", "w") == work(2)


def test_each_activity_has_work_of_its_own(activities: Activities) -> None:
    activities.create("other")
    activities.offer(ARN, work())
    assert activities.fetch("other", "w") is None


def test_an_id_of_any_length_is_an_id(activities: Activities) -> None:
    long = ActivityWork("run/" + "x" * 2000, "token", "{}")
    activities.offer(ARN, long)
    assert activities.fetch("label", "w") == long
    activities.withdraw(long.task_id)


@pytest.mark.parametrize(
    "arn", ["", "label", ARN.replace("label", "none"), ARN.replace("activity", "stateMachine")]
)
def test_work_of_no_activity_is_refused(activities: Activities, arn: str) -> None:
    with pytest.raises(NotFoundError, match="Activity Does Not Exist"):
        activities.offer(arn, work())


def test_workers_that_come_together_get_different_work(activities: Activities) -> None:
    for number in range(20):
        activities.offer(ARN, work(number))
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: activities.fetch("label", "w"), range(25)))
    tokens = [each.token for each in found if each is not None]
    assert len(tokens) == 20
    assert len(set(tokens)) == 20
