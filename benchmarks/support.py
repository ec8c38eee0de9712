"""What the benchmarks share: a home of their own, chains of steps, medians."""

from __future__ import annotations

import argparse
import platform as machine
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stepmill import Pipeline, ProcessingStep
from stepmill.core.settings import Settings
from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.platform import Platform, StartOptions

NOTHING = "pass\n"
IMPORTS = "import pandas\nimport sklearn.ensemble\nimport sklearn.model_selection\n"


def seconds_asked(about: str | None, usual: float) -> float:
    """Return for how many seconds a benchmark is to go on, as its command line says: ``--seconds``."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seconds", type=float, default=usual)
    return float(parser.parse_args().seconds)


@contextmanager
def bench_platform(**settings: object) -> Iterator[tuple[Platform, Path]]:
    """Give a platform with a new home, and a folder for scripts."""
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as name:
        folder = Path(name)
        made = Settings(home=folder / "home", project=folder, **settings)  # type: ignore[arg-type]
        with Platform(made, remark=print) as platform:
            yield platform, folder


def chain(folder: Path, length: int, script: str, name: str = "Chain") -> Pipeline:
    """Return a pipeline of processing steps, each of which waits for the one before."""
    code = folder / f"{name}.py"
    code.write_text(script)
    steps: list[ProcessingStep] = []
    for number in range(length):
        step = ProcessingStep(f"Step-{number:04}", code=str(code), image="python")
        if steps:
            step.after(steps[-1])
        steps.append(step)
    return Pipeline(name, steps, folder=folder)


def execute(platform: Platform, pipeline: Pipeline) -> float:
    """Run a pipeline to its end; return the seconds from its start to its end."""
    compiled = pipeline.compile()
    version = platform.deploy(compiled.name, compiled.definition, compiled)
    begin = time.perf_counter()
    wait_until_succeeded(platform, platform.start(version, StartOptions({})))
    return time.perf_counter() - begin


def wait_until_succeeded(platform: Platform, execution: str) -> None:
    """Wait for the end of an execution; a benchmark is over if it has failed."""
    ended = platform.engine.wait(execution)
    if ended.status is not PipelineExecutionStatus.SUCCEEDED:
        raise SystemExit(f"{execution} is {ended.status}: {ended.failure_reason}")


def rounds(count: int, *measures: Callable[[], float]) -> list[list[float]]:
    """Measure in turn, A B A B ..., so that a drift of the machine hits all alike."""
    found: list[list[float]] = [[] for _ in measures]
    for _ in range(count):
        for series, measure in zip(found, measures, strict=True):
            series.append(measure())
    return found


def show(name: str, ours: list[float], theirs: list[float], mark: str, unit: str = "s") -> None:
    """Print both medians, and the median of the ratios pair by pair."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"{name}: {statistics.median(ours):.3f} {unit} against {statistics.median(theirs):.3f} {unit}; "
        f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}); mark: {mark}",
        flush=True,
    )


def environment() -> str:
    """Return a line about the machine."""
    return f"Python {machine.python_version()}, {machine.platform()}"
