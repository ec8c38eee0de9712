from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from stepmill.engine.interpreters.pipelines.naming import (
    job_name,
    read_id,
    retry_timer,
    step_of_task,
    step_of_timer,
    task_id,
)

STEPS = st.text("abcXYZ019-_", min_size=1, max_size=64)
# Source: API reference, ProcessingJobName.
ALLOWED = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}\Z")


def test_names_have_the_shape_that_sagemaker_gives_them() -> None:
    assert re.fullmatch(r"pipelines-0a1b2c3d4e5f-Prep-[0-9a-f]{10}", job_name("0a1b2c3d4e5f", "Prep", 1))


def test_another_attempt_gets_another_name() -> None:
    assert job_name("abc", "Prep", 1) != job_name("abc", "Prep", 2)


def test_steps_whose_names_are_cut_alike_get_different_names() -> None:
    first, second = "T" * 60 + "-0", "T" * 60 + "-1"
    assert job_name("0a1b2c3d4e5f", first, 1) != job_name("0a1b2c3d4e5f", second, 1)


def test_a_prefix_replaces_all_but_the_last_part() -> None:
    assert re.fullmatch(r"my-job-[0-9a-f]{10}", job_name("abc", "Prep", 1, prefix="my_job"))


@given(STEPS, st.integers(1, 10_000), st.sampled_from([32, 63]), st.text(max_size=80))
def test_every_name_is_allowed(step: str, attempt: int, limit: int, prefix: str) -> None:
    name = job_name("0a1b2c3d4e5f", step, attempt, limit=limit, prefix=prefix)
    assert ALLOWED.fullmatch(name)
    assert len(name) <= limit


@given(STEPS, st.integers(1, 10_000), st.integers(1, 5))
def test_ids_lead_back_to_the_step(step: str, attempt: int, rounds: int) -> None:
    assert step_of_task(task_id("abc", step, attempt)) == step
    assert step_of_task(read_id("abc", step, attempt, rounds)) == step
    assert step_of_timer(retry_timer(step, attempt)) == step


@given(st.text(max_size=30))
def test_foreign_ids_lead_nowhere_or_to_an_unknown_step(text: str) -> None:
    assert isinstance(step_of_task(text), str)
    assert isinstance(step_of_timer(text), str)
