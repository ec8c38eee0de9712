from __future__ import annotations

import pytest

from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.engine.summaries import summarize
from stepmill.storage.executions import PIPELINES, ExecutionDetails, StoredExecution
from support.executions import NOON


def _stored(status: Status, owner: str) -> StoredExecution:
    details = ExecutionDetails("arn", "digest", version=2, failure_reason="Because.")
    return StoredExecution("abc", PIPELINES, "P", status, owner, NOON, NOON, 7, details)


@pytest.mark.parametrize("status", list(Status))
def test_only_what_is_not_at_its_end_can_be_interrupted(status: Status) -> None:
    summary = summarize(_stored(status, "dead"), is_owner_alive=False)
    assert summary.is_interrupted is (status in (Status.EXECUTING, Status.STOPPING))
    assert summary.owner == "", "a dead engine drives nothing"


@pytest.mark.parametrize("status", list(Status))
def test_what_is_driven_is_not_interrupted(status: Status) -> None:
    summary = summarize(_stored(status, "engine"), is_owner_alive=True)
    assert not summary.is_interrupted
    assert summary.owner == "engine"


def test_everything_is_carried_over() -> None:
    summary = summarize(_stored(Status.FAILED, ""), is_owner_alive=False)
    assert (summary.id, summary.arn, summary.pipeline, summary.version) == ("abc", "arn", "P", 2)
    assert (summary.status, summary.failure_reason, summary.position) == (Status.FAILED, "Because.", 7)
    assert summary.definition == "digest"
