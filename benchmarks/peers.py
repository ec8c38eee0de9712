"""The chain of steps that do nothing in Metaflow and in Dagster, and here, in one run.

Each is run as its users run it, as a whole command, with its own default of one process per step
and everything kept on the local disk. The time per step is that of a long chain less that of a
short one, so that what each pays once for its start does not count; the start is printed beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.support import environment

SHORT, LONG = 2, 12

METAFLOW = """
from metaflow import FlowSpec, step

class Chain(FlowSpec):
    @step
    def start(self):
        self.next(self.s1)
{middle}
    @step
    def end(self):
        pass

if __name__ == "__main__":
    Chain()
"""

DAGSTER = """
from dagster import job, op

@op
def first():
    return 0

@op
def nothing(before):
    return 0

@job
def chain():
    value = first()
    for _ in range({length} - 1):
        value = nothing(value)
"""

STEPMILL = """
from stepmill import Pipeline, ProcessingStep

steps = []
for number in range({length}):
    step = ProcessingStep(f"Step-{{number}}", code="nothing.py", image="python")
    if steps:
        step.after(steps[-1])
    steps.append(step)
chain = Pipeline("Chain", steps)
"""


def metaflow(folder: Path, length: int) -> list[str]:
    """Return the command that runs a chain in Metaflow."""
    inner = length - 2
    middle = "".join(
        f"    @step\n    def s{n}(self):\n        self.next(self.{f's{n + 1}' if n < inner else 'end'})\n"
        for n in range(1, inner + 1)
    )
    text = METAFLOW.format(middle=middle)
    if not inner:
        text = text.replace("self.next(self.s1)", "self.next(self.end)")
    (folder / f"metaflow_{length}.py").write_text(text)
    return [sys.executable, f"metaflow_{length}.py", "run"]


def dagster(folder: Path, length: int) -> list[str]:
    """Return the command that runs a chain in Dagster."""
    (folder / f"dagster_{length}.py").write_text(DAGSTER.format(length=length))
    return [sys.executable, "-m", "dagster", "job", "execute", "-f", f"dagster_{length}.py", "-j", "chain"]


def stepmill(folder: Path, length: int) -> list[str]:
    """Return the command that runs a chain here."""
    (folder / "nothing.py").write_text("pass\n")
    (folder / f"stepmill_{length}.py").write_text(STEPMILL.format(length=length))
    return [sys.executable, "-m", "stepmill", "run", f"stepmill_{length}.py"]


def seconds(folder: Path, command: list[str]) -> float:
    """Return how long a command takes."""
    (folder / "dagster-home").mkdir(exist_ok=True)
    more = {
        "METAFLOW_USER": "bench",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "DAGSTER_HOME": str(folder / "dagster-home"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "STEPMILL_HOME": str(folder / "stepmill-home"),
    }
    begin = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **more}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - begin


def main() -> None:
    """Print the time per step of each, and the ratios."""
    print(environment())
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as name:
        folder = Path(name)
        for tool, command in (("stepmill", stepmill), ("metaflow", metaflow), ("dagster", dagster)):
            short = min(seconds(folder, command(folder, SHORT)) for _ in range(2))
            long = min(seconds(folder, command(folder, LONG)) for _ in range(2))
            found[tool] = (long - short) / (LONG - SHORT)
            print(
                f"{tool} {version(tool)}: {1000 * found[tool]:.0f} ms a step "
                f"({SHORT} steps {short:.2f} s, {LONG} steps {long:.2f} s)",
                flush=True,
            )
    for tool in ("metaflow", "dagster"):
        print(f"{tool} takes {found[tool] / found['stepmill']:.0f} times as long a step; mark: at least 10")


if __name__ == "__main__":
    main()
