from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.algorithms.programs import hosts
from support.algorithm_jobs import Trainer
from support.logs import log_restored


@pytest.fixture(autouse=True, scope="module")
def _log_as_before() -> Iterator[None]:
    with log_restored():
        yield


@pytest.fixture
def trainer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Trainer:
    return Trainer(tmp_path / "ml", capsys)


@pytest.fixture
def quick_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that lose one another, or never meet, soon say so."""
    monkeypatch.setattr(hosts, "LONGEST_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(hosts, "LONGEST_WAIT_SECONDS", 60.0)
