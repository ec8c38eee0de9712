from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.jobs.access import Visitor
from stepmill.platform.door import JobDoor
from support.keeping import keeping
from support.sessions import Sessions

HERE = "http://127.0.0.1:1111"


class Addresses:
    """Answers at one address, and at former ones that a test names."""

    def __init__(self, *again: str, url: str = HERE) -> None:
        self.again, self.url = again, url
        self.asked: list[str] = []

    def address(self, former: str) -> str:
        self.asked.append(former)
        return former if former in self.again else self.url

    def close(self) -> None:
        pass


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    with keeping(tmp_path) as kept:
        yield Sessions(kept)


def visitor(folder: Path) -> Visitor:
    role = "arn:aws:iam::123456789012:role/R"
    return Visitor.of("training-job", "fit", "t", role=role, session="fit", folder=folder, lasts=timedelta(1))


def door(sessions: Sessions, addresses: Addresses | None) -> JobDoor:
    return JobDoor(lambda: addresses, lambda: sessions.sessions, "us-west-2")


def begun(folder: Path, **order: Any) -> Path:
    (folder / "spec.json").write_text(json.dumps({"job_id": "fit", "plan": None, **order}))
    return folder


def test_a_job_gets_the_address_and_its_own_key(sessions: Sessions, tmp_path: Path) -> None:
    addresses = Addresses()
    endpoint, notes = door(sessions, addresses).endpoint(visitor(tmp_path))
    assert endpoint is not None
    assert (endpoint.url, endpoint.region, notes) == (HERE, "us-west-2", ())
    assert endpoint.key == sessions.sessions.open(visitor(tmp_path))
    assert addresses.asked == [""]


def test_where_nobody_answers_there_is_none(sessions: Sessions, tmp_path: Path) -> None:
    assert not door(sessions, None).is_there
    assert door(sessions, None).endpoint(visitor(tmp_path)) == (None, ())
    assert door(sessions, Addresses(url="")).endpoint(visitor(tmp_path)) == (None, ())


@pytest.mark.parametrize(
    "order",
    [
        {"argv": ["python3"], "environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:2222"}},
        {"argv": ["podman", "run", "--env", "AWS_ENDPOINT_URL=http://127.0.0.1:2222", "image"]},
    ],
)
def test_a_job_that_has_begun_is_answered_where_it_was_told(
    sessions: Sessions, tmp_path: Path, order: dict[str, Any]
) -> None:
    folder = begun(tmp_path, **order)
    endpoint, notes = door(sessions, Addresses("http://127.0.0.1:2222")).endpoint(visitor(folder))
    assert endpoint is not None
    assert (endpoint.url, notes) == ("http://127.0.0.1:2222", ())
    _, notes = door(sessions, Addresses()).endpoint(visitor(folder))
    assert "http://127.0.0.1:2222, where nobody can answer now" in notes[0]


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"environment": 1}', "{}"])
def test_an_order_that_cannot_be_read_tells_nothing(sessions: Sessions, tmp_path: Path, text: str) -> None:
    (tmp_path / "spec.json").write_text(text)
    addresses = Addresses()
    assert door(sessions, addresses).endpoint(visitor(tmp_path))[1] == ()
    assert addresses.asked == [""]
