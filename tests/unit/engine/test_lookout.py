"""The lookout of an engine that serves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable

from stepmill.core.errors import StepmillError, StorageError, WrongStateError
from stepmill.engine.lookout import Lookout

LIMIT_S = 60.0


class Adopting:
    """Adopts, and remembers what."""

    def __init__(self, *refused: str) -> None:
        self.adopted: list[str] = []
        self._refused = refused
        self._changed = threading.Condition()

    def __call__(self, execution: str) -> None:
        with self._changed:
            self.adopted.append(execution)
            self._changed.notify_all()
        if execution in self._refused:
            raise WrongStateError("Its definition is refused.")

    def wait_for(self, holds: Callable[[list[str]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self.adopted), LIMIT_S), self.adopted


def _taking(
    left_behind: Callable[[], Iterable[str]], adopt: Adopting
) -> Callable[[Container[str]], dict[str, StepmillError]]:
    """Adopt what is left behind, as an engine does."""

    def take(refused: Container[str]) -> dict[str, StepmillError]:
        failed: dict[str, StepmillError] = {}
        for each in left_behind():
            if each in refused:
                continue
            try:
                adopt(each)
            except StepmillError as error:
                failed[each] = error
        return failed

    return take


def test_what_is_left_behind_is_adopted_at_once_and_again() -> None:
    adopting = Adopting()
    left = [["a"], ["b"]]
    lookout = Lookout(_taking(lambda: left.pop(0) if left else [], adopting), adopting, interval_s=0.01)
    lookout.start()
    adopting.wait_for(lambda adopted: adopted == ["a", "b"])
    lookout.close()


def test_what_is_noticed_is_adopted_without_waiting_for_the_next_look() -> None:
    adopting = Adopting()
    lookout = Lookout(_taking(list, adopting), adopting, interval_s=LIMIT_S)
    lookout.start()
    lookout.notice("a")
    adopting.wait_for(lambda adopted: adopted == ["a"])
    lookout.close()


def test_noticed_twice_while_it_waits_it_is_adopted_once() -> None:
    adopting = Adopting()
    lookout = Lookout(_taking(list, adopting), adopting, interval_s=LIMIT_S)
    for name in ("a", "a", "b"):
        lookout.notice(name)
    lookout.start()
    adopting.wait_for(lambda adopted: "b" in adopted)
    lookout.notice("a")
    adopting.wait_for(lambda adopted: adopted == ["a", "b", "a"])
    lookout.close()


def test_what_cannot_be_driven_is_tried_once() -> None:
    adopting = Adopting("bad")
    lookout = Lookout(_taking(lambda: ["bad", "good"], adopting), adopting, interval_s=0.001)
    lookout.start()
    adopting.wait_for(lambda adopted: adopted.count("good") > 3)
    lookout.close()
    assert adopting.adopted.count("bad") == 1


def test_a_store_that_fails_is_asked_again() -> None:
    adopting = Adopting()
    fails = [True, True]

    def left_behind() -> list[str]:
        if fails:
            fails.pop()
            raise StorageError("The disk is away.")
        return ["a"]

    lookout = Lookout(_taking(left_behind, adopting), adopting, interval_s=0.001)
    lookout.start()
    adopting.wait_for(lambda adopted: "a" in adopted)
    lookout.close()


def test_closed_it_adopts_nothing_more() -> None:
    adopting = Adopting()
    lookout = Lookout(_taking(lambda: ["a"], adopting), adopting, interval_s=0.001)
    lookout.close()
    lookout.start()
    lookout.notice("b")
    lookout.close()
    assert adopting.adopted == []
