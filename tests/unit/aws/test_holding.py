from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from stepmill.aws import holding
from stepmill.aws.calls import Outcome
from stepmill.aws.exchange import ClientGoneError, Exchange
from stepmill.aws.holding import CannotGoOnError, Holding
from stepmill.aws.wire import Response

LONG = timedelta(minutes=10)
OPEN = Outcome(Response(body=b"open"), is_settled=False)
DONE = Outcome(Response(body=b"done"))
FAILED = Outcome(Response(400, body=b"failed"))


class Client:
    """The other end of a connection."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.has_gone = asyncio.Event()
        scope = {"method": "POST", "raw_path": b"/", "query_string": b"", "headers": []}
        self.exchange = Exchange(scope, self.receive, self.send)

    async def receive(self) -> dict[str, Any]:
        await self.has_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


class Script:
    """What is found when it is asked again; the last of it for ever."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.asked = 0

    async def __call__(self) -> Outcome:
        self.asked += 1
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


def play(scene: Callable[[Holding, Client], Awaitable[None]], most: int = 4) -> None:
    async def run() -> None:
        await scene(Holding(most), Client())

    asyncio.run(asyncio.wait_for(run(), 60))


def test_it_asks_again_until_it_is_settled() -> None:
    async def scene(held: Holding, client: Client) -> None:
        script = Script(OPEN, OPEN, DONE)
        assert await held.hold(OPEN, script, client.exchange, LONG) is DONE
        assert script.asked == 3
        assert client.sent == []

    play(scene)


def test_at_the_end_of_patience_the_last_outcome_holds() -> None:
    async def scene(held: Holding, client: Client) -> None:
        last = Outcome(Response(body=b"last"), is_settled=False)
        assert await held.hold(OPEN, Script(last), client.exchange, timedelta(milliseconds=120)) is last

    play(scene)


def test_an_error_is_an_end() -> None:
    async def scene(held: Holding, client: Client) -> None:
        assert await held.hold(OPEN, Script(OPEN, FAILED), client.exchange, LONG) is FAILED

    play(scene)


def test_a_client_that_goes_away_is_asked_for_no_more() -> None:
    async def scene(held: Holding, client: Client) -> None:
        script = Script(OPEN)
        holds = asyncio.ensure_future(held.hold(OPEN, script, client.exchange, LONG))
        while not script.asked:
            await asyncio.sleep(0.01)
        client.has_gone.set()
        with pytest.raises(ClientGoneError):
            await holds
        assert not held.is_full
        assert held._held == 0

    play(scene)


def test_when_it_ends_all_are_answered_and_none_is_taken() -> None:
    async def scene(held: Holding, client: Client) -> None:
        holds = [
            asyncio.ensure_future(held.hold(OPEN, Script(OPEN), client.exchange, LONG)) for _ in range(3)
        ]
        await asyncio.sleep(0)
        assert not held.is_full
        held.end()
        assert await asyncio.gather(*holds) == [OPEN] * 3
        assert held.is_full

    play(scene)


def test_no_more_are_held_than_there_is_room_for() -> None:
    async def scene(held: Holding, client: Client) -> None:
        holds = [
            asyncio.ensure_future(held.hold(OPEN, Script(OPEN), client.exchange, LONG)) for _ in range(4)
        ]
        await asyncio.sleep(0)
        assert held.is_full
        for hold in holds:
            hold.cancel()
        await asyncio.gather(*holds, return_exceptions=True)
        assert not held.is_full

    play(scene)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "_SILENCE", timedelta(milliseconds=100))
    monkeypatch.setattr(holding, "_BETWEEN_SPACES_S", 0.05)


@pytest.mark.usefixtures("hasty")
def test_a_long_wait_begins_its_answer_and_sends_spaces() -> None:
    async def scene(held: Holding, client: Client) -> None:
        named = Outcome(
            Response(headers=(("Content-Type", "application/json"),), body=b"{}"), is_settled=False
        )
        outcome = await held.hold(named, Script(*[named] * 12, DONE), client.exchange, LONG)
        await client.exchange.respond(outcome.response)
        start, *bodies = client.sent
        assert start == {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json")],
        }
        *spaces, last = bodies
        assert len(spaces) > 1
        assert {(space["body"], space["more_body"]) for space in spaces} == {(b" ", True)}
        assert last == {"type": "http.response.body", "body": b"done"}

    play(scene)


@pytest.mark.usefixtures("hasty")
def test_an_answer_that_began_well_and_fails_closes_the_connection() -> None:
    async def scene(held: Holding, client: Client) -> None:
        with pytest.raises(CannotGoOnError):
            await held.hold(OPEN, Script(*[OPEN] * 12, FAILED), client.exchange, LONG)
        assert client.sent[0]["status"] == 200

    play(scene)


@pytest.mark.usefixtures("hasty")
def test_a_short_wait_sends_nothing_before_its_answer() -> None:
    async def scene(held: Holding, client: Client) -> None:
        await held.hold(OPEN, Script(OPEN), client.exchange, timedelta(milliseconds=190))
        assert client.sent == []

    play(scene)


def test_many_who_wait_ask_no_more_often_together() -> None:
    async def scene(held: Holding, client: Client) -> None:
        script = Script(OPEN)
        holds = [
            asyncio.ensure_future(held.hold(OPEN, script, client.exchange, timedelta(seconds=1)))
            for _ in range(200)
        ]
        await asyncio.gather(*holds)
        assert script.asked <= 3 * 200, "alone each would have asked some fifteen times"

    play(scene, most=200)
