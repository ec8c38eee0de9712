"""Every isolation of the local compute keeps the promises of all computes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.spec import Compute
from stepmill.core.settings import Isolation
from stepmill.testing.contracts.compute import ComputeContract


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalCompute]:
    compute = LocalCompute()
    yield compute
    compute.close()


class _Local(ComputeContract):
    @pytest.fixture
    def compute(self, shared: LocalCompute) -> Compute:
        return shared


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
class TestBubblewrap(_Local):
    options = {"isolation": Isolation.BUBBLEWRAP}
    isolation_names = frozenset({"bubblewrap"})


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
class TestWarm(_Local):
    options = {"isolation": Isolation.AUTO, "warm": True}
    isolation_names = frozenset({"namespaces"})


class TestPlain(_Local):
    options = {"isolation": Isolation.NONE}
    sandboxed = False
    own_network = False
    isolation_names = frozenset({"none"})


class TestPlainWarm(_Local):
    options = {"isolation": Isolation.NONE, "warm": True}
    sandboxed = False
    own_network = False
    isolation_names = frozenset({"none"})
