"""Checks what expressions and DependsOn refer to: that it exists, and can be known where it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import truediv

from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.collector import Collector
from stepmill.language.pipelines.cycles import cycles
from stepmill.language.pipelines.declarations import cleaned_steps, names_at
from stepmill.language.pipelines.definition import Branch, PipelineDefinition, Step, StepType
from stepmill.language.pipelines.dependencies import dependencies, enclosing
from stepmill.language.pipelines.draft import Draft, Use
from stepmill.language.pipelines.expressions import (
    ExecutionVariable,
    GetCurrentItem,
    GetExecutionVariable,
    GetExperiment,
    GetIterationOutput,
    GetParameter,
    GetStepProperty,
    ReadPropertyFile,
)
from stepmill.language.pipelines.places import Place, show
from stepmill.language.pipelines.properties import PropertyCheck, outputs_of

_ITERATION_NAME = re.compile(r"(?P<body>.+)-\d+\Z")
_MOST_SHOWN = 12
# Lists whose elements others select by name.
_NAMED_LISTS = {
    StepType.PROCESSING: (
        (("ProcessingOutputConfig", "Outputs"), "OutputName"),
        (("ProcessingInputs",), "InputName"),
    ),
    StepType.TRAINING: ((("InputDataConfig",), "ChannelName"),),
}
# Which step makes the job whose name the variable gives.
_JOB_NAMES = {
    ExecutionVariable.TRAINING_JOB_NAME: StepType.TRAINING,
    ExecutionVariable.PROCESSING_JOB_NAME: StepType.PROCESSING,
}


@dataclass(frozen=True)
class ReferenceCheck:
    """Checks the references of one definition; findings go to the collector."""

    draft: Draft
    definition: PipelineDefinition
    properties: PropertyCheck
    _files: dict[str, dict[str, None]] = field(default_factory=dict)  # of each step that was asked for one

    def check(self) -> None:
        """Check every use of an expression, every dependency, every property file; look for cycles."""
        for use in self.draft.uses:
            self._use(use)
        for step in self.definition.steps.values():
            place = self.draft.places[step.name]
            self._depends_on(step, place / "DependsOn")
            self._property_files(step, place / "PropertyFiles")
            self._named_twice(step, place / "Arguments")
            if step.type is StepType.CLEANUP:
                self._cleaned(step, place / "Arguments" / "Resources" / "S3")
        self._iteration_names()
        self._cycles()
        self._unused_parameters()

    @property
    def _collector(self) -> Collector:
        return self.draft.collector

    def _use(self, use: Use) -> None:
        match use.expression:
            case GetParameter(name) if name not in self.definition.parameters:
                mend = self._nearest(name, self.definition.parameters)
                self._collector.add(
                    Code.UNKNOWN_PARAMETER, use.place, f"There is no parameter {show(name)}.", mend
                )
            case GetExecutionVariable(variable):
                self._job_name(use, variable)
            case GetExperiment() if self.definition.experiment is None:
                message = "The definition sets PipelineExperimentConfig to null, so there is no experiment."
                self._collector.add(Code.NO_EXPERIMENT, use.place, message)
            case GetCurrentItem() if use.step in self.definition.steps and not self._in_body(use.step):
                message = "ForEach.CurrentItem is known in the body of a ForEach step only."
                self._collector.add(Code.NOT_HERE, use.place, message)
            case GetIterationOutput(name, path):
                self._iteration_output(use, name, path)
            case GetStepProperty(name, path):
                if step := self._reachable(use.step, name, use.place):
                    self._property(step, path, use.place)
            case ReadPropertyFile(name, file, _):
                if step := self._reachable(use.step, name, use.place):
                    self._reads_file(step, file, use.place)

    def _job_name(self, use: Use, variable: ExecutionVariable) -> None:
        maker = _JOB_NAMES.get(variable)
        step = self.definition.steps.get(use.step)
        if maker and (step is None or step.type is not maker):
            message = f"Execution.{variable} is the name of the job that a {maker} step makes; this is none."
            self._collector.add(Code.NOT_HERE, use.place, message, f"Read it in a {maker} step.")

    def _iteration_output(self, use: Use, name: str, path: tuple[str | int, ...]) -> None:
        if not use.is_selector:
            message = "IterationOutput can be read by the selector of a ForEach step only."
            self._collector.add(Code.NOT_HERE, use.place, message)
        elif name in self.definition.steps and path:
            self.properties.check(self.definition.steps[name], path, use.place)

    def _property(self, step: Step, path: tuple[str | int, ...], place: Place) -> None:
        if path and path[0] == "PropertyFiles":
            message = "A property file is read by Std:JsonGet, not by Get."
            mend = 'Write {"Std:JsonGet": {"PropertyFile": {"Get": ...}, "Path": ...}}.'
            self._collector.add(Code.BAD_EXPRESSION, place, message, mend)
            return
        self.properties.check(step, path, place)

    def _reads_file(self, step: Step, name: str, place: Place) -> None:
        if step.name not in self._files:
            self._files[step.name] = dict.fromkeys(file.name for file in step.property_files)
        declared = self._files[step.name]
        if name not in declared:
            message = f"Step {show(step.name)} declares no property file {show(name)}."
            self._collector.add(Code.UNKNOWN_PROPERTY_FILE, place, message, self._nearest(name, declared))

    def _depends_on(self, step: Step, place: Place) -> None:
        for index, dependency in enumerate(step.depends_on):
            target = self._reachable(step.name, dependency.step, place / index)
            if target and target.type is StepType.FAIL:
                message = f"Step {show(step.name)} depends on {show(target.name)}, after which nothing runs."
                self._collector.add(Code.DEPENDS_ON_FAIL, place / index, message)

    def _cleaned(self, step: Step, place: Place) -> None:
        for index, name in cleaned_steps(step.arguments):
            self._reachable(step.name, name, place / index / "StepName")

    def _property_files(self, step: Step, place: Place) -> None:
        declared = outputs_of(step)
        for index, file in enumerate(step.property_files):
            if file.output_name not in declared.names and declared.is_complete:
                message = f"Step {show(step.name)} has no output {show(file.output_name)}."
                mend = self._nearest(file.output_name, declared.names)
                self._collector.add(Code.UNKNOWN_OUTPUT, place / index / "OutputName", message, mend)

    def _named_twice(self, step: Step, place: Place) -> None:
        for keys, member in _NAMED_LISTS.get(step.type, ()):
            seen: set[str] = set()
            for at, name in names_at(step.arguments, keys, member):
                if name in seen:
                    where = reduce(truediv, keys, place) / at / member
                    message = f"There is another {member} {show(name)} in this list."
                    self._collector.add(Code.DUPLICATE_NAME, where, message)
                seen.add(name)

    def _reachable(self, asking: str, name: str, place: Place) -> Step | None:
        """Return the step of that name, if there is one and its result can be known to ``asking``."""
        steps = self.definition.steps
        if name not in self.draft.places:
            message = f"There is no step {show(name)}."
            self._collector.add(Code.UNKNOWN_STEP, place, message, self._nearest(name, self.draft.places))
            return None
        if name == asking:
            message = f"Step {show(name)} refers to itself."
            self._collector.add(Code.OWN_PROPERTY, place, message)
            return None
        if name not in steps:
            return None  # its type is unknown, which is said elsewhere
        return steps[name] if self._can_see(asking, steps[name], place) else None

    def _can_see(self, asking: str, target: Step, place: Place) -> bool:
        steps = self.definition.steps
        here = _branches(steps[asking], enclosing(steps[asking], steps)) if asking in steps else {}
        if target.name in here and target.type is StepType.FOR_EACH:
            message = f"Step {show(asking)} runs inside {show(target.name)}, which ends only after it."
            self._collector.add(Code.CYCLE, place, message, "Take the reference out.")
            return False
        here[asking] = None
        inner = target
        while inner.parent:
            container = steps[inner.parent]
            if container.name not in here or here[container.name] not in (None, inner.branch):
                return self._outside(target, inner, container, place, in_other=container.name in here)
            inner = container
        return True

    def _outside(self, target: Step, inner: Step, container: Step, place: Place, *, in_other: bool) -> bool:
        """Say why a step in a container cannot be seen from outside, or only sometimes."""
        if inner.branch is Branch.BODY:
            message = f"Step {show(target.name)} runs once per item of {show(container.name)}."
            mend = f"Write Steps.{container.name}.IterationOutputs[0].{target.name}.<property>."
            self._collector.add(Code.UNREACHABLE_STEP, place, message, mend)
            return False
        if in_other:
            message = f"Step {show(target.name)} is in the other branch of {show(container.name)}."
            self._collector.add(Code.UNREACHABLE_STEP, place, message)
            return False
        message = f"Step {show(target.name)} runs only if {show(container.name)} takes its {inner.branch}."
        self._collector.add(Code.BRANCH_MAY_NOT_RUN, place, message)
        return True

    def _in_body(self, name: str) -> bool:
        step = self.definition.steps.get(name)
        return step is not None and step.branch is Branch.BODY

    def _iteration_names(self) -> None:
        steps = self.definition.steps
        for name in steps:
            match = _ITERATION_NAME.match(name)
            if match and (body := steps.get(match["body"])) and body.branch is Branch.BODY:
                message = f"{show(name)} is also the name of an iteration of {show(body.name)}."
                self._collector.add(
                    Code.BAD_FOR_EACH, self.draft.places[name] / "Name", message, "Rename it."
                )

    def _cycles(self) -> None:
        waits = {name: each.steps for name, each in dependencies(self.definition).items()}
        for cycle in cycles(waits):
            if len(cycle) == 1:
                continue  # a reference to itself is said where it stands
            shown = [*cycle[:_MOST_SHOWN], *(["..."] if len(cycle) > _MOST_SHOWN else []), cycle[0]]
            message = f"Steps wait for one another: {' waits for '.join(shown)}."
            self._collector.add(Code.CYCLE, self.draft.places[cycle[0]], message)

    def _unused_parameters(self) -> None:
        used = {use.expression.name for use in self.draft.uses if isinstance(use.expression, GetParameter)}
        for name in self.definition.parameters:
            if name not in used:
                message = f"Nothing refers to parameter {show(name)}."
                place = self.draft.parameter_places[name]
                self._collector.add(Code.UNUSED_PARAMETER, place, message)

    def _nearest(self, word: str, known: Iterable[str]) -> str:
        names = list(known)
        shown = ", ".join(names[:_MOST_SHOWN])
        listed = (
            f"There are {shown}{', ...' if len(names) > _MOST_SHOWN else ''}." if names else "There is none."
        )
        return self._collector.nearest(word, names) or listed


def _branches(step: Step, containers: Iterable[Step]) -> dict[str, Branch | None]:
    """Return, for each container of a step, the list of it that the step stands in."""
    found: dict[str, Branch | None] = {}
    inner = step
    for container in containers:
        found[container.name] = inner.branch
        inner = container
    return found
