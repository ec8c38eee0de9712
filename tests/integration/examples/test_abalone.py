"""The abalone pipeline as a user runs it: through the feature store, by its name alone, into the registry."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.cli import Cli

EXAMPLE = Path(__file__).parents[3] / "examples" / "abalone"
ROWS = 120


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    folder = tmp_path_factory.mktemp("abalone")
    shutil.copytree(EXAMPLE, folder / "project", ignore=shutil.ignore_patterns("__pycache__"))
    with closing(Cli(folder / "project", folder / "home")) as cli:
        said = cli("run", "pipeline.py", "--param", f"rows={ROWS}").ok().out
        assert "3/3 steps" in said
        yield cli


def test_the_features_are_found_by_the_name_of_their_group(ran: Cli) -> None:
    assert f"{ROWS} shells with 8 features" in ran("logs", "Train").ok().out
    (found,) = ran("sql", "SHOW TABLES", "--json").ok().json
    (row,) = ran("sql", f'SELECT count(*) AS shells FROM "{found["tab_name"]}"', "--json").ok().json
    assert int(row["shells"]) == ROWS


def test_the_model_is_registered_with_its_metrics(ran: Cli) -> None:
    shown = ran("models", "show", "abalone/1").ok().out
    assert "rmse" in shown
    assert "model.tar.gz" in shown


def test_the_catalog_tells_what_made_the_model(ran: Cli) -> None:
    told = ran("lineage", "of", "abalone/1").ok().out
    assert "made by training job Train" in told
    assert "sourcedir.tar.gz" in told
    # Train was only told the name of the group: what it read there, Prepare had put there.
    group, prepared, code = (
        told.index(w) for w in ("from feature group abalone", "job Prepare", "prepare.py")
    )
    assert group < prepared < code


def test_the_catalog_tells_what_came_of_the_group(ran: Cli) -> None:
    came = ran("lineage", "from", "feature-group/abalone").ok().out
    assert "used by training job Train" in came
    assert "model version abalone/1" in came
    # What Prepare says that it has made is nothing but the records.
    assert "feature group abalone" in ran("lineage", "from", "Prepare").ok().out
