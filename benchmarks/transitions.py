"""State machines in the interpreter alone: chains of Pass and Choice, and a Map of many items.

Measured: processor time of one core for the fold of all events, with the texts of frames and history as they
are stored. The mark is 10,000 transitions/s; a Map's cost per item should not grow with the items.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime

from benchmarks.support import environment
from stepmill.core.json import write_json
from stepmill.engine.interpreters.commands import SetTimer
from stepmill.engine.interpreters.states.advance import advance
from stepmill.engine.interpreters.states.events import Event, ExecutionStarted, TimerFired
from stepmill.engine.interpreters.states.frames import Frame, encode_frame
from stepmill.engine.interpreters.states.plan import Plan, plan_of
from stepmill.language.states.definition import (
    Branch,
    ChoiceRule,
    ChoiceState,
    Comparison,
    MapState,
    PassState,
    QueryLanguage,
    State,
    StateMachine,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ARN = "arn:aws:states:us-west-2:123456789012"
STATES = 1000
ROUNDS = 9
PATHS = QueryLanguage.JSON_PATH


def chain() -> Plan:
    """Return a machine of Pass and Choice in turn."""
    states: dict[str, State] = {}
    for number in range(STATES):
        name, following = f"S{number}", f"S{number + 1}" if number + 1 < STATES else None
        path = f"/States/{name}"
        if number % 2 or following is None:
            states[name] = PassState(
                name=name, path=path, query_language=PATHS, next=following, result=number, result_path="$.n"
            )
        else:
            rule = ChoiceRule(next=following, test=Comparison("$.v", "NumericEquals", 1))
            states[name] = ChoiceState(name=name, path=path, query_language=PATHS, choices=(rule,))
    return plan_of(StateMachine(start_at="S0", states=states))


def mapped() -> Plan:
    """Return a machine of one Map, whose iterations are one Pass."""
    inner = PassState(name="P", path="/States/M/ItemProcessor/States/P", query_language=PATHS)
    each = MapState(
        name="M",
        path="/States/M",
        query_language=PATHS,
        processor=Branch(start_at="P", states={"P": inner}),
    )
    return plan_of(StateMachine(start_at="M", states={"M": each}))


def seconds(plan: Plan, text: str) -> float:
    """Return the processor time that an execution takes to its end."""
    frames: dict[str, Frame] = {}
    event: Event = ExecutionStarted(
        "e", f"{ARN}:execution:m:e", "e", f"{ARN}:stateMachine:m", "m", "r", text, NOON, "s"
    )
    begin = time.process_time()
    while True:
        outcome = advance(plan, frames, event, NOON)
        for key, frame in outcome.frames.items():
            if frame is None:
                frames.pop(key, None)
            else:
                encode_frame(frame)
                frames[key] = frame
        for fact in outcome.history:
            write_json(fact.body)
        if outcome.status is not None and outcome.status.is_final:
            return time.process_time() - begin
        (timer,) = [each for each in outcome.commands if isinstance(each, SetTimer)]
        event = TimerFired(timer.timer_id)


def main() -> None:
    """Print the figures."""
    print(environment())
    plan = chain()
    rates = sorted(STATES / seconds(plan, '{"v": 1, "items": [1, 2, 3]}') for _ in range(ROUNDS))
    print(
        f"chain: {statistics.median(rates):,.0f} transitions/s ({rates[0]:,.0f} to {rates[-1]:,.0f}); "
        "mark: 10,000"
    )
    plan = mapped()
    for items in (1_000, 10_000, 100_000):
        spent = seconds(plan, write_json(list(range(items))))
        print(f"map of {items:,}: {spent / items * 1e6:.0f} us per item; mark: flat")


if __name__ == "__main__":
    main()
