"""A server is killed while MLflow's client logs: every metric that it acknowledged is there."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from stepmill.core.endpoint import bearer_token
from support.cli import Cli, eventually
from support.served import Served

# Tells each step that was acknowledged.
LOGS = """
import sys
from mlflow import MlflowClient
client = MlflowClient()
run = client.create_run("0").info.run_id
print(run, flush=True)
step = 0
while True:
    client.log_metric(run, "loss", 1.0 / (step + 1), step=step, timestamp=1000 + step)
    print(step, flush=True)
    step += 1
"""


@pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="the dependency group `test` has mlflow-skinny"
)
def test_an_acknowledged_metric_is_there_after_a_kill(tmp_path: Path) -> None:
    served = Served(Cli(tmp_path, tmp_path / "home"))
    served.serve()
    assert served.server is not None
    url = served.server.out.split()[1]
    with served.cli.platform() as platform:
        token = bearer_token(platform.keys.get("default"))
    told = tmp_path / "told"
    with told.open("w") as out:
        client = subprocess.Popen(
            [sys.executable, "-c", LOGS],
            stdout=out,
            stderr=subprocess.DEVNULL,
            env={
                "PATH": "/usr/bin:/bin",
                "MLFLOW_TRACKING_URI": url,
                "MLFLOW_TRACKING_TOKEN": token,
                "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            },
        )
        try:
            eventually(lambda: len(told.read_text().splitlines()) > 40, "acknowledged metrics")
        finally:
            served.kill()
            client.wait(120)
    run, *steps = told.read_text().split()
    with served.cli.platform() as platform:
        kept = [point.step for point in platform.tracking.runs.history(run, "loss")]
    assert kept[: len(steps)] == [json.loads(step) for step in steps]
    # One may have been kept whose answer never came.
    assert len(kept) - len(steps) in (0, 1)
