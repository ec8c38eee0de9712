"""Expressions resolved: what a step's arguments come to at the moment when it starts.

A value in a JSON file cannot be known here. Resolving notes which reads are missing; the step asks
for them and resolves again when they are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from stepmill.core.clock import as_text
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json
from stepmill.engine.interpreters.pipelines.draft import Draft, child_name
from stepmill.engine.interpreters.pipelines.frames import StepFrame
from stepmill.engine.interpreters.pipelines.values import find, render_path, text_of
from stepmill.language.pipelines.definition import DEFAULT_EXPERIMENT
from stepmill.language.pipelines.expressions import (
    ExecutionVariable,
    ExperimentMember,
    Expression,
    GetCurrentItem,
    GetExecutionVariable,
    GetExperiment,
    GetIterationOutput,
    GetParameter,
    GetStepProperty,
    Join,
    Literal,
    ReadObject,
    ReadPropertyFile,
    is_expression,
    parse_expression,
)
from stepmill.language.pipelines.paths import PathElements


class Resolver:
    """Resolves the expressions of one attempt of one step.

    Args:
        draft: The execution.
        step: The step whose expressions these are.
        job_name: Of the job that this attempt makes.

    Attributes:
        missing: Reads, (URI, path), whose values are not there yet. While there are any, what was
            resolved is of no use.
    """

    def __init__(self, draft: Draft, step: StepFrame, job_name: str = "") -> None:
        self._draft = draft
        self._step = step
        self._job_name = job_name
        self._known = {(uri, path): value for uri, path, value in draft.reads(step.name).values}
        self.missing: dict[tuple[str, str], None] = {}

    def document(self, value: Json) -> Json:
        """Return a document with every expression in it replaced by its value.

        Raises:
            InvalidInputError: If one has no value.
        """
        if isinstance(value, Mapping):
            if is_expression(value):
                return self.value(parse_expression(value))
            return {key: self.document(below) for key, below in value.items()}
        if isinstance(value, list | tuple):
            return [self.document(below) for below in value]
        return value

    def text(self, value: Json) -> str:
        """Return a value, or what an expression stands for, as text.

        Raises:
            InvalidInputError: If it has no value.
        """
        return text_of(self.document(value))

    def object(self, value: JsonObject) -> dict[str, Json]:
        """Return an object with every expression below its keys replaced by its value.

        Raises:
            InvalidInputError: If one has no value.
        """
        return {key: self.document(below) for key, below in value.items()}

    def value(self, expression: Expression) -> Json:  # one arm per kind of expression
        """Return what an expression stands for.

        Raises:
            InvalidInputError: If it has no value.
        """
        match expression:
            case Literal(value):
                return value
            case GetParameter(name):
                return self._parameter(name)
            case GetExecutionVariable(variable):
                return self._variable(variable)
            case GetStepProperty(step, path):
                return self._property(step, path)
            case Join(separator, values):
                return separator.join(text_of(self.value(each)) for each in values)
            case ReadPropertyFile() | ReadObject():
                return self._read(expression)
            case _:
                return self._rare_value(expression)

    def _rare_value(self, expression: GetExperiment | GetCurrentItem | GetIterationOutput) -> Json:
        match expression:
            case GetExperiment(member):
                return self._experiment(member)
            case GetCurrentItem(path):
                return self._current_item(path)
            case GetIterationOutput():
                raise InvalidInputError("IterationOutput can only be the field of a ForEach's Selector.")
        assert_never(expression)

    def _parameter(self, name: str) -> Json:
        parameters = self._draft.inputs.parameters
        if name not in parameters:
            raise InvalidInputError(f"The execution has no parameter {name!r}.", where=f"Parameters.{name}")
        return parameters[name]

    def _variable(self, variable: ExecutionVariable) -> str:
        inputs = self._draft.inputs
        match variable:
            case ExecutionVariable.START_DATE_TIME:
                return as_text(inputs.started_at)
            case ExecutionVariable.CURRENT_DATE_TIME:
                return as_text(self._draft.at)
            case ExecutionVariable.PIPELINE_NAME:
                return inputs.pipeline
            case ExecutionVariable.PIPELINE_ARN:
                return inputs.pipeline_arn
            case ExecutionVariable.PIPELINE_EXECUTION_ID:
                return inputs.execution_id
            case ExecutionVariable.PIPELINE_EXECUTION_ARN:
                return inputs.execution_arn
        if not self._job_name:
            raise InvalidInputError("This step makes no job.", where=f"Execution.{variable}")
        return self._job_name

    def experiment_config(self) -> dict[str, Json]:
        """Return the names of the experiment and the trial of the execution, as jobs are told them."""
        return {str(member): self._experiment(member) for member in ExperimentMember}

    def _experiment(self, member: ExperimentMember) -> Json:
        names = self._draft.plan.definition.experiment or DEFAULT_EXPERIMENT
        is_trial = member is ExperimentMember.TRIAL_NAME
        return self.value(names.trial_name if is_trial else names.experiment_name)

    def _current_item(self, path: PathElements) -> Json:
        items = self._draft.items(self._step.parent)
        if not 0 <= self._step.index < len(items):
            raise InvalidInputError("There is a current item only in the body of a ForEach step.")
        item = items[self._step.index]
        if not path:
            return item
        where = f"ForEach.CurrentItem.{render_path(path)}"
        document = read_json(item, where=where) if isinstance(item, str) else item
        return _found(document, path, where)

    def _property(self, step: str, path: PathElements) -> Json:
        where = f"Steps.{step}.{render_path(path)}"
        planned = self._draft.plan.steps.get(step)
        if planned and planned.step.for_each and path[:1] in (("IterationOutputs",), ("Selected",)):
            step, path = self._of_child(step, path, where)
        elif planned and planned.loop:
            step = child_name(step, self._step.index)
        output = self._draft.output(step)
        if output is None:
            frame = self._draft.step(step)
            status = f"has {frame.status}" if frame and frame.status else "has not run"
            raise InvalidInputError(
                f"{where} has no value: step {step!r} {status} and left no output.", where=where
            )
        return _found(output.document, path, where)

    def _of_child(self, loop: str, path: PathElements, where: str) -> tuple[str, PathElements]:
        """Turn a path into a ForEach's result into the child's name and the path in its output."""
        match path:
            case ("IterationOutputs", int(index), str(body), *rest):
                return child_name(body, index), tuple(rest)
            case ("Selected", *rest):
                output = self._draft.output(loop)
                try:
                    chosen = find(output.document if output else None, ("Selector", "StepName"))
                except InvalidInputError:
                    raise InvalidInputError(
                        f"{where} has no value: no iteration was selected.", where=where
                    ) from None
                return text_of(chosen), tuple(rest)
        raise InvalidInputError(
            f"{where} is no property of a ForEach step.",
            where=where,
            mend="Write IterationOutputs[<index>].<body step>.<property>.",
        )

    def _read(self, expression: ReadPropertyFile | ReadObject) -> Json:
        missing_before = len(self.missing)
        match expression:
            case ReadPropertyFile(step, name):
                uri: Json = self._property_file(step, name)
            case ReadObject(source):
                uri = self.value(source)
        if len(self.missing) > missing_before:
            return None  # the address itself is still to be read
        if not isinstance(uri, str):
            raise InvalidInputError(f"Std:JsonGet needs an S3 URI, not {text_of(uri)}.")
        asked = (uri, render_path(expression.path))
        if asked not in self._known:
            self.missing[asked] = None
        return self._known.get(asked)

    def _property_file(self, step: str, name: str) -> str:
        files = self._draft.plan.steps[step].step.property_files
        found = next((file for file in files if file.name == name), None)
        if found is None:
            raise InvalidInputError(f"Step {step!r} has no property file {name!r}.")
        path = ("ProcessingOutputConfig", "Outputs", found.output_name, "S3Output", "S3Uri")
        folder = self._property(step, path)
        return f"{text_of(folder).rstrip('/')}/{found.file_path.lstrip('/')}"


def _found(document: Json, path: PathElements, where: str) -> Json:
    try:
        return find(document, path)
    except InvalidInputError as error:
        raise InvalidInputError(f"{where} has no value: {error.what}.", where=where) from None
