"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from support.job_data import close_stores

# Tests time nothing: on a busy machine a single example may take a second.
settings.register_profile("stepmill", deadline=None)
settings.load_profile("stepmill")


@pytest.fixture(autouse=True)
def _stores_end_with_their_test() -> Iterator[None]:
    yield
    close_stores()
