"""What a job uses of the machine: CPU, memory and GPUs, sampled by its supervisor while it runs.

Each sample is appended to ``usage`` in the job's folder: the moment in seconds since the epoch, CPU in
percent of one CPU, memory in bytes, GPU and GPU memory in percent (-1 where there is none). The first comes
after a second, then they become rarer: a two-hundredth of the time that the job has run, half a minute at
most.

A sample reads a file or two of each process of the job, some tens of microseconds each. What a process of a
container engine does is not seen: it is not below the supervisor.
"""

from __future__ import annotations

import ctypes
import os
import struct
import time
from pathlib import Path

from stepmill.compute.supervision import processes

USAGE = "usage"
SAMPLE = struct.Struct("<ddddd")

_FIRST_SECONDS = 1.0
_SHARE = 1 / 200
_RAREST_SECONDS = 30.0
# So many times as long as a sample of many processes takes, until the next one: a thousandth of a CPU.
_THRIFT = 1000
# A job may fork without end; what is not looked at is not counted.
_MOST_PROCESSES = 500
_NVIDIA = "/proc/driver/nvidia/gpus"
_NONE = -1.0


class UsageSampler:
    """Samples a job.

    Args:
        folder: Of the job.
        pid: The process that all of the job's processes are below, or that is the only one.
        is_seen: Whether they are: not where a container engine runs them.
    """

    def __init__(self, folder: Path, pid: int, *, is_seen: bool = True) -> None:
        self._path = folder / USAGE
        self._pid = pid
        self._started = self._at = time.monotonic()
        self._ticks = 0.0
        self._gpus: Gpus | None = None
        is_seen = is_seen and os.path.exists("/proc/self/stat")
        self.due: float | None = self._started + _FIRST_SECONDS if is_seen else None

    def look(self, now: float) -> None:
        """Take a sample if it is time."""
        if self.due is None or now < self.due:
            return
        before = time.thread_time()
        used = tree_usage(self._pid)
        spent = time.thread_time() - before
        cpu = 100 * max(0.0, used.cpu_seconds - self._ticks) / max(now - self._at, 1e-3)
        self._ticks, self._at = used.cpu_seconds, now
        usual = min((now - self._started) * _SHARE, _RAREST_SECONDS)
        self.due = now + max(_FIRST_SECONDS, usual, spent * _THRIFT)
        if self._gpus is None:
            self._gpus = Gpus()
        sample = SAMPLE.pack(time.time(), cpu, float(used.memory_bytes), *self._gpus.utilisation())
        try:
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(fd, sample)
            finally:
                os.close(fd)
        except OSError:
            self.due = None  # the disk is full: watching is no reason to make it fuller


class TreeUsage:
    """What a process and all below it use.

    Args:
        cpu_seconds: Since they began, those that have ended and were waited for included.
        memory_bytes: In memory, files that others may share left out.
    """

    def __init__(self, cpu_seconds: float, memory_bytes: int) -> None:
        self.cpu_seconds = cpu_seconds
        self.memory_bytes = memory_bytes


def tree_usage(pid: int) -> TreeUsage:
    """Return what a process and all below it use now."""
    ticks = pages = 0
    for each in [pid, *processes.descendants(pid)][:_MOST_PROCESSES]:
        try:
            stat = _read(f"/proc/{each}/stat")
            size = _read(f"/proc/{each}/statm").split()
        except OSError:
            continue  # it has just ended
        # After the name, which may hold anything: utime, stime, cutime, cstime are fields 14 to 17.
        ticks += sum(int(word) for word in stat.rpartition(b")")[2].split()[11:15])
        pages += int(size[1]) - int(size[2])
    return TreeUsage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)


class _Rates(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class Gpus:
    """NVIDIA's GPUs of this machine, as their own library tells of them; loaded where there are any.

    Source: NVML API reference: nvmlDeviceGetUtilizationRates, nvmlDeviceGetMemoryInfo.
    """

    def __init__(self) -> None:
        self._library: ctypes.CDLL | None = None
        self._devices: list[ctypes.c_void_p] = []
        if not os.path.isdir(_NVIDIA):
            return
        try:
            library = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError:
            return
        count = ctypes.c_uint()
        if library.nvmlInit_v2() or library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            return
        self._library = library
        for index in range(count.value):
            device = ctypes.c_void_p()
            if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) == 0:
                self._devices.append(device)

    def utilisation(self) -> tuple[float, float]:
        """Return how busy they are and how full their memory is, in percent of one GPU, summed; -1 without.

        Source: developer guide of SageMaker: GPUUtilization is 0 to 100 times the number of GPUs.
        """
        if self._library is None or not self._devices:
            return _NONE, _NONE
        busy = full = 0.0
        for device in self._devices:
            rates, memory = _Rates(), _Memory()
            if self._library.nvmlDeviceGetUtilizationRates(device, ctypes.byref(rates)) == 0:
                busy += rates.gpu
            if self._library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) == 0 and memory.total:
                full += 100 * memory.used / memory.total
        return busy, full
