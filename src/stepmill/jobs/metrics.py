"""Reads metrics from a job's log by regular expressions.

Source: API reference, MetricDefinition; container contract, C1: the first group as a number, the time
of the line; the last value of each metric is the final one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import IO

import msgspec

from stepmill.jobs.metric_patterns import compiled, value_in
from stepmill.jobs.records import Metric, MetricPoint
from stepmill.jobs.requests.training import MetricDefinition
from stepmill.jobs.toolkit.scan_metrics import Series
from stepmill.storage.database import from_micros, to_micros

# A safety net: the scanner gives up by itself after a minute of processor time.
_LONGEST_WAIT_S = 600.0
# A process costs as much as some thousand lines; what is longer would keep other threads from their work.
_SHORT_LOG_LINES = 2000
_SCANNER = Path(__file__).parent / "toolkit" / "scan_metrics.py"


class _Found(msgspec.Struct):
    series: dict[str, list[tuple[int, float]]]
    last: dict[str, tuple[int, float]]
    slow: list[str]
    whole: bool


_FOUND = msgspec.json.Decoder(_Found)


def read_metrics(
    definitions: Sequence[MetricDefinition], lines: Iterable[tuple[datetime, str]]
) -> tuple[tuple[Metric, ...], tuple[str, ...]]:
    """Return the metrics found in a log.

    Args:
        definitions: What to look for.
        lines: The log's lines and when each was written.

    Returns:
        The metrics that have a value, in the order of their definitions; and remarks, such as that
        an expression was too slow.
    """
    if not definitions:
        return (), ()
    found = _read(definitions, lines)
    if found is None:
        return (), ("the metrics could not be read from the log",)
    notes = [
        f"the regular expression of the metric {name!r} takes too long and was given up"
        for name in found.slow
    ]
    if not found.whole:
        notes.append("the log is too long to be searched for metrics to its end")
    metrics = []
    for name in dict.fromkeys(definition.name for definition in definitions):
        if last := found.last.get(name):
            points = tuple(_point(at, value) for at, value in found.series.get(name, []))
            metrics.append(Metric(name, _point(*last), points))
    return tuple(metrics), tuple(notes)


def _point(at: int, value: float) -> MetricPoint:
    return MetricPoint(from_micros(at), value)


def _read(definitions: Sequence[MetricDefinition], lines: Iterable[tuple[datetime, str]]) -> _Found | None:
    """Read a short log here, and a long one, or one with expressions that may be slow, in another process."""
    rest = iter(lines)
    patterns = [(definition.name, compiled(definition.regex)) for definition in definitions]
    if any(pattern is None for _, pattern in patterns):
        return _scan(definitions, rest)
    first = list(islice(rest, _SHORT_LOG_LINES))
    if len(first) == _SHORT_LOG_LINES:
        return _scan(definitions, chain(first, rest))
    series = {name: Series() for name, _ in patterns}
    for at, text in first:
        for name, pattern in patterns:
            if (value := value_in(pattern, text)) is not None:
                series[name].add(to_micros(at), value)
    return _Found(
        series={name: one.points for name, one in series.items() if one.points},
        last={name: one.last for name, one in series.items() if one.last},
        slow=[],
        whole=True,
    )


def _scan(definitions: Sequence[MetricDefinition], lines: Iterable[tuple[datetime, str]]) -> _Found | None:
    """Run the expressions in a process of their own: there a hostile one can be interrupted."""
    command = [sys.executable, "-I", "-S", "-X", "utf8", str(_SCANNER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as scanner:
        try:
            if scanner.stdin is not None:
                # It may stop reading before the end of a log that is too long.
                with suppress(BrokenPipeError):
                    _feed(scanner.stdin, definitions, lines)
                with suppress(BrokenPipeError):
                    scanner.stdin.close()
                scanner.stdin = None
            answer, _ = scanner.communicate(timeout=_LONGEST_WAIT_S)
            return _FOUND.decode(answer)
        except (subprocess.TimeoutExpired, msgspec.DecodeError):
            return None
        finally:
            scanner.kill()


def _feed(
    pipe: IO[bytes], definitions: Sequence[MetricDefinition], lines: Iterable[tuple[datetime, str]]
) -> None:
    pipe.write(msgspec.json.encode([(d.name, d.regex) for d in definitions]) + b"\n")
    for at, text in lines:
        pipe.write(
            f"{to_micros(at)}\t{text}".encode(errors="replace").replace(b"\r", b" ").replace(b"\n", b" ")
            + b"\n"
        )
