"""How long a client that waits is kept waiting: by what it asked before, and by what it says it is.

AWS's SDKs ask, and sleep, and ask again; the sleep is theirs, and skipped only if the first answer is the
last. So an answer that is not settled is held until it is, for those who would ask again:

- A botocore waiter (its user agent says so): from its first call on, for as long as a hold may take.
  ``execution.wait()`` of both SDKs is one.
- SageMaker's SDKs: the first Describe that comes some seconds after the same key created the thing is held
  shortly, so that a log that is being followed is not cut off for long. From the second on a client that
  has paused, and has not read the thing's log in between, is one that only waits, and is held for long.
- Any other program that comes back to the same thing after some seconds: shortly.
- ``get_log_events`` at the end of a log that is still written: shortly, for whoever waits for the job or
  goes on reading. So a log that is followed comes line by line.

Nobody else is held: not the ``aws`` command, whose user wants to see how things stand, and not a program
that asks every second anyway.

What the SDKs' own sleeps make impossible, whatever a server does: SDK 2 sleeps 5 s before the first
Describe of ``fit`` (10 s for processing and transform, 30 s for ``deploy``), so a job that is shorter
returns only then. One that is followed with its log and ends after the first hold is noticed at the next
Describe (every 30 s in SDK 2, every 5 s in SDK 3), and SDK 2 then sleeps for 10 s once more to read the
rest of the log. A client that waits without the log sleeps once, for 5 s, between the short hold and the
long one.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from stepmill.aws.service import Call

NOT_AT_ALL = timedelta(0)
# Well below the 60 s after which botocore gives up reading.
SHORTLY = timedelta(seconds=20)
# With something sent every few seconds meanwhile.
LONG = timedelta(minutes=10)

# Who comes back later than this has not been waiting.
_MOMENT_S = 120.0
# Who comes back sooner would see the end soon enough.
_PAUSE_S = 2.0
_MOST_REMEMBERED = 4096

# botocore tells the features that it uses as letters, ``m/D,B,e``; B is a waiter.
_WAITER = re.compile(r"(?:^|\s)m/(?:[^\s,]+,)*B(?:,|\s|$)")
_SAGEMAKER_SDK = re.compile(r"AWS-SageMaker(?:-Python-SDK|Core)")
_COMMAND_LINE = "aws-cli/"
_READS_LOGS = frozenset({"GetLogEvents", "FilterLogEvents", "DescribeLogStreams"})
_MAKES = ("Create", "Start")
_STREAM_MEMBERS = ("logStreamName", "logStreamNamePrefix")

_Key = tuple[str, ...]


class Waiting:
    """Remembers who asked what, for as long as it says something about who waits. Not thread-safe."""

    def __init__(self) -> None:
        # All three: what -> when, in seconds of a monotonic clock.
        self._asked = _Recent()
        self._made = _Recent()
        self._logs_read = _Recent()
        self._waited_for = _Recent()

    def note(self, call: Call, members: Mapping[str, Any] | None, *, is_settled: bool, now_s: float) -> None:
        """Remember a call that was answered.

        Args:
            call: It.
            members: The answer; ``None``: it was an error.
            is_settled: Whether there is nothing left to wait for.
            now_s: When, by a monotonic clock.
        """
        key = call.caller.access_key
        if call.operation in _READS_LOGS:
            for job in _jobs_of_logs(call.parameters):
                self._logs_read.put((key, job), now_s)
        elif call.operation.startswith(_MAKES) and members is not None:
            for name in (*_names(call.parameters), *_names(members)):
                self._made.put((key, name), now_s)
        if call.operation in _READS_LOGS:
            return
        asking = _asking(call)
        if is_settled:
            self._asked.forget(asking)
            return
        self._asked.put(asking, now_s)
        for name in _names(call.parameters):
            self._waited_for.put((key, name), now_s)

    def patience(self, call: Call, now_s: float) -> timedelta:
        """Return for how long a call whose answer is not settled may be held.

        Args:
            call: It; not yet noted.
            now_s: By the clock of ``note``.
        """
        agent = call.request.headers.get("user-agent", "")
        if _WAITER.search(agent):
            return LONG
        if agent.startswith(_COMMAND_LINE):
            return NOT_AT_ALL
        if call.operation in _READS_LOGS:
            return SHORTLY if self._follows(call, now_s) else NOT_AT_ALL
        is_sdk = _SAGEMAKER_SDK.search(agent) is not None
        since_s = self._asked.since(_asking(call), now_s)
        has_paused = since_s >= _PAUSE_S
        if since_s <= _MOMENT_S:
            if not is_sdk:
                return SHORTLY if has_paused else NOT_AT_ALL
            return LONG if has_paused and not self._reads_log_of(call, now_s) else SHORTLY
        if is_sdk and any(
            _PAUSE_S <= self._made.since((call.caller.access_key, name), now_s) <= _MOMENT_S
            for name in _names(call.parameters)
        ):
            return SHORTLY
        return NOT_AT_ALL

    def _follows(self, call: Call, now_s: float) -> bool:
        return "nextToken" in call.parameters or any(
            self._waited_for.since((call.caller.access_key, job), now_s) <= _MOMENT_S
            for job in _jobs_of_logs(call.parameters)
        )

    def _reads_log_of(self, call: Call, now_s: float) -> bool:
        return any(
            self._logs_read.since((call.caller.access_key, name), now_s) <= _MOMENT_S
            for name in _names(call.parameters)
        )


class _Recent:
    """When something last was: of so many things, those that were last."""

    def __init__(self) -> None:
        self._at_s: OrderedDict[_Key, float] = OrderedDict()

    def put(self, key: _Key, now_s: float) -> None:
        self._at_s[key] = now_s
        self._at_s.move_to_end(key)
        if len(self._at_s) > _MOST_REMEMBERED:
            self._at_s.popitem(last=False)

    def forget(self, key: _Key) -> None:
        self._at_s.pop(key, None)

    def since(self, key: _Key, now_s: float) -> float:
        at_s = self._at_s.get(key)
        return float("inf") if at_s is None else now_s - at_s


def _asking(call: Call) -> _Key:
    values = (f"{name}={value!r}" for name, value in sorted(call.parameters.items()))
    return (call.caller.access_key, call.operation, *values)


def _names(members: Mapping[str, Any]) -> Iterator[str]:
    """Give what a call or an answer names: a job, an execution."""
    for name, value in members.items():
        if isinstance(value, str) and name.endswith(("Name", "Arn")):
            yield value


def _jobs_of_logs(parameters: Mapping[str, Any]) -> Iterable[str]:
    # Streams are named JOB/algo-1-TIME.
    return [str(parameters[name]).partition("/")[0] for name in _STREAM_MEMBERS if name in parameters]
