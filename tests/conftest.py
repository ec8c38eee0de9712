"""What holds for all tests."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from support.job_data import close_stores

# Tests time nothing: on a busy machine a single example may take a second.
settings.register_profile("stepmill", deadline=None)
settings.load_profile("stepmill")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the collector of garbage what lives as long as the session: some million objects.

    While tests are collected it would look through all of them again and again, and find nothing.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Take half as many workers again as there are cores: many tests wait: for processes, disks, clocks."""
    cores = yield
    return cores + (cores + 1) // 2


@pytest.fixture(autouse=True)
def _stores_end_with_their_test() -> Iterator[None]:
    yield
    close_stores()
