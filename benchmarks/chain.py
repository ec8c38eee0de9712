"""A chain of 20 processing steps, beside the 20 scripts run bare, one after another.

Measured: from the start of the execution to its end, in a process whose warm parents are up, as in a
server or in the second execution of a notebook. The whole command, with Python, imports and the
first start of everything, is measured, too, and printed beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.support import IMPORTS, NOTHING, bench_platform, chain, environment, execute, rounds, show

STEPS = 20
ROUNDS = 9


def bare(script: Path) -> float:
    """Return the seconds that the scripts take one after another."""
    begin = time.perf_counter()
    for _ in range(STEPS):
        subprocess.run([sys.executable, str(script)], check=True)
    return time.perf_counter() - begin


def whole_command(folder: Path, script: Path) -> float:
    """Return the seconds of ``stepmill run`` in a new home, all set-up included."""
    code = (
        "from benchmarks.support import chain; from pathlib import Path\n"
        f"pipeline = chain(Path({str(folder)!r}), {STEPS}, Path({str(script)!r}).read_text(), 'Whole')\n"
    )
    file = folder / "whole.py"
    file.write_text(code)
    environment_ = {
        **os.environ,
        "STEPMILL_HOME": str(folder / f"home-{time.time_ns()}"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "stepmill", "run", str(file)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment_,
    )
    return time.perf_counter() - begin


def main() -> None:
    """Print the ratios."""
    print(environment())
    for name, script, mark in [("nothing", NOTHING, "<= 1.3"), ("imports", IMPORTS, "< 0.2")]:
        with bench_platform() as (platform, folder):
            pipeline = chain(folder, STEPS, script, f"Chain-{name}")
            file = folder / f"Chain-{name}.py"
            execute(platform, pipeline)  # brings the warm parents up
            count = ROUNDS if script is NOTHING else 2
            ours, theirs = rounds(count, lambda: execute(platform, pipeline), lambda: bare(file))  # noqa: B023
            show(f"{STEPS} steps, scripts that do {name}", ours, theirs, mark)
            command = whole_command(folder, file)
            print(f"  the whole command, from nothing: {command:.2f} s, {command / theirs[-1]:.2f} times")


if __name__ == "__main__":
    main()
