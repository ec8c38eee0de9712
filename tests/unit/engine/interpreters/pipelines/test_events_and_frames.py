from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from stepmill.core.statuses import PipelineExecutionStatus, StepStatus
from stepmill.core.tasks import CachePolicy, Task, TaskFailed, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.engine.interpreters import commands
from stepmill.engine.interpreters.pipelines import events, frames
from support.interpreting import NOON

TASK = Task("abc/A/1", "lambda:invoke", {"a": [1, None]}, "arn", "P", "A", cache=CachePolicy(timedelta(30)))


@pytest.mark.parametrize(
    "event",
    [
        events.ExecutionStarted("abc", "arn", "P", "arn:p", {"a": 1.5}, 3),
        events.ExecutionStarted(
            "abc",
            "arn",
            "P",
            "arn:p",
            selection=events.Selection(("A",), "arn:s", {"B": events.ReusedStep({"x": [1]}, {"Lambda": {}})}),
        ),
        TaskStarted("abc/A/1", {"TrainingJob": {"Arn": "x"}}, ("a note",)),
        TaskSucceeded("abc/A/1", [1, {"a": None}], {}, "arn:other"),
        TaskFailed("abc/A/1", "AlgorithmError", "why"),
        TaskStopped("abc/A/1"),
        events.TimerFired("retry/A/1"),
        events.StopRequested(),
        events.RetryRequested(7),
    ],
)
def test_events_survive_their_text(event: events.Event) -> None:
    assert events.decode_event(events.encode_event(event)) == event


@pytest.mark.parametrize(
    "command",
    [commands.StartTask(TASK), commands.StopTask("abc/A/1"), commands.SetTimer("retry/A/1", NOON)],
)
def test_commands_survive_their_text(command: commands.Command) -> None:
    assert commands.decode_command(commands.encode_command(command)) == command


@pytest.mark.parametrize(
    "frame",
    [
        frames.ExecutionFrame(PipelineExecutionStatus.EXECUTING, 50, ended_at=NOON),
        frames.InputsFrame("abc", "arn", "P", "arn:p", {"a": True}, NOON, frozenset({"A", "B"})),
        frames.StepFrame("A", StepStatus.FAILED, 3, 2, NOON, phase=frames.Phase.WAITING, retries={"-1": 2}),
        frames.StepFrame("A", None, 3, 2, NOON),
        frames.OutputFrame({"a": [1, 2.5, None]}),
        frames.ReadsFrame((("s3://b/k", "a", {"x": 1}),), (("s3://b/l", ""),), 2),
        frames.GateFrame(3),
        frames.ReadyFrame("A", index=2),
        frames.LoopFrame(7, best=2, best_value=0.5),
        frames.ItemsFrame(("a", 1, {"b": 2})),
    ],
)
def test_frames_survive_their_text(frame: frames.Frame) -> None:
    assert frames.decode_frame(frames.encode_frame(frame)) == frame


@pytest.mark.parametrize("text", ["", "{}", '{"type":"Nonsense"}', "[1]"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        events.decode_event(text)
    with pytest.raises(msgspec.DecodeError):
        frames.decode_frame(text)
    with pytest.raises(msgspec.DecodeError):
        commands.decode_command(text)
