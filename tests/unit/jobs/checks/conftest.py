from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.logs import log_restored


@pytest.fixture(autouse=True, scope="module")
def _log_as_before() -> Iterator[None]:
    with log_restored():
        yield
