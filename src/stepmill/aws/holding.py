"""Holding an answer until there is nothing left to wait for: long polling of clients that know nothing of it.

The handler is asked again and again, which costs what one call costs and needs no word from below. What is
kept open for longer than a client reads in silence begins early: status 200, and a space now and then, which
JSON allows before a document.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from stepmill.aws.calls import Outcome
from stepmill.aws.exchange import ClientGoneError, Exchange
from stepmill.aws.wire import Response

# All clients together wait for no more calls a second than this.
_MOST_CALLS_PER_S = 400.0
_SHORTEST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.25
# The longer it has lasted, the less a moment more is noticed.
_PAUSE_GROWS_BY = 1.02
# botocore's clients give up after 60 s without a byte, some programs set less.
_SILENCE = timedelta(seconds=15)
_BETWEEN_SPACES_S = 10.0


class CannotGoOnError(Exception):
    """The answer has begun as a success, and has turned out to be none."""


class Holding:
    """The requests that are held now. Used on the event loop.

    Args:
        most: So many at once; others are answered at once.
    """

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._held = 0
        self._is_ending = False

    @property
    def is_full(self) -> bool:
        """Whether no further request can be held."""
        return self._is_ending or self._held >= self._most

    def end(self) -> None:
        """Have all that are held answered as things are, and hold no more."""
        self._is_ending = True

    async def hold(
        self,
        outcome: Outcome,
        again: Callable[[], Awaitable[Outcome]],
        exchange: Exchange,
        patience: timedelta,
    ) -> Outcome:
        """Return the outcome once it is settled, or the last one when patience is at its end.

        Args:
            outcome: The first one, which is not settled.
            again: Asks again.
            exchange: Of the client; its request has been read.
            patience: How long at most.

        Raises:
            ClientGoneError: If the client goes away.
            CannotGoOnError: If the connection must be closed: it has been told of a success.
        """
        self._held += 1
        gone = asyncio.ensure_future(exchange.gone())
        try:
            return await self._hold(outcome, again, exchange, patience, gone)
        finally:
            self._held -= 1
            gone.cancel()

    async def _hold(
        self,
        outcome: Outcome,
        again: Callable[[], Awaitable[Outcome]],
        exchange: Exchange,
        patience: timedelta,
        gone: asyncio.Future[None],
    ) -> Outcome:
        begin_s = now_s = time.monotonic()
        next_space_s = begin_s + _SILENCE.total_seconds() if patience > 2 * _SILENCE else float("inf")
        has_begun = False
        pause_s = _SHORTEST_PAUSE_S
        while not outcome.is_settled and not self._is_ending and now_s < begin_s + patience.total_seconds():
            await asyncio.sleep(max(pause_s, self._held / _MOST_CALLS_PER_S))
            pause_s = min(pause_s * _PAUSE_GROWS_BY, _LONGEST_PAUSE_S)
            if gone.done():
                raise ClientGoneError
            outcome = await again()
            now_s = time.monotonic()
            if now_s >= next_space_s and not outcome.is_settled:
                if not has_begun:
                    await exchange.begin(outcome.response.headers)
                    has_begun = True
                await exchange.send_space()
                next_space_s = now_s + _BETWEEN_SPACES_S
        if has_begun and outcome.response.status != Response().status:
            raise CannotGoOnError
        return outcome
