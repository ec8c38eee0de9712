"""Who calls MLflow's door."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest

from stepmill.core.endpoint import AccessKey, bearer_token
from stepmill.core.http import Request
from stepmill.mlflow_rest.access import Credentials
from stepmill.mlflow_rest.errors import MlflowError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = AccessKey("AKIAOWNER", "s3cret", "default")
SESSION = AccessKey("ASIAJOB", "other", "R/job", token="t:o:ken", expires_at=NOW + timedelta(hours=1))
OVER = AccessKey("ASIAOVER", "other", "R/job", token="token", expires_at=NOW)


class Known:
    def find(self, access_key: str, token: str) -> AccessKey | None:
        return {key.id: key for key in (OWNER, SESSION, OVER)}.get(access_key)


class Stopped:
    def now(self) -> datetime:
        return NOW


def caller(authorization: str) -> AccessKey:
    headers = {"authorization": authorization} if authorization else {}
    return Credentials(Known(), Stopped()).caller(Request("GET", "/", headers=headers))


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize("key", [OWNER, SESSION])
def test_the_token_of_a_key_says_who_calls(key: AccessKey) -> None:
    assert caller(f"Bearer {bearer_token(key)}") == key
    assert caller(f"bearer {bearer_token(key)}") == key


def test_user_and_password_say_who_calls() -> None:
    assert caller(basic("AKIAOWNER:s3cret")) == OWNER
    assert caller(basic("ASIAJOB:other:t:o:ken")) == SESSION


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!",
        "Digest x",
        basic("AKIAOWNER:wrong"),
        basic("AKIAOWNER"),
        basic("AKIAOWNER:"),
        basic("nobody:s3cret"),
        basic(":"),
        basic("ASIAJOB:other"),
        basic("ASIAJOB:other:wrong"),
        basic("ASIAOVER:other:token"),
        "Bearer " + urlsafe_b64encode(b"\xff\xfe:x").decode(),
        "Bearer " + "A" * 100_000,
        "Basic \u00e9",
    ],
)
def test_all_others_are_refused(authorization: str) -> None:
    with pytest.raises(MlflowError) as raised:
        caller(authorization)
    assert raised.value.code == "UNAUTHENTICATED"
