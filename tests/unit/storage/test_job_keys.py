from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stepmill.core.endpoint import JobIdentity
from stepmill.storage.job_keys import SessionKeys
from support.keeping import keeping

JOB = JobIdentity("training-job", "fit-1", "0123456789abcdef")
ENDS = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_key_is_known_again_by_its_id_and_token_alone(tmp_path: Path) -> None:
    with keeping(tmp_path) as kept:
        key = SessionKeys(kept.records).make(JOB, "Trainer", "fit-1", ENDS)
        assert key.id.startswith("ASIA")
        assert (len(key.id), len(key.secret)) == (20, 40)
        assert key.secret.isalnum()
        assert (key.name, key.expires_at, key.job) == ("Trainer/fit-1", ENDS, JOB)
        # Another process, or a later life of this one.
        keys = SessionKeys(kept.records)
        assert keys.find(key.id, key.token) == key
        assert keys.make(JOB, "Trainer", "fit-1", ENDS) == key
        assert keys.find(key.id, key.token.encode().decode()) == key


def test_two_jobs_have_nothing_in_common(tmp_path: Path) -> None:
    with keeping(tmp_path) as kept:
        keys = SessionKeys(kept.records)
        one = keys.make(JOB, "Trainer", "fit-1", None)
        others = [
            keys.make(JobIdentity("training-job", "fit-1", "other"), "Trainer", "fit-1", None),
            keys.make(JobIdentity("processing-job", "fit-1", JOB.task), "Trainer", "fit-1", None),
            keys.make(JOB, "Admin", "fit-1", None),
            keys.make(JOB, "Trainer", "fit-1", ENDS),
        ]
        for other in others:
            assert {one.id, one.secret, one.token}.isdisjoint({other.id, other.secret, other.token})
            assert keys.find(one.id, other.token) is None


def test_another_home_knows_none_of_them(tmp_path: Path) -> None:
    with keeping(tmp_path / "a") as one, keeping(tmp_path / "b") as other:
        key = SessionKeys(one.records).make(JOB, "Trainer", "fit-1", None)
        assert SessionKeys(other.records).find(key.id, key.token) is None
        assert SessionKeys(other.records).make(JOB, "Trainer", "fit-1", None).secret != key.secret


def test_a_token_that_says_something_else_is_none(tmp_path: Path) -> None:
    with keeping(tmp_path) as kept:
        keys = SessionKeys(kept.records)
        key = keys.make(JOB, "Trainer", "fit-1", ENDS)
        start, payload = key.token[:28], key.token[28:]
        said = urlsafe_b64decode(payload)
        wider = urlsafe_b64encode(said.replace(b"Trainer", b"Admin!!")).decode()
        later = urlsafe_b64encode(said.replace(b"1777593600", b"1977593600")).decode()
        assert wider != payload
        assert later != payload
        for token in (start + wider, start + later, start + payload[:-4], start + payload + "AAAA", payload):
            assert keys.find(key.id, token) is None


@pytest.mark.parametrize(
    "token", ["", "SMJ1", "SMJ1" + "A" * 24, "SMJ1" + "A" * 5_000, "SMJ1ü" * 10, "x" * 99]
)
def test_what_is_no_token_is_none(tmp_path: Path, token: str) -> None:
    with keeping(tmp_path) as kept:
        assert SessionKeys(kept.records).find("ASIAIOSFODNN7EXAMPLE", token) is None
