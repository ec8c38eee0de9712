"""Executions of pipelines and of state machines as runs, without what their jobs left behind."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace

from stepmill.catalog.runs import Run, RunKind, Value
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json, read_json, write_json
from stepmill.engine.machines.reading import MachineExecutionReader
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.engine.reading import ExecutionReader
from stepmill.engine.summaries import ExecutionSummary

# Few, for a table of the newest; whoever wants all asks more often.
_PAGE = 200
# An input may have megabytes; whoever compares runs looks at a table.
_LONGEST_DOCUMENT = 256 * 1024
_MOST_MEMBERS = 200
_LONGEST_TEXT = 500


class WholeRuns:
    """Reads executions. Safe to share between threads.

    Args:
        pipelines: Looks at those of pipelines.
        machines: Looks at those of state machines.
    """

    def __init__(self, pipelines: ExecutionReader, machines: MachineExecutionReader) -> None:
        self._pipelines = pipelines
        self._machines = machines

    def newest(self) -> Iterator[Run]:
        """Yield all, the newest first; none of express machines, which are gone soon, and no iterations."""
        of_pipelines = (self.of_pipeline(each) for each in self._of_pipelines())
        return heapq.merge(of_pipelines, self._of_machines(), key=lambda run: run.created_at, reverse=True)

    def named(self, names: Iterable[str]) -> Iterator[Run]:
        """Yield those of these ids of pipelines' executions, and of these ARNs, that there are, once each."""
        seen: set[str] = set()
        for name in names:
            try:
                if is_of_machine(name):
                    run = self.of_machine(self._machines.describe(name))
                else:
                    run = self.of_pipeline(self._pipelines.describe(name.rpartition("/")[2]))
            except NotFoundError:
                continue
            if run.execution not in seen:
                seen.add(run.execution)
                yield run

    def of_pipeline(self, execution: ExecutionSummary) -> Run:
        """Return the run that an execution of a pipeline is."""
        return Run(
            name=execution.id,
            kind=RunKind.EXECUTION,
            title=execution.display_name or execution.pipeline,
            experiment="",
            status=str(execution.status),
            created_at=execution.created_at,
            started_at=execution.created_at,
            ended_at=execution.modified_at if execution.status.is_final else None,
            reason=execution.failure_reason,
            parameters={
                name: value
                for name, value in execution.parameters.items()
                if isinstance(value, str | int | float)
            },
            execution=execution.arn,
        )

    def of_machine(self, execution: MachineExecution, *, with_output: bool = False) -> Run:
        """Return the run that an execution of a state machine is: its input are its parameters.

        Args:
            execution: It.
            with_output: Whether its output is told.
        """
        text = self._machines.output(execution.id) if with_output else None
        output = members_of(text or "{}", "output")
        run = _of_machine(execution, self._machines.input(execution.id))
        return replace(run, outputs={name: str(value) for name, value in output.items()})

    def _of_pipelines(self) -> Iterator[ExecutionSummary]:
        after: str | None = None
        while True:
            page = self._pipelines.find(limit=_PAGE, after=after)
            yield from page.executions
            after = page.next_token
            if after is None:
                return

    def _of_machines(self) -> Iterator[Run]:
        after: str | None = None
        while True:
            page = self._machines.find(map_run="", limit=_PAGE, after=after)
            shown = [each for each in page.executions if not each.details.is_express]
            inputs = self._machines.inputs(shown) if shown else {}
            yield from (_of_machine(each, inputs.get(each.id, "")) for each in shown)
            after = page.next_token
            if after is None:
                return


def _of_machine(execution: MachineExecution, input_text: str) -> Run:
    details = execution.details
    return Run(
        name=details.name,
        kind=RunKind.EXECUTION,
        title=execution.machine,
        experiment="",
        status=str(execution.status),
        created_at=execution.started_at,
        started_at=execution.started_at,
        ended_at=details.stopped_at,
        reason=": ".join(one for one in (details.error, details.cause) if one),
        parameters=members_of(input_text, "input"),
        execution=execution.arn,
    )


def is_of_machine(arn: str) -> bool:
    """Return whether an ARN is one of a state machine's execution."""
    return ":states:" in arn


def members_of(text: str, name: str) -> dict[str, Value]:
    """Return the members of a JSON object as values of a table: what is nested as its text.

    Args:
        text: JSON. Of a long one nothing is told.
        name: Of the one value, if it is no object.

    Example:
        >>> members_of('{"lr": 0.1, "layers": [8, 8]}', "input"), members_of("7", "input")
        ({'lr': 0.1, 'layers': '[8,8]'}, {'input': 7})
    """
    if len(text) > _LONGEST_DOCUMENT:
        return {}
    try:
        document = read_json(text)
    except InvalidInputError:
        return {}
    members = document if isinstance(document, dict) else {name: document}
    return {key[:_LONGEST_TEXT]: _value(one) for key, one in list(members.items())[:_MOST_MEMBERS]}


def _value(value: Json) -> Value:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else write_json(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
