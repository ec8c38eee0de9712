from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.s3 import Bucket, new_bucket
from support.wire import Wire, running_server


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server of everything, shared by all tests of this process: each uses names of its own."""
    with running_server(tmp_path_factory.mktemp("wire") / "home") as running:
        yield running


@pytest.fixture
def bucket(wire: Wire) -> Bucket:
    """A bucket of the test's own."""
    return new_bucket(wire)
