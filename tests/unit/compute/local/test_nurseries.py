from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stepmill.compute.local.host import host_view, may_administer
from stepmill.compute.local.nurseries import Nurseries
from stepmill.compute.supervision.order import SandboxPlan
from stepmill.core.errors import ComputeClosedError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are a thing of Linux")


@pytest.fixture
def nurseries() -> Iterator[Nurseries]:
    with closing(Nurseries()) as nurseries:
        yield nurseries


def small_plan(root: Path) -> SandboxPlan:
    view = host_view()
    return SandboxPlan(
        root=str(root),
        binds=view.binds,
        links=view.links,
        folders=(("/dev", 0o755), ("/proc", 0o755)),
        network=True,
        new_user=not may_administer(),
    )


def test_what_a_killed_attempt_left_says_nothing_of_the_machine(nurseries: Nurseries, tmp_path: Path) -> None:
    first = nurseries.probe(small_plan(tmp_path / "first"))
    (tmp_path / "second" / "dev").mkdir(parents=True)
    (tmp_path / "second" / "left").write_text("over")
    assert nurseries.probe(small_plan(tmp_path / "second")) == first
    assert not (tmp_path / "second").exists()


def test_what_is_closed_says_so_and_not_that_the_machine_cannot(tmp_path: Path) -> None:
    nurseries = Nurseries()
    nurseries.close()
    with pytest.raises(ComputeClosedError):
        nurseries.probe(small_plan(tmp_path / "root"))
    assert not (tmp_path / "root").exists()


def test_an_attempt_that_is_cut_short_by_closing_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurseries = Nurseries()

    def close_meanwhile(_descriptor: int) -> bytes:
        nurseries.close()
        return b""

    monkeypatch.setattr("stepmill.compute.local.nurseries._read_all", close_meanwhile)
    with pytest.raises(ComputeClosedError):
        nurseries.probe(small_plan(tmp_path / "root"))
