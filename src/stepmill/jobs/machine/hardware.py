"""What this machine has: CPUs, memory, and NVIDIA's GPUs by the numbers that CUDA gives them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from stepmill.jobs.machine.booking import Capacity
from stepmill.jobs.usage import memory_of_machine

# Which GPUs a program may use. Whoever set it for Stepmill has set it for Stepmill's jobs.
VISIBLE = "CUDA_VISIBLE_DEVICES"
# CUDA numbers the fastest first, the driver by the bus: with this all number by the bus.
ORDER = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
# The driver has a folder for each, named by its place on the bus.
_GPUS = Path("/proc/driver/nvidia/gpus")


def this_machine(environment: Mapping[str, str], gpus: Path = _GPUS) -> Capacity:
    """Return what this process may use of the machine that it runs on.

    Args:
        environment: Variables of this process.
        gpus: Where the driver tells of GPUs.
    """
    return Capacity(float(cpu_count()), memory_of_machine(), gpu_names(environment, gpus))


def cpu_count() -> int:
    """Return how many CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpu_names(environment: Mapping[str, str], gpus: Path = _GPUS) -> tuple[str, ...]:
    """Return the names of the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` has them.

    As for CUDA, the first name that is none ends the list: ``-1`` hides all.
    """
    try:
        count = sum(1 for _ in gpus.iterdir())
    except OSError:
        return ()
    known = [str(index) for index in range(count)]
    given = environment.get(VISIBLE)
    if given is None:
        return tuple(known)
    names: list[str] = []
    for name in (each.strip() for each in given.split(",")):
        if (name not in known and not name.startswith(("GPU-", "MIG-"))) or name in names:
            break
        names.append(name)
    return tuple(names)
