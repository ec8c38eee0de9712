"""What a job uses is sampled: its processes, and those that they started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.supervision import usage
from stepmill.compute.supervision.usage import USAGE, UsageSampler, tree_usage
from stepmill.compute.usage import UsageSample, read_usage, thinned

LIMIT_S = 60.0
T0 = datetime(2026, 1, 2, tzinfo=UTC)
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
# A program below another one: the child works and keeps 64 MiB.
BUSY = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "kept = b'x' * (64 << 20)\\nwhile True: pass"])
"""


@pytest.fixture
def busy() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True) as process:
        yield process.pid
        os.killpg(process.pid, 9)


@linux
def test_a_tree_of_processes(busy: int) -> None:
    end = time.monotonic() + LIMIT_S
    while (used := tree_usage(busy)).cpu_seconds < 0.2 or used.memory_bytes < 64 << 20:
        assert time.monotonic() < end, used
        time.sleep(0.01)
    assert used.memory_bytes < 1 << 30


@linux
def test_samples_of_a_job(busy: int, tmp_path: Path) -> None:
    sampler = UsageSampler(tmp_path, busy)
    assert sampler.due is not None
    sampler.look(sampler.due - 0.5)
    assert read_usage(tmp_path) == []
    end = time.monotonic() + LIMIT_S
    while tree_usage(busy).cpu_seconds < 0.2:
        assert time.monotonic() < end
        time.sleep(0.01)
    first = sampler.due
    sampler.look(first)
    (sample,) = read_usage(tmp_path)
    assert sample.cpu_percent > 10
    assert sample.memory_bytes > 1 << 20
    # Each second at first, and at last every half a minute.
    assert sampler.due == first + 1
    sampler.look(first + 1000)
    assert sampler.due == pytest.approx(first + 1000 + 1001 / 200)
    sampler.look(first + 100_000)
    assert sampler.due == first + 100_030
    assert len(read_usage(tmp_path)) == 3


def test_what_a_container_engine_runs_is_not_sampled(tmp_path: Path) -> None:
    sampler = UsageSampler(tmp_path, os.getpid(), is_seen=False)
    assert sampler.due is None
    sampler.look(time.monotonic() + 100)
    assert not (tmp_path / USAGE).exists()


@linux
def test_a_full_disk_ends_the_sampling_alone(tmp_path: Path) -> None:
    sampler = UsageSampler(tmp_path / "gone", os.getpid())
    assert sampler.due is not None
    sampler.look(sampler.due)
    assert sampler.due is None


def test_half_a_sample_is_left_out(tmp_path: Path) -> None:
    (tmp_path / USAGE).write_bytes(b"x" * 17)
    assert read_usage(tmp_path) == []


def test_thinning_keeps_the_peaks() -> None:
    samples = [UsageSample(T0 + timedelta(seconds=n), float(n == 501), n) for n in range(1000)]
    kept = thinned(samples, 10)
    assert len(kept) == 10
    assert [sample.cpu_percent for sample in kept] == [0.0] * 5 + [1.0] + [0.0] * 4
    assert [sample.at for sample in kept] == sorted(sample.at for sample in kept)
    assert thinned(samples, 1000) == samples


class FakeNvml:
    """NVIDIA's library on a machine of two GPUs; the second does not tell how busy it is."""

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, device: Any) -> int:
        device._obj.value = index + 1
        return 0

    def nvmlDeviceGetUtilizationRates(self, device: Any, rates: Any) -> int:
        if device.value == 2:
            return 3
        rates._obj.gpu = 80
        return 0

    def nvmlDeviceGetMemoryInfo(self, device: Any, memory: Any) -> int:
        memory._obj.total, memory._obj.used = 1000, 100 * device.value
        return 0


def test_gpus_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_NVIDIA", str(tmp_path))
    monkeypatch.setattr(usage.ctypes, "CDLL", lambda _name: FakeNvml())
    assert usage.Gpus().utilisation() == (80.0, 30.0)


def test_a_machine_without_gpus_or_their_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_NVIDIA", str(tmp_path / "none"))
    assert usage.Gpus().utilisation() == (-1.0, -1.0)

    def missing(_name: str) -> None:
        raise OSError("no such library")

    monkeypatch.setattr(usage, "_NVIDIA", str(tmp_path))
    monkeypatch.setattr(usage.ctypes, "CDLL", missing)
    assert usage.Gpus().utilisation() == (-1.0, -1.0)
