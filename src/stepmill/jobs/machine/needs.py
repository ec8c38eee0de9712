"""What a job needs of the machine, by the instance types that it asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepmill.jobs.machine.booking import Amount, Capacity
from stepmill.jobs.machine.instance_types import InstanceType, instance_type
from stepmill.jobs.requests.hosts import Host

# Of a host whose type is not known or not said: it is to be in nobody's way.
_SMALLEST = Amount(1.0, 1 << 30)
_GIB = 1 << 30


def need_of(hosts: Iterable[Host], machine: Capacity) -> Amount:
    """Return what a job books: for each host what its type has, and never more than the machine has.

    Example:
        >>> need_of([Host("algo-1", "ml.m5.24xlarge")], Capacity(4, 16 << 30))
        Amount(cpus=4.0, memory_bytes=17179869184, gpus=0)
    """
    return sum((host_need(host, machine) for host in hosts), Amount())


def host_need(host: Host, machine: Capacity) -> Amount:
    """Return what one host books."""
    found = instance_type(host.instance_type)
    return (_SMALLEST if found is None else _amount_of(found)).at_most(machine.amount)


def notes_of(hosts: Sequence[Host], machine: Capacity) -> tuple[str, ...]:
    """Return what is to be said of the types of a job: which are not known, and whose GPUs are missing."""
    notes = []
    for name in dict.fromkeys(host.instance_type for host in hosts if host.instance_type.startswith("ml.")):
        found = instance_type(name)
        if found is None:
            notes.append(f"{name[:100]} is no instance type that is known here: one CPU is booked for it")
        elif found.gpus > len(machine.gpus):
            have = len(machine.gpus) or "none"
            notes.append(f"{name} has {_gpus(found.gpus)}, and this machine has {have}")
    return tuple(notes)


def in_words(amount: Amount) -> str:
    """Return an amount for humans.

    Example:
        >>> in_words(Amount(2, 8 << 30, 1))
        '2 CPUs, 8 GiB and 1 GPU'
    """
    cpus = f"{max(amount.cpus, 0):g} CPU{'' if amount.cpus == 1 else 's'}"
    memory = f"{max(amount.memory_bytes, 0) / _GIB:.3g} GiB"
    return f"{cpus}, {memory} and {_gpus(amount.gpus)}" if amount.gpus > 0 else f"{cpus} and {memory}"


def _amount_of(found: InstanceType) -> Amount:
    return Amount(float(found.vcpus), found.memory_bytes, found.gpus)


def _gpus(count: int) -> str:
    return f"{count} GPU{'' if count == 1 else 's'}"
