from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.algorithms.programs import hosts
from support.algorithm_jobs import Trainer


@pytest.fixture
def trainer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Trainer]:
    before = logging.root.handlers[:], logging.root.level
    yield Trainer(tmp_path / "ml", capsys)
    logging.root.handlers[:], logging.root.level = before


@pytest.fixture
def quick_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that lose one another, or never meet, soon say so."""
    monkeypatch.setattr(hosts, "LONGEST_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(hosts, "LONGEST_WAIT_SECONDS", 60.0)
