"""What SageMaker's instance types have: CPUs, memory, GPUs. Data, and how to look it up.

In most families everything grows with the size: ``large`` has 2 vCPUs, ``xlarge`` 4, ``Nxlarge`` 4 N, and
memory goes with them. So a family is a number, and what does not fit the rule stands in a table.

Source: EC2's guide to instance types, "Specifications": general purpose, compute optimized, memory optimized,
accelerated computing and previous generation instances. Which types there are: API reference,
TrainingInstanceType, ProcessingInstanceType, TransformInstanceType.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_GIB = 1 << 30
_PREFIX = "ml."
_SIZE = re.compile(r"(\d{0,3})xlarge")
# No machine of these families is larger than 96xlarge.
_LARGEST = 96
_SMALL_SIZES = {"medium": 2, "large": 2}

# GiB for each vCPU, where memory and vCPUs go with the size.
_GIB_PER_VCPU = {
    **dict.fromkeys(("c5", "c6i", "c7i", "c7i-flex", "c8i", "c8i-flex"), 2.0),
    **dict.fromkeys(("m4", "m5", "m6i", "m7i", "m7i-flex", "m8i", "m8i-flex"), 4.0),
    **dict.fromkeys(("r5", "r5d", "r6i", "r7i", "r8i", "r8i-flex"), 8.0),
    "c4": 1.875,
    "c5n": 2.625,
    "t3": 4.0,
    **dict.fromkeys(("g4dn", "g5", "g6", "g7"), 4.0),
    **dict.fromkeys(("g6e", "g7e"), 8.0),
    "inf2": 4.0,
    "p3dn": 8.0,
    **dict.fromkeys(("p4d", "p4de"), 12.0),
}

# What does not go with the size: vCPUs and GiB.
_OWN: dict[str, tuple[int, float]] = {
    "t3.medium": (2, 4),
    "c4.8xlarge": (36, 60),
    "c5n.18xlarge": (72, 192),
    "g7e.12xlarge": (48, 512),
    "g7e.24xlarge": (96, 1024),
    "g7e.48xlarge": (192, 2048),
    "p2.xlarge": (4, 61),
    "p2.8xlarge": (32, 488),
    "p2.16xlarge": (64, 732),
    "p3.2xlarge": (8, 61),
    "p3.8xlarge": (32, 244),
    "p3.16xlarge": (64, 488),
    "p5.4xlarge": (16, 256),
    "p5.48xlarge": (192, 2048),
    "p5e.48xlarge": (192, 2048),
    "p5en.48xlarge": (192, 2048),
    "p6-b200.48xlarge": (192, 2048),
    "p6-b300.48xlarge": (192, 4096),
    "p6e-gb200.36xlarge": (144, 960),
    "trn1.2xlarge": (8, 32),
    "trn1.32xlarge": (128, 512),
    "trn1n.32xlarge": (128, 512),
    "trn2.48xlarge": (192, 2048),
}

# GiB of memory of each GPU of a family.
_GPU_GIB = {
    "g4dn": 16.0,
    "g5": 24.0,
    "g6": 24.0,
    "g6e": 48.0,
    "g7": 32.0,
    "g7e": 96.0,
    "p2": 12.0,
    "p3": 16.0,
    "p3dn": 32.0,
    "p4d": 40.0,
    "p4de": 80.0,
    "p5": 80.0,
    "p5e": 141.0,
    "p5en": 141.0,
    "p6-b200": 179.0,
    "p6-b300": 268.0,
    "p6e-gb200": 185.0,
}

# How many GPUs a type of such a family has, if not one.
_GPUS = {
    **{f"{family}.{size}": count for family in ("g5", "g6", "g6e") for size, count in
       (("12xlarge", 4), ("24xlarge", 4), ("48xlarge", 8))},
    **{f"{family}.{size}": count for family in ("g7", "g7e") for size, count in
       (("12xlarge", 2), ("24xlarge", 4), ("48xlarge", 8))},
    "g4dn.12xlarge": 4,
    "p2.8xlarge": 8,
    "p2.16xlarge": 16,
    "p3.8xlarge": 4,
    "p3.16xlarge": 8,
    "p6e-gb200.36xlarge": 4,
    **dict.fromkeys(("p3dn.24xlarge", "p4d.24xlarge", "p4de.24xlarge"), 8),
    **dict.fromkeys(("p5.48xlarge", "p5e.48xlarge", "p5en.48xlarge"), 8),
    **dict.fromkeys(("p6-b200.48xlarge", "p6-b300.48xlarge"), 8),
}  # fmt: skip


@dataclass(frozen=True)
class InstanceType:
    """What an instance has.

    Args:
        name: ``ml.m5.large``.
        vcpus: Its virtual CPUs.
        memory_bytes: Its memory.
        gpus: How many; Amazon's own chips (Trainium, Inferentia) are none.
        gpu_memory_bytes: Of each of them.
    """

    name: str
    vcpus: int
    memory_bytes: int
    gpus: int = 0
    gpu_memory_bytes: int = 0


def instance_type(name: str) -> InstanceType | None:
    """Look a type up; ``None``: it is not known.

    Args:
        name: As requests have it.

    Example:
        >>> instance_type("ml.m5.large")
        InstanceType(name='ml.m5.large', vcpus=2, memory_bytes=8589934592, gpus=0, gpu_memory_bytes=0)
    """
    short = name.removeprefix(_PREFIX)
    family, _, size = short.partition(".")
    if short == name or not size:
        return None
    found = _OWN.get(short) or _by_size(family, size)
    if found is None:
        return None
    vcpus, gib = found
    gpus = _GPUS.get(short, 1) if family in _GPU_GIB else 0
    return InstanceType(name, vcpus, int(gib * _GIB), gpus, int(_GPU_GIB.get(family, 0) * _GIB))


def _by_size(family: str, size: str) -> tuple[int, float] | None:
    each = _GIB_PER_VCPU.get(family)
    if each is None:
        return None
    if size in _SMALL_SIZES:
        vcpus = _SMALL_SIZES[size]
    elif (match := _SIZE.fullmatch(size)) and 0 < (times := int(match[1] or 1)) <= _LARGEST:
        vcpus = 4 * times
    else:
        return None
    return vcpus, vcpus * each
