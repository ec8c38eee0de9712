"""DeepAR through Stepmill, beside GluonTS called directly: the same data, seed, epochs; CPU time and loss.

Both are whole commands: ``stepmill run`` with its engine, its job and its supervisor; and a script that reads
the same file and trains. CPU time is user and system time of the command and of all that it started. Both
compute with one thread, and with the same options of Lightning.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from benchmarks.support import environment

SERIES, DAYS, HORIZON = 40, 400, 24

PIPELINE = """
from stepmill import Pipeline, TrainingStep

train = TrainingStep(
    "Train",
    image="156387875391.dkr.ecr.us-west-2.amazonaws.com/forecasting-deepar:1",
    inputs={{"train": "data"}},
    hyperparameters={{
        "context_length": 48, "prediction_length": {horizon}, "epochs": {epochs}, "time_freq": "H",
        "mini_batch_size": 32, "num_cells": 40, "num_layers": 2, "dropout_rate": 0.1, "learning_rate": 0.001,
    }},
)
pipeline = Pipeline("Bench", [train])
"""

DIRECT = """
import json, random, sys, tempfile, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd, torch
from gluonts.torch.model.deepar import DeepAREstimator
from lightning.pytorch.callbacks import LambdaCallback

losses = []
def keep_loss(trainer, module):
    losses.append(float(trainer.callback_metrics["train_loss"]))

keep = LambdaCallback(on_train_epoch_end=keep_loss)
rows = [json.loads(line) for line in open("data/train.json")]
with tempfile.TemporaryDirectory() as folder:
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    estimator = DeepAREstimator(
        freq="h", prediction_length={horizon}, context_length=48, num_layers=2, hidden_size=40, lr=0.001,
        dropout_rate=0.1, batch_size=32, num_batches_per_epoch=10,
        trainer_kwargs=dict(max_epochs={epochs}, accelerator="cpu", callbacks=[keep], default_root_dir=folder,
            logger=False, enable_progress_bar=False, enable_model_summary=False))
    estimator.train([
        {{"start": pd.Period(row["start"], "h"), "target": np.array(row["target"], dtype=np.float32)}}
        for row in rows
    ])
print("loss", min(losses))
"""


def write_data(folder: Path) -> None:
    """Write hourly series with days in them."""
    random, hours = np.random.default_rng(1), np.arange(DAYS)
    (folder / "data").mkdir()
    with (folder / "data" / "train.json").open("w") as file:
        for _ in range(SERIES):
            level = random.uniform(5, 50) * (2 + np.sin(2 * np.pi * (hours + random.integers(24)) / 24))
            row = {
                "start": "2024-01-01 00:00:00",
                "target": (level + random.normal(0, 2, DAYS)).round(3).tolist(),
            }
            file.write(json.dumps(row) + "\n")


def adopt_orphans() -> None:
    """Have processes whose parents end become children of this one: a job's supervisor is nobody's child."""
    subreaper = 36  # PR_SET_CHILD_SUBREAPER of Linux
    if ctypes.CDLL(None, use_errno=True).prctl(subreaper, 1, 0, 0, 0):
        raise SystemExit("This needs Linux: the CPU time of a detached job cannot be counted.")


class Meter:
    """Adds up the CPU time of all processes below this one, as they live.

    What ``wait`` gives is not enough: of processes whose parent does not wait for them, it tells nothing.
    """

    def __init__(self) -> None:
        self._seconds: dict[tuple[int, str], float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """CPU seconds, to some hundredths per process."""
        return sum(self._seconds.values())

    def _look(self) -> None:
        own, tick = os.getpid(), os.sysconf("SC_CLK_TCK")
        while not self._done.wait(0.02):
            found = {}
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    with suppress(OSError):
                        found[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
            below = {own}
            while more := {pid for pid, words in found.items() if int(words[1]) in below} - below:
                below |= more
            for pid in below - {own}:
                words = found[pid]
                self._seconds[pid, words[19]] = (int(words[11]) + int(words[12])) / tick


def cpu_of(command: list[str], folder: Path) -> tuple[float, float]:
    """Return the CPU seconds of a command and of all that it started, and its seconds."""
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "STEPMILL_HOME": str(folder / "home")}
    begun = time.perf_counter()
    with Meter() as meter, (folder / "said.txt").open("w") as into:
        code = subprocess.run(
            command, cwd=folder, env=variables, stdout=into, stderr=into, check=False
        ).returncode
        seconds = time.perf_counter() - begun
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
    if code:
        raise SystemExit((folder / "said.txt").read_text())
    return meter.seconds, seconds


def logged_loss(folder: Path) -> float:
    """Return the loss that the job wrote to its log."""
    command = [sys.executable, "-m", "stepmill", "logs", "Train"]
    variables = {**os.environ, "STEPMILL_HOME": str(folder / "home")}
    said = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"train final_loss <loss>=(\S+)", said)
    return float(found[1]) if found else float("nan")


def main() -> None:
    """Measure in turn, and print the ratio of each pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(environment())
    adopt_orphans()
    ratios = []
    for number in range(asked.rounds):
        with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as name:
            folder = Path(name)
            write_data(folder)
            filled = {"horizon": HORIZON, "epochs": asked.epochs}
            (folder / "pipeline.py").write_text(PIPELINE.format(**filled))
            (folder / "direct.py").write_text(DIRECT.format(**filled))
            ours, our_seconds = cpu_of([sys.executable, "-m", "stepmill", "run", "pipeline.py"], folder)
            our_loss = logged_loss(folder)
            theirs, their_seconds = cpu_of([sys.executable, "direct.py"], folder)
            their_loss = float((folder / "said.txt").read_text().rpartition("loss ")[2])
        ratios.append(ours / theirs)
        print(
            f"round {number + 1}: CPU {ours:.1f} s against {theirs:.1f} s, ratio {ratios[-1]:.3f}; "
            f"{our_seconds:.1f} s against {their_seconds:.1f} s; "
            f"loss {our_loss:.6f} against {their_loss:.6f}",
            flush=True,
        )
    median = sorted(ratios)[len(ratios) // 2]
    print(f"DeepAR: ratio of the CPU times {median:.3f}; mark: at most 1.05, and the same loss")


if __name__ == "__main__":
    main()
