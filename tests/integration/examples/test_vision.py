"""Digits as a user reads them: two trainings side by side, of which one loses its machine."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.cli import Cli
from support.clients import sdk_environment

pytest.importorskip("torch", reason="needs the extra pytorch")

EXAMPLE = Path(__file__).parents[3] / "examples" / "vision"
EPOCHS = 6


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    folder = tmp_path_factory.mktemp("vision")
    shutil.copytree(EXAMPLE, folder / "project", ignore=shutil.ignore_patterns("__pycache__"))
    # As in the example, but not by chance.
    (folder / "project" / "stepmill.toml").write_text("[spot]\ncapacity_wait_seconds = 0\n")
    with closing(Cli(folder / "project", folder / "home")) as cli:
        run = cli.start("run", "pipeline.py", "--param", f"epochs={EPOCHS}", "--param", "limit=0.8")

        def learning() -> str:
            logs = list(cli.home.glob("jobs/training-job/*TrainSpot*/log"))
            return logs[0].parent.name if logs and "epoch 1 " in logs[0].read_text() else ""

        job = run.until_there_is(learning, "the first epoch on spot capacity")
        with cli.platform() as platform:
            platform.interruptions.interrupt(job)
        assert "9/9 steps" in run.end().ok().out
        yield cli


def test_the_interrupted_training_goes_on_from_its_checkpoint(ran: Cli) -> None:
    before, after = ran("logs", "TrainSpot").ok().out.split("going on after epoch ")
    kept = int(after.split()[0])
    assert set(epochs_in(before)) <= set(range(1, kept + 1))
    assert epochs_in(after) == list(range(kept + 1, EPOCHS + 1))


def epochs_in(log: str) -> list[int]:
    return [int(number) for number in re.findall(r"^epoch (\d+) ", log, re.MULTILINE)]


def test_an_interruption_changes_nothing_of_the_model(ran: Cli) -> None:
    spot, on_demand = (ran("logs", f"Evaluate{name}").ok().out for name in ("Spot", "OnDemand"))
    assert spot == on_demand
    assert re.search(r"^[34][0-9]{2} of 450 images are read right", spot, re.MULTILINE)


def test_each_variant_is_registered_in_its_group(ran: Cli) -> None:
    for group in ("digits-spot", "digits-on-demand"):
        shown = ran("models", "show", f"{group}/1").ok().out
        assert "accuracy" in shown
        assert "pytorch-inference" in shown


def test_the_costs_tell_by_tag_what_spot_saved(ran: Cli) -> None:
    groups = ran("costs", "--by", "tag:capacity", "--json").ok().json["groups"]
    saved = {group["name"]: group["saved"] for group in groups}
    assert saved["on demand"] == 0
    assert saved["spot"] > 0


def test_the_sdk_leaves_a_definition_of_the_same_steps(ran: Cli) -> None:
    python = sdk_environment(2) / "bin" / "python"
    # The SDK warns of its own age.
    said = ran("exec", "--", str(python), "sdk2.py", PYTHONWARNINGS="default").ok().out
    assert "Digits-SDK is there, of s3://" in said
    theirs = json.loads((ran.folder / "definition.json").read_text())
    ours = json.loads(ran("compile", "pipeline.py").ok().out)
    kinds = [sorted((step["Type"], step["Name"]) for step in each["Steps"]) for each in (theirs, ours)]
    assert kinds[0] == kinds[1]
