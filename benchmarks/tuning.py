"""50 cheap trials, 2 at a time, beside optuna that calls the same script as a subprocess, 2 at a time.

Measured: from the start of the execution to its end, in a process whose warm parents are up. Both use the
same sampler; the script prints a number and ends.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import optuna

from benchmarks.support import bench_platform, environment, execute, rounds, show
from stepmill import Between, Pipeline, TrainingStep, TuningStep

TRIALS = 50
PARALLEL = 2
ROUNDS = 5
MARK_MS = 100
SCRIPT = """
import os
x = float(os.environ["SM_HP_X"])
print(f"score={1 - (x - 0.3) ** 2:.6f}")
"""


def tuning(folder: Path, trials: int, name: str) -> Pipeline:
    """Return a pipeline that tunes the script."""
    train = TrainingStep("Fit", entry_point="tuned.py", metrics={"score": r"score=([0-9.]+)"})
    ranges = {"x": Between(0.0, 1.0)}
    tune = TuningStep(
        "Tune", training=train, ranges=ranges, maximize="score", trials=trials, parallel=PARALLEL, seed=1
    )
    return Pipeline(name, [tune], folder=folder)


def bare(script: Path) -> float:
    """Return the seconds that optuna takes with subprocesses."""

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        done = subprocess.run(
            [sys.executable, str(script)],
            env={**os.environ, "SM_HP_X": repr(x)},
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.search(r"score=([0-9.]+)", done.stdout)
        assert found
        return float(found[1])

    begin = time.perf_counter()
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1), direction="maximize")
    study.optimize(objective, n_trials=TRIALS, n_jobs=PARALLEL)
    return time.perf_counter() - begin


def main() -> None:
    """Print the ratio, and what a trial costs more."""
    print(environment())
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with bench_platform() as (platform, folder):
        script = folder / "tuned.py"
        script.write_text(SCRIPT)
        execute(platform, tuning(folder, PARALLEL, "Warm"))  # brings the warm parents up, and imports optuna
        pipeline = tuning(folder, TRIALS, "Tuned")
        ours, theirs = rounds(ROUNDS, lambda: execute(platform, pipeline), lambda: bare(script))
        show(f"{TRIALS} trials, {PARALLEL} at a time", ours, theirs, f"< {MARK_MS} ms more per trial")
        more = sorted((a - b) / TRIALS * 1000 for a, b in zip(ours, theirs, strict=True))
        middle = more[len(more) // 2]
        print(
            f"  per trial {middle:.0f} ms more than optuna and subprocesses ({more[0]:.0f} to {more[-1]:.0f})"
        )


if __name__ == "__main__":
    main()
