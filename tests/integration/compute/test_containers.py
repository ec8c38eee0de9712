"""Jobs in real containers, where an engine works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.spec import Compute
from stepmill.core.settings import Isolation
from stepmill.testing.contracts.compute import ComputeContract
from support.oci_image import IMAGE, why_not


@pytest.fixture(scope="module")
def local() -> Iterator[LocalCompute]:
    if reason := why_not("podman"):
        pytest.skip(reason)
    compute = LocalCompute()
    yield compute
    compute.close()


@pytest.mark.slow
class TestPodman(ComputeContract):
    options = {"isolation": Isolation.PODMAN, "oci_image": IMAGE}
    isolation_names = frozenset({"podman"})
    program_is_process_one = True

    @pytest.fixture
    def compute(self, local: LocalCompute) -> Compute:
        return local
