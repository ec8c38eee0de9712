"""A server in a process of its own, with one job that never ends: for tests of signals.

Run as a module: ``python -m support.wire_process HOME``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from stepmill.aws.service import Call, Service
from stepmill.platform import Platform, load_settings
from stepmill.server.doors import Doors
from stepmill.server.listening import Listening
from stepmill.server.serving import Serving
from support.wire import AnybodyAdmission


def job(name: str, status: str) -> dict[str, Any]:
    """Return what DescribeTrainingJob says of a job."""
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-west-2:123456789012:training-job/{name}",
        "ModelArtifacts": {"S3ModelArtifacts": ""},
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "StoppingCondition": {},
        "CreationTime": 0,
    }


def start(home: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the server; return its process and address, once it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "support.wire_process", str(home)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()[1]


def main() -> None:
    home = Path(sys.argv[1])

    def describe(call: Call) -> dict[str, Any]:
        return job(call.parameters["TrainingJobName"], "InProgress")

    service = Service(
        "sagemaker", {"DescribeTrainingJob": describe}, {"DescribeTrainingJob": lambda _call, _answer: False}
    )
    with (
        Platform(load_settings(home, {"STEPMILL_HOME": str(home)}), serves=True) as platform,
        Serving(platform, Listening(port=0)) as serving,
    ):
        doors = Doors((service,), AnybodyAdmission())
        serving.run(doors, lambda: print(f"ready {serving.url}", flush=True), takes_signals=True)


if __name__ == "__main__":
    main()
