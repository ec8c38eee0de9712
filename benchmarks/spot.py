"""What an interruption costs: work that is done again, beside the work since the last checkpoint.

A training counts, keeps a checkpoint now and then, and pays no heed to SIGTERM, so that it is killed in the
middle, at moments by chance. Its log tells what had been done, what had been kept, and where it went on.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from benchmarks.support import bench_platform, environment, wait_until_succeeded
from stepmill import Pipeline, TrainingStep
from stepmill.compute.log_parts import log_parts
from stepmill.core.settings import SpotSetting
from stepmill.jobs.records import TRAINING_JOB
from stepmill.platform import Platform, StartOptions

ROUNDS = 5
INTERRUPTIONS = 4
UNITS = 1000
GRACE = timedelta(seconds=0.1)
EVERY = 40  # units between two checkpoints: a fifth of a second
IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/stepmill-python:3"
SCRIPT = """
import os, pathlib, signal, time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
state = pathlib.Path("/opt/ml/checkpoints/done.txt")
done = int(state.read_text()) if state.exists() else 0
print("from", done, time.time(), flush=True)
for unit in range(done + 1, {units} + 1):
    end = time.perf_counter() + 0.005
    while time.perf_counter() < end:
        pass
    print("unit", unit, flush=True)
    if unit % {every} == 0:
        state.with_suffix(".new").write_text(str(unit))
        os.replace(state.with_suffix(".new"), state)
        print("kept", unit, flush=True)
"""


def until(look: Callable[[], object]) -> None:
    """Look every hundredth of a second until there is something."""
    deadline = time.monotonic() + 120
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit("The training has come to nothing.")
        time.sleep(0.01)


class Training:
    """A training in a pipeline.

    Args:
        platform: Runs it.
        pipeline: The only step of which it is.
    """

    def __init__(self, platform: Platform, pipeline: Pipeline) -> None:
        compiled = pipeline.compile()
        version = platform.deploy(compiled.name, compiled.definition, compiled)
        self._platform = platform
        self._execution = platform.start(version, StartOptions({}))

    def log(self) -> str:
        """Return what it has written so far."""
        return b"".join(part.path.read_bytes() for job in self._jobs() for part in log_parts(job)).decode()

    def interrupt(self) -> float:
        """Take its capacity away; return the moment."""
        (job,) = self._jobs()
        moment = time.time()
        self._platform.interruptions.interrupt(job.name)
        return moment

    def wait(self) -> None:
        """Wait for its end."""
        wait_until_succeeded(self._platform, self._execution)

    def _jobs(self) -> list[Path]:
        return list((self._platform.layout.jobs / TRAINING_JOB).glob(f"*{self._execution}*"))


def interrupted(platform: Platform, pipeline: Pipeline, chance: random.Random) -> tuple[str, list[float]]:
    """Run a training, and interrupt it; return its log, and the moments of the interruptions."""
    training = Training(platform, pipeline)
    moments: list[float] = []
    while len(moments) < INTERRUPTIONS:
        until(lambda: training.log().count("from ") > len(moments))
        time.sleep(chance.uniform(0.1, 0.7))
        moments.append(training.interrupt())
    training.wait()
    return training.log(), moments


def read_log(log: str) -> tuple[int, int, list[float]]:
    """Return the units done again, those since the last checkpoints, and when each attempt began."""
    again = since = last = kept = 0
    begun = []
    for line in log.splitlines():
        if found := re.fullmatch(r"unit (\d+)", line):
            last = int(found[1])
        elif found := re.fullmatch(r"kept (\d+)", line):
            kept = int(found[1])
        elif found := re.fullmatch(r"from (\d+) ([\d.]+)", line):
            begun.append(float(found[2]))
            again += last - int(found[1])
            since += last - kept
    return again, since, begun


def main() -> None:
    """Print the ratio of what was done again to what was not kept."""
    print(environment())
    chance = random.Random(7)
    again = since = 0
    waits: list[float] = []
    spot = SpotSetting(grace=GRACE, capacity_wait=timedelta(0))
    with bench_platform(spot=spot) as (platform, folder):
        (folder / "count.py").write_text(SCRIPT.format(units=UNITS, every=EVERY))
        step = TrainingStep("Count", entry_point="count.py", image=IMAGE, spot=True, checkpoints=True)
        pipeline = Pipeline("Spot", [step], folder=folder)
        for _ in range(ROUNDS):
            log, moments = interrupted(platform, pipeline, chance)
            more, lost, begun = read_log(log)
            again, since = again + more, since + lost
            waits += [later - earlier for earlier, later in zip(moments, begun[1:], strict=True)]
    print(
        f"{len(waits)} interruptions: {again} units done again against {since} since the last checkpoint; "
        f"ratio {again / since:.3f}; mark: at most 1"
    )
    print(
        f"  from an interruption until it goes on {statistics.median(waits):.2f} s ({min(waits):.2f} to "
        f"{max(waits):.2f}), of which {GRACE.total_seconds()} s are grace time"
    )


if __name__ == "__main__":
    main()
