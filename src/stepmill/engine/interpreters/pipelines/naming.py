"""Ids of tasks and timers, and names of jobs."""

from __future__ import annotations

import re
from hashlib import sha256

# The longest job name that SageMaker takes.
LONGEST_JOB_NAME = 63
_SUFFIX_LENGTH = 10
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9-]")


def task_id(execution_id: str, step: str, attempt: int) -> str:
    """Return the id of the task that does a step's work.

    Example:
        >>> task_id("abc", "Train", 2)
        'abc/Train/2'
    """
    return f"{execution_id}/{step}/{attempt}"


def read_id(execution_id: str, step: str, attempt: int, rounds: int) -> str:
    """Return the id of a task that reads JSON files for a step.

    A later round reads what only the values of an earlier one could name.

    Example:
        >>> read_id("abc", "Gate", 1, 1), read_id("abc", "Gate", 1, 2)
        ('abc/Gate/read/1', 'abc/Gate/read/1.2')
    """
    return f"{execution_id}/{step}/read/{attempt}" + (f".{rounds}" if rounds > 1 else "")


def step_of_task(task: str) -> str:
    """Return the name of the step that a task works for; empty if it is no task of ours.

    Example:
        >>> step_of_task("abc/Gate/read/1"), step_of_task("what")
        ('Gate', '')
    """
    parts = task.split("/")
    return parts[1] if len(parts) > 1 else ""


def retry_timer(step: str, attempt: int) -> str:
    """Return the id of the timer that ends the wait after an attempt.

    Example:
        >>> retry_timer("Train", 1)
        'retry/Train/1'
    """
    return f"retry/{step}/{attempt}"


def step_of_timer(timer: str) -> str:
    """Return the name of the step that a timer is for; empty if it is no timer of ours.

    Example:
        >>> step_of_timer("retry/Train/1"), step_of_timer("tea")
        ('Train', '')
    """
    parts = timer.split("/")
    return parts[1] if len(parts) > 2 else ""


def job_name(
    execution_id: str, step: str, attempt: int, *, prefix: str = "", limit: int = LONGEST_JOB_NAME
) -> str:
    """Return the name of the job of an attempt: the same for the same attempt, another for each other.

    Args:
        execution_id: Of the execution.
        step: Name of the step; shortened where the whole would be too long.
        attempt: Number of the attempt.
        prefix: Stands in place of ``pipelines-<execution id>-<step>`` (custom job prefixes).
        limit: The longest name allowed, at least 32 characters.

    Example:
        >>> job_name("0a1b2c3d4e5f", "Train_Model", 1)
        'pipelines-0a1b2c3d4e5f-Train-Model-f17cae8f6d'
        >>> len(job_name("0a1b2c3d4e5f", "T" * 64, 1)), len(job_name("0a1b2c3d4e5f", "T" * 64, 1, limit=32))
        (63, 32)
    """
    suffix = sha256(task_id(execution_id, step, attempt).encode()).hexdigest()[:_SUFFIX_LENGTH]
    # Tuning and AutoML jobs have 32 characters: there is no room for the word in front.
    word = "pipelines-" if limit >= LONGEST_JOB_NAME else ""
    head = prefix or f"{word}{execution_id}-{step}"
    head = _NOT_ALLOWED.sub("-", head)[: limit - _SUFFIX_LENGTH - 1].strip("-")
    return f"{head or 'job'}-{suffix}"
