r"""Reads values out of a log by regular expressions, in a process of its own.

A regular expression can take for ever on an unlucky line, and Python cannot interrupt it from another
thread. In a process of its own a timer can: an expression that is too slow is given up.

Reads from standard input: one line of JSON ``[[name, regex], ...]``, then the log, each line as
``<microseconds>\t<text>``. Writes one JSON object; see ``main``.
"""

from __future__ import annotations

import json
import math
import re
import signal
import sys
import time
from collections.abc import Iterable
from types import FrameType
from typing import Any

LONGEST_LINE = 4096
MOST_POINTS = 1000
# Of processor time: for one expression on one line, and for all of it.
LONGEST_SEARCH_S = 0.5
LONGEST_SCAN_S = 60.0


class TooSlowError(Exception):
    """A search took too long."""


class Series:
    """The values of one metric: at most ``MOST_POINTS``, evenly thinned, the last one always known."""

    def __init__(self) -> None:
        self.points: list[tuple[int, float]] = []
        self.last: tuple[int, float] | None = None
        self.count = 0
        self._stride = 1

    def add(self, at: int, value: float) -> None:
        """Take a value."""
        self.last = (at, value)
        if self.count % self._stride == 0:
            self.points.append(self.last)
            if len(self.points) > MOST_POINTS:
                self.points = self.points[::2]
                self._stride *= 2
        self.count += 1


class Scanner:
    """Applies expressions to lines.

    Args:
        definitions: Name and expression of each metric.
    """

    def __init__(self, definitions: Iterable[tuple[str, str]]) -> None:
        # The log agent of SageMaker writes a tab as #011, and the built-in expressions expect that.
        self._regexes = {name: re.compile(regex.replace("#011", "\t")) for name, regex in definitions}
        self.series = {name: Series() for name in self._regexes}
        self.slow: list[str] = []
        self._searches = 0
        self._seen = -1

    def scan(self, at: int, line: str) -> None:
        """Read the values out of one line, written at ``at`` microseconds since 1970."""
        line = line[:LONGEST_LINE]
        for name in list(self._regexes):
            self._searches += 1
            try:
                match = self._regexes[name].search(line)
            except TooSlowError:
                self.slow.append(name)
                del self._regexes[name]
                continue
            value = number_in(match)
            if value is not None:
                self.series[name].add(at, value)

    def on_timer(self, _number: int, _frame: FrameType | None) -> None:
        """Give up a search that was already running at the last tick."""
        if self._searches == self._seen:
            self._seen = -1
            raise TooSlowError
        self._seen = self._searches


def number_in(match: Any) -> float | None:
    """Return the finite number in the first group of a match, of any engine; ``None`` if there is none."""
    if match is None:
        return None
    try:
        value = float(match[1] or "")
    except (ValueError, IndexError):
        return None
    return value if math.isfinite(value) else None


def main() -> None:
    """Scan standard input; write one JSON object.

    Its members: ``series``, name -> ``[[microseconds, value], ...]``; ``last``, name -> the last of them;
    ``slow``, names of the expressions given up; ``whole``, whether the log was read to its end.
    """
    lines = iter(sys.stdin)
    scanner = Scanner(json.loads(next(lines)))
    signal.signal(signal.SIGVTALRM, scanner.on_timer)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_SEARCH_S, LONGEST_SEARCH_S)
    whole = True
    for count, line in enumerate(lines):
        at, _, text = line.rstrip("\n").partition("\t")
        try:
            scanner.scan(int(at), text)
        except TooSlowError:
            # The timer struck between two searches.
            continue
        if count % 1024 == 0 and time.process_time() > LONGEST_SCAN_S:
            whole = False
            break
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    found = {
        "series": {name: series.points for name, series in scanner.series.items() if series.points},
        "last": {name: series.last for name, series in scanner.series.items() if series.last},
        "slow": scanner.slow,
        "whole": whole,
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
