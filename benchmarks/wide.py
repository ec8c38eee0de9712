"""What the engine costs per step: pipelines in 10 layers, each layer waiting for all of the one before.

The steps cost nothing: their handler reports success at once. CPU is that of the whole process
(engine, store, commits), memory its peak; each size in a process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stepmill.core.arns import Arns
from stepmill.core.clock import SystemClock
from stepmill.core.tasks import Report, Task, TaskSucceeded
from stepmill.engine.engine import Engine
from stepmill.engine.starting import StartRequest
from stepmill.storage.database import Database
from stepmill.storage.sql_executions import SqlExecutionStore

SIZES = (100, 1_000, 10_000)
LAYERS = 10


class Instant:
    """A handler that is done at once."""

    def start(self, task: Task, report: Report) -> None:
        """Report success."""
        report(TaskSucceeded(task.id, {"ProcessingJobStatus": "Completed"}))

    def stop(self, task: Task) -> None:
        """Do nothing: it has ended."""


def definition(steps: int) -> str:
    """Return a pipeline of so many steps in layers."""
    width = steps // LAYERS
    documents = []
    for layer in range(LAYERS):
        before = [f"s{layer - 1}-{n}" for n in range(width)] if layer else []
        documents += [
            {
                "Name": f"s{layer}-{number}",
                "Type": "Processing",
                "DependsOn": before[:MOST_NEEDS],
                "Arguments": {
                    "AppSpecification": {"ImageUri": "python:3.11"},
                    "ProcessingResources": {
                        "ClusterConfig": {
                            "InstanceCount": 1,
                            "InstanceType": "ml.m5.large",
                            "VolumeSizeInGB": 1,
                        }
                    },
                    "RoleArn": "arn:aws:iam::123456789012:role/Role",
                },
            }
            for number in range(width)
        ]
    return json.dumps({"Version": "2020-12-01", "Steps": documents})


# The document itself grows with the edges; at 10,000 steps a full layer would be 10 million of them.
MOST_NEEDS = 100


def measure(steps: int) -> None:
    """Print the figures of one size as JSON."""
    text = definition(steps)
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as name:
        folder = Path(name)
        database = Database.open_sqlite(folder / "stepmill.db")
        engine = Engine(
            SqlExecutionStore(database),
            {"sagemaker:createProcessingJob": Instant()},
            clock=SystemClock(),
            arns=Arns("us-west-2", "123456789012"),
            locks=folder / "engines",
        )
        request = StartRequest("Wide", text)
        repeats = max(SIZES[1] // steps, 1)
        begin_cpu, begin = time.process_time(), time.perf_counter()
        execution = engine.start(request)
        started_cpu = time.process_time()
        ended = engine.wait(execution)
        for _ in range(repeats - 1):
            # Its plan is known by now: only the engine's work is added.
            ended = engine.wait(engine.start(request))
        cpu = (time.process_time() - started_cpu) / repeats
        seconds = time.perf_counter() - begin
        engine.close()
        database.close()
        print(
            json.dumps(
                {
                    "steps": steps,
                    "status": ended.status,
                    "check_ms": 1000 * (started_cpu - begin_cpu) / steps,
                    "cpu_ms": 1000 * cpu / steps,
                    "seconds": seconds,
                    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                }
            )
        )


def main() -> None:
    """Print a line per size, and how flat the cost is."""
    found = []
    for size in SIZES:
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.wide", str(size)], check=True, capture_output=True, text=True
        )
        figures = json.loads(answer.stdout)
        found.append(figures["cpu_ms"])
        print(
            f"{size:6} steps: {figures['status']}, engine CPU {figures['cpu_ms']:.2f} ms a step (mark: < 5), "
            f"reading and checking {figures['check_ms']:.2f} ms a step, {figures['seconds']:.1f} s in all, "
            f"peak {figures['peak_mb']:.0f} MB (mark at 1,000: < 300)",
            flush=True,
        )
    print(f"from {SIZES[0]} to {SIZES[-1]} steps: {found[-1] / found[0]:.2f} times a step; mark: within 20 %")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]))
    else:
        main()
