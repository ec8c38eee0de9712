"""A task handler that does what a script says, for tests of whatever stands above handlers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from stepmill.core.json import Json, JsonObject
from stepmill.core.tasks import (
    Report,
    Task,
    TaskFailed,
    TaskReport,
    TaskStarted,
    TaskStopped,
    TaskSucceeded,
)

# A test that waits longer has failed; a busy machine needs seconds.
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Succeed:
    """End well, with that output. ``metadata`` is reported first, if there is any."""

    output: Json = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class Fail:
    """End badly."""

    error: str = "AlgorithmError"
    cause: str = "The script said so."


@dataclass(frozen=True)
class Raise:
    """Raise from ``start``."""

    error: Exception


@dataclass(frozen=True)
class Hold:
    """Report that the work is under way, and nothing more until ``finish`` or a stop.

    Args:
        stops: Whether a stop ends it.
    """

    stops: bool = True


Answer: TypeAlias = Succeed | Fail | Raise | Hold


class ScriptedHandler:
    """Answers tasks by the name of their step; a step without a script succeeds at once.

    Keeps the promise of all handlers: the same task id is the same work. Handed over again, a task
    that ended gets the same end reported again, and one that is held goes on.

    Args:
        choose: Chooses the answer for a task in place of the scripts of ``on``.
    """

    def __init__(self, choose: Callable[[Task], Answer] | None = None) -> None:
        self._choose = choose
        self._scripts: dict[str, list[Answer]] = {}
        self._ends: dict[str, TaskReport] = {}
        self._reports: dict[str, Report] = {}
        self._answers: dict[str, Answer] = {}
        self._changed = threading.Condition()
        self.handed_over: list[Task] = []
        self.asked_to_stop: list[str] = []

    def on(self, step: str, *answers: Answer) -> ScriptedHandler:
        """Give a step's tasks these answers, one after another; the last one stays."""
        self._scripts[step] = list(answers)
        return self

    @property
    def steps(self) -> list[str]:
        """Names of the steps whose tasks were handed over, each task once, in order."""
        with self._changed:
            return [task.step for task in {task.id: task for task in self.handed_over}.values()]

    def start(self, task: Task, report: Report) -> None:
        """Do what the script says."""
        with self._changed:
            self.handed_over.append(task)
            self._reports[task.id] = report
            if task.id not in self._answers:
                self._answers[task.id] = self._next_answer(task)
            answer = self._answers[task.id]
            end = self._ends.get(task.id)
            self._changed.notify_all()
        if end is not None:
            report(end)
            return
        match answer:
            case Succeed(output, metadata):
                if metadata:
                    report(TaskStarted(task.id, metadata))
                self._end(TaskSucceeded(task.id, output, metadata))
            case Fail(error, cause):
                self._end(TaskFailed(task.id, error, cause))
            case Raise(error):
                raise error
            case Hold():
                report(TaskStarted(task.id, {"Held": True}))

    def stop(self, task: Task) -> None:
        """End a task that is held, unless it is held against that."""
        with self._changed:
            self.asked_to_stop.append(task.id)
            self._changed.notify_all()
            answer = self._answers.get(task.id)
            if not isinstance(answer, Hold) or not answer.stops:
                return
        self._end(TaskStopped(task.id, "Asked to stop."))

    def finish(self, step: str, answer: Succeed | Fail | None = None) -> None:
        """End the newest task of a step that is held, by default well. Waits until it is there.

        Raises:
            TimeoutError: If none comes.
        """
        task = self.wait_for_task(step)
        match answer or Succeed():
            case Succeed(output, metadata):
                self._end(TaskSucceeded(task.id, output, metadata))
            case Fail(error, cause):
                self._end(TaskFailed(task.id, error, cause))

    def wait_for_task(self, step: str) -> Task:
        """Wait until an unfinished task of that step was handed over, and return the newest.

        Raises:
            TimeoutError: If none comes.
        """

        def find() -> Task | None:
            of_step = [task for task in self.handed_over if task.step == step and task.id not in self._ends]
            return of_step[-1] if of_step else None

        with self._changed:
            found = self._changed.wait_for(find, LONGEST_WAIT_S)
        if found is None:
            raise TimeoutError(f"No task of step {step!r} was handed over.")
        return found

    def _next_answer(self, task: Task) -> Answer:
        if self._choose is not None:
            return self._choose(task)
        script = self._scripts.get(task.step, [])
        if not script:
            return Succeed()
        return script.pop(0) if len(script) > 1 else script[0]

    def _end(self, end: TaskReport) -> None:
        with self._changed:
            if end.task_id in self._ends:
                return
            self._ends[end.task_id] = end
            report = self._reports[end.task_id]
            self._changed.notify_all()
        report(end)
