"""What the machine has. GPUs are those of a folder that looks like the driver's."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.jobs.machine.hardware import gpu_names, this_machine


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    for place in ("0000:01:00.0", "0000:02:00.0", "0000:81:00.0"):
        (tmp_path / place).mkdir()
    return tmp_path


def test_this_machine_has_something(tmp_path: Path) -> None:
    found = this_machine({}, tmp_path / "none")
    assert found.cpus >= 1
    assert found.memory_bytes > 1 << 28
    assert found.gpus == ()


def test_all_gpus(driver: Path) -> None:
    assert gpu_names({}, driver) == ("0", "1", "2")


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("", ()),
        ("-1", ()),
        ("1", ("1",)),
        ("2, 0", ("2", "0")),
        ("0,7,1", ("0",)),
        ("0,0,1", ("0",)),
        ("GPU-8932f937,1", ("GPU-8932f937", "1")),
        ("none", ()),
    ],
)
def test_those_that_stepmill_may_use(driver: Path, visible: str, names: tuple[str, ...]) -> None:
    assert gpu_names({"CUDA_VISIBLE_DEVICES": visible}, driver) == names


def test_without_a_driver_no_variable_makes_one(tmp_path: Path) -> None:
    assert gpu_names({"CUDA_VISIBLE_DEVICES": "0"}, tmp_path / "none") == ()
