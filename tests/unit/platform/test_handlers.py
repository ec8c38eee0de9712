from __future__ import annotations

from stepmill.core.tasks import TaskHandler
from stepmill.platform.handlers import ResourceHandlers
from stepmill.testing.handlers import ScriptedHandler


def test_a_handler_is_made_once_and_only_when_it_is_asked_for() -> None:
    made: list[TaskHandler] = []

    def make() -> TaskHandler:
        made.append(ScriptedHandler())
        return made[-1]

    handlers = ResourceHandlers({"a": make, "b": make})
    assert made == []
    assert handlers.get("a") is handlers.get("a") is made[0]
    assert len(made) == 1


def test_others_are_asked_in_turn_and_the_own_ones_come_first() -> None:
    own, first, second = ScriptedHandler(), ScriptedHandler(), ScriptedHandler()
    handlers = ResourceHandlers(
        {"a": lambda: own}, [lambda: {"a": first, "b": first}, lambda: {"b": second, "c": second}]
    )
    assert handlers.get("a") is own
    assert handlers.get("b") is first
    assert handlers.get("c") is second
    assert handlers.get("d") is None
