"""What instance types have, held against those that AWS's models name and against figures of EC2's guide."""

from __future__ import annotations

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.machine.instance_types import instance_type

GIB = 1 << 30


def names_in_models() -> list[str]:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shapes = ("TrainingInstanceType", "ProcessingInstanceType", "TransformInstanceType")
    return sorted({name for shape in shapes for name in model.shape_for(shape).enum})


def test_every_type_that_a_job_can_ask_for_is_known() -> None:
    names = names_in_models()
    assert len(names) > 150
    assert [name for name in names if instance_type(name) is None] == []


def test_no_known_type_is_empty_or_out_of_proportion() -> None:
    for name in names_in_models():
        found = instance_type(name)
        assert found is not None
        assert 2 <= found.vcpus <= 384, name
        assert 1.5 <= found.memory_bytes / GIB / found.vcpus <= 22, name
        assert (found.gpus > 0) == (found.gpu_memory_bytes > 0), name
        # Which families have GPUs.
        assert (found.gpus > 0) == name.startswith(("ml.p", "ml.g")), name


@pytest.mark.parametrize(
    ("name", "vcpus", "gib", "gpus", "gpu_gib"),
    [
        ("ml.t3.medium", 2, 4, 0, 0),
        ("ml.t3.large", 2, 8, 0, 0),
        ("ml.t3.2xlarge", 8, 32, 0, 0),
        ("ml.m5.large", 2, 8, 0, 0),
        ("ml.m5.xlarge", 4, 16, 0, 0),
        ("ml.m5.24xlarge", 96, 384, 0, 0),
        ("ml.m4.10xlarge", 40, 160, 0, 0),
        ("ml.c4.xlarge", 4, 7.5, 0, 0),
        ("ml.c4.8xlarge", 36, 60, 0, 0),
        ("ml.c5.9xlarge", 36, 72, 0, 0),
        ("ml.c5.18xlarge", 72, 144, 0, 0),
        ("ml.c5n.xlarge", 4, 10.5, 0, 0),
        ("ml.c5n.18xlarge", 72, 192, 0, 0),
        ("ml.r5.large", 2, 16, 0, 0),
        ("ml.r8i.96xlarge", 384, 3072, 0, 0),
        ("ml.m7i-flex.16xlarge", 64, 256, 0, 0),
        ("ml.g4dn.xlarge", 4, 16, 1, 16),
        ("ml.g4dn.12xlarge", 48, 192, 4, 16),
        ("ml.g4dn.16xlarge", 64, 256, 1, 16),
        ("ml.g5.16xlarge", 64, 256, 1, 24),
        ("ml.g5.48xlarge", 192, 768, 8, 24),
        ("ml.g6e.xlarge", 4, 32, 1, 48),
        ("ml.g7.12xlarge", 48, 192, 2, 32),
        ("ml.g7e.12xlarge", 48, 512, 2, 96),
        ("ml.p2.16xlarge", 64, 732, 16, 12),
        ("ml.p3.2xlarge", 8, 61, 1, 16),
        ("ml.p3dn.24xlarge", 96, 768, 8, 32),
        ("ml.p4d.24xlarge", 96, 1152, 8, 40),
        ("ml.p5.4xlarge", 16, 256, 1, 80),
        ("ml.p5.48xlarge", 192, 2048, 8, 80),
        ("ml.inf2.24xlarge", 96, 384, 0, 0),
        ("ml.trn1.32xlarge", 128, 512, 0, 0),
    ],
)
def test_figures_of_the_guide(name: str, vcpus: int, gib: float, gpus: int, gpu_gib: float) -> None:
    found = instance_type(name)
    assert found is not None
    assert (found.vcpus, found.memory_bytes / GIB) == (vcpus, gib)
    assert (found.gpus, found.gpu_memory_bytes / GIB) == (gpus, gpu_gib)


@pytest.mark.parametrize(
    "name",
    [
        "", "local", "local_gpu", "m5.large", "ml.", "ml.m5", "ml.m5.", "ml.m5.huge", "ml.z9.large",
        "ml.m5.0xlarge", "ml.m5.999xlarge", "ml.m5.xlarge.x", "ml.m5.-1xlarge", "ml.p5.xlarge",
        "ml.m5.large\n",
    ],
)  # fmt: skip
def test_what_is_not_known(name: str) -> None:
    assert instance_type(name) is None


@given(st.text(max_size=30))
def test_any_text_can_be_looked_up(name: str) -> None:
    assert instance_type(name) is None or name.startswith("ml.")
