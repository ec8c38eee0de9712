"""The registry and experiments through the SDKs' own classes, in programs of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stepmill.catalog.model_reports.comparison import metrics_of
from stepmill.catalog.model_reports.parts import Metric
from stepmill.platform.model_versions import read_version
from support.clients import run_script
from support.registry import own_name, put_model_data
from support.wire import Wire

SCRIPTS = Path(__file__).parents[2] / "clients"


def said_by(generation: int, wire: Wire, folder: Path, group: str) -> Any:
    script = SCRIPTS / f"sdk{generation}" / "registry.py"
    role = wire.platform.settings.arns.role("SageMakerRole")
    said = run_script(generation, script, wire.endpoint, folder, group, put_model_data(wire), role)
    return json.loads(said.splitlines()[-1])


def test_sdk_2_registers_approves_and_tracks_runs(wire: Wire, tmp_path: Path) -> None:
    group = own_name("sdk2-group")
    said = said_by(2, wire, tmp_path, group)
    arns = wire.platform.settings.arns
    assert said["first"] == arns.model_package(group, 1)
    assert said["newest"] == arns.model_package(group, 2)
    assert said["metadata"] == {"checked": "yes"}
    assert (said["stage"], said["reason"], said["approved"]) == ("Development", "good enough", "Approved")
    third = said["third"]
    assert third["metrics"]["ModelQuality"]["Statistics"]["S3Uri"].endswith(f"/{group}/evaluation.json")
    assert third["baselines"] == ["Bias", "ModelQuality"]
    assert third["card"] == ["PendingReview", {"model_overview": {"model_creator": "Bob"}}]
    assert third["stage"] == {"Stage": "Production", "StageStatus": "Approved", "StageDescription": "go"}
    assert (len(third["images"]), third["others"]) == (1, ["small"])
    assert third["about"] == ["with metrics", "MACHINE_LEARNING", "REGRESSION", "https://example.com/churn"]
    assert (said["cloned"], said["both"], said["versions"]) == (True, [3, 4], [1, 2, 3])
    version = read_version(wire.platform, f"{group}/3")
    assert metrics_of(version) == {"mse": Metric("mse", 4.9, 2.2)}
    served: Any = wire.platform.served_models.describe(said["model"])
    (container,) = served["Containers"]
    assert container["ModelPackageName"] == said["first"]
    assert said["config"] == {
        "ExperimentName": "churn",
        "TrialName": "Default-Run-Group-churn",
        "RunName": "churn-run-1",
    }
    assert said["parameters"] == {"lr": 0.1, "kind": "tree", "depth": 4.0}
    assert said["status"] == "Completed"
    assert said["runs"]
    assert said["experiment"] == "churn"


def test_sdk_3_takes_every_answer(wire: Wire, tmp_path: Path) -> None:
    group = own_name("sdk3-group")
    assert said_by(3, wire, tmp_path, group) == {
        "group": "Completed",
        "tags": [["a", "1"]],
        "approved": "Approved",
        "packages": True,
        "groups": [group],
        "policy": True,
        "built": ["Production", True, {"owner": "Bob"}, "Draft"],
        "several": [[1, 4], ["ResourceNotFound"]],
        "models": [f"{group}-model"],
        "experiment": ["Tries", "tries"],
        "trials": [f"{group}-trial"],
        "components": [f"{group}-component"],
        "parameters": {"lr": 0.1, "kind": "tree"},
        "listed": True,
        "left": [],
    }
