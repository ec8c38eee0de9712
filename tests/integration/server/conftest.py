"""A folder, a home, and the command line in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.cli import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    (tmp_path / "project").mkdir()
    with closing(Cli(tmp_path / "project", tmp_path / "home")) as cli:
        yield cli
