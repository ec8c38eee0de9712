"""Demand forecasting as a user runs it: a custom image, DeepAR, a model, forecasts."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.cli import Cli
from support.clients import sdk_environment

pytest.importorskip("torch")
pytest.importorskip("gluonts", reason="needs the extra forecasting")

EXAMPLE = Path(__file__).parents[3] / "examples" / "forecasting"
CHOSEN = {"items": 6, "days": 150, "epochs": 20, "num_layers": 1, "num_cells": 20, "num_eval_samples": 50}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    folder = tmp_path_factory.mktemp("forecasting")
    shutil.copytree(EXAMPLE, folder / "project", ignore=shutil.ignore_patterns("__pycache__"))
    # The image as on AWS, and for it an environment that is there: nothing is built.
    (folder / "project" / "stepmill.toml").write_text(
        f'[images."demand/features"]\npython = "{sys.executable}"\n'
    )
    with closing(Cli(folder / "project", folder / "home")) as cli:
        parameters = [word for name, value in CHOSEN.items() for word in ("--param", f"{name}={value}")]
        said = cli("run", "pipeline.py", *parameters).ok().out
        assert "7/7 steps" in said
        yield cli


def test_the_forecasts_are_better_than_seasonal_naive_ones(ran: Cli) -> None:
    said = ran("logs", "Evaluate").ok().out.splitlines()
    deepar, naive = (float(line.split("%")[0].split()[-1]) for line in said[:2])
    assert deepar < naive


def test_the_features_know_their_execution(ran: Cli) -> None:
    (execution,) = ran("list", "--json").ok().json
    said = ran("logs", "Features", "--follow").ok().out
    assert f"Execution {execution['id']}: 6 items in 3 shops" in said


def test_every_hyperparameter_comes_from_a_parameter(ran: Cli) -> None:
    compiled = json.loads(ran("compile", "pipeline.py").ok().out)
    (step,) = (step for step in compiled["Steps"] if step["Name"] == "Train")
    given = step["Arguments"]["HyperParameters"]
    assert len(given) == 16
    assert all("Parameters." in json.dumps(value) for value in given.values())


def test_the_model_is_registered_with_its_accuracy(ran: Cli) -> None:
    shown = ran("models", "show", "demand/1").ok().out
    assert "forecasting-deepar:1" in shown
    assert "naive_error" in shown


def test_the_sdk_says_the_same(ran: Cli) -> None:
    python = sdk_environment(2) / "bin" / "python"
    # The SDK warns of its own age.
    said = ran("exec", "--", str(python), "sdk2.py", PYTHONWARNINGS="default").ok().out
    assert {f"{name} Succeeded" for name in ("Train", "Register-RegisterModel", "Forecast")} <= set(
        said.splitlines()
    )
    assert "demand/2" in ran("models", "list").ok().out
