from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.algorithm_jobs import Trainer


@pytest.fixture
def trainer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Trainer]:
    before = logging.root.handlers[:], logging.root.level
    yield Trainer(tmp_path / "ml", capsys)
    logging.root.handlers[:], logging.root.level = before
