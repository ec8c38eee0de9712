"""Follows a property path through what a step will be described by.

Source: botocore's Describe shapes, as the sagemaker SDK builds properties from them; what no shape
describes is in ``step_types``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from stepmill.core.errors import NotFoundError
from stepmill.core.service_models import Shape
from stepmill.language.pipelines.arguments import Request, ServiceModels, ShapeSource
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.collector import Collector
from stepmill.language.pipelines.declarations import UNKNOWN, Declared, declared_at, has_own_metrics
from stepmill.language.pipelines.definition import Step, StepType
from stepmill.language.pipelines.expressions import is_expression
from stepmill.language.pipelines.paths import PathElements
from stepmill.language.pipelines.places import Place, show
from stepmill.language.pipelines.step_types import STEP_KINDS, Property

# Source: sagemaker SDK, TuningStep.get_top_model_s3_uri.
_MOST_SUMMARIES = 50
_CANDIDATE = ("ModelInsightsJsonReportPath", "ExplainabilityJsonReportPath")
_ENTITIES = {
    "ActionArns": ("Actions", "ActionName"),
    "ArtifactArns": ("Artifacts", "ArtifactName"),
    "ContextArns": ("Contexts", "ContextName"),
}
# Lists and maps of a Describe answer that echo what the arguments declare: path in the answer ->
# path in the arguments, the member that names an element, and how to call one.
_ECHOED: Mapping[StepType, Mapping[tuple[str, ...], tuple[tuple[str, ...], str, str]]] = {
    StepType.PROCESSING: {
        ("ProcessingOutputConfig", "Outputs"): (
            ("ProcessingOutputConfig", "Outputs"),
            "OutputName",
            "output",
        ),
        ("ProcessingInputs",): (("ProcessingInputs",), "InputName", "input"),
        ("Environment",): (("Environment",), "", "environment variable"),
    },
    StepType.TRAINING: {
        ("InputDataConfig",): (("InputDataConfig",), "ChannelName", "channel"),
        ("HyperParameters",): (("HyperParameters",), "", "hyperparameter"),
        ("Environment",): (("Environment",), "", "environment variable"),
    },
}


@dataclass(frozen=True)
class PropertyCheck:
    """Checks property paths of the steps of one definition; findings go to the collector."""

    models: ServiceModels
    collector: Collector
    steps: Mapping[str, Step]
    _declared: dict[tuple[str, str], Declared] = field(default_factory=dict)

    def check(self, step: Step, path: PathElements, place: Place) -> None:
        """Check that a step has a property."""
        traits = STEP_KINDS[step.type]
        if not path:
            message = f"The reference names step {show(step.name)}, but no property of it."
            self.collector.add(Code.UNKNOWN_PROPERTY, place, message, self._list(self._members(step)))
            return
        if "*" in traits.properties:
            return
        first = path[0]
        if isinstance(first, str) and first in traits.properties:
            self._special(traits.properties[first], step, first, path[1:], place)
            return
        found = self._answer(traits.answer)
        if found:
            self._follow(found[0], found[1], step, path, place)
        elif not traits.answer:
            self._unknown(first, self._members(step), f"Step {show(step.name)} ({step.type})", place)

    def _answer(self, answer: Request | None) -> tuple[ShapeSource, Shape] | None:
        if answer is None:
            return None
        try:
            models = self.models(answer.service)
            return models, models.answer(answer.operation) if answer.operation else models.shape(answer.shape)
        except NotFoundError:
            return None  # the installed botocore is older than this operation

    def _members(self, step: Step) -> list[str]:
        traits = STEP_KINDS[step.type]
        found = self._answer(traits.answer)
        return [*traits.properties, *(found[1].members if found else ())]

    def _follow(
        self, models: ShapeSource, shape: Shape, step: Step, path: PathElements, place: Place
    ) -> None:
        """Walk down the shapes; ``path`` is whole, so that declared names can be looked up by it."""
        known = self._members(step)
        for position, element in enumerate(path):
            owner = _name_of(step, path[:position])
            if shape.kind == "structure":
                members = known if position == 0 else list(shape.members)
                if not isinstance(element, str) or element not in shape.members:
                    self._unknown(element, members, owner, place)
                    return
                shape = models.shape(shape.members[element])
            elif shape.kind in ("list", "map"):
                if shape.kind == "map" and isinstance(element, int):
                    self._unknown(element, (), owner, place, "Select an entry by its name: ['name'].")
                    return
                if not self._is_declared(step, path[:position], element, place):
                    return
                shape = models.shape(shape.element)
            else:
                self._unknown(element, (), owner, place, "It is a single value: end the path there.")
                return

    def _is_declared(self, step: Step, path: PathElements, element: str | int, place: Place) -> bool:
        if path == ("FinalMetricDataList",) and isinstance(element, str):
            self._metric(step, element, place)
            return True
        keys = tuple(key for key in path if isinstance(key, str))
        echoed = _ECHOED.get(step.type, {}).get(keys)
        if echoed is None or len(keys) != len(path):
            return True
        where, member, word = echoed
        declared = self._once(step, word, lambda: declared_at(step.arguments, *where, member=member))
        return self._among(declared, element, f"Step {show(step.name)} declares no {word}", place)

    def _once(self, step: Step, word: str, find: Callable[[], Declared]) -> Declared:
        """Return what a step declares, found only once: thousands of references may ask."""
        key = (step.path, word)
        if key not in self._declared:
            self._declared[key] = find()
        return self._declared[key]

    def _among(self, declared: Declared, element: str | int, sentence: str, place: Place) -> bool:
        if isinstance(element, int):
            if declared.count is None or element < declared.count:
                return True
            message, mend = f"{sentence} number {element}.", f"There are {declared.count}, counted from 0."
        elif element in declared.names or not declared.is_complete:
            return True
        else:
            message = f"{sentence} {show(element)}."
            mend = self.collector.nearest(element, declared.names) or self._list(declared.names)
        self.collector.add(Code.UNDECLARED_NAME, place, message, mend)
        return False

    def _metric(self, step: Step, name: str, place: Place) -> None:
        keys = ("AlgorithmSpecification", "MetricDefinitions")
        declared = self._once(step, "metric", lambda: declared_at(step.arguments, *keys, member="Name"))
        if name in declared.names or not declared.is_complete or has_own_metrics(step.arguments):
            return
        message = f"Step {show(step.name)} defines no metric {show(name)}."
        mend = self.collector.nearest(name, declared.names)
        self.collector.add(Code.UNDECLARED_METRIC, place, message, mend)

    def _special(self, kind: Property, step: Step, name: str, rest: PathElements, place: Place) -> None:
        owner = _name_of(step, (name,))
        match kind:
            case Property.TEXT if rest:
                self._unknown(rest[0], (), owner, place, "It is a single value: end the path there.")
            case Property.OUTPUTS if rest:
                names = self._once(
                    step, name, lambda: Declared(dict.fromkeys(o.name for o in step.outputs), count=0)
                )
                sentence = f"Step {show(step.name)} declares no output"
                if self._among(names, rest[0], sentence, place) and len(rest) > 1:
                    self._unknown(rest[1], (), owner, place, "It is a single value: end the path there.")
            case Property.ENTITIES if rest:
                list_key, member = _ENTITIES[name]
                declared = self._once(
                    step, name, lambda: declared_at(step.arguments, list_key, member=member)
                )
                self._among(declared, rest[0], f"Step {show(step.name)} creates nothing called", place)
            case Property.SUMMARIES if rest:
                self._summaries(step, rest, owner, place)
            case Property.CANDIDATE if rest and (rest[0] not in _CANDIDATE or len(rest) > 1):
                self._unknown(rest[0], _CANDIDATE, owner, place)
            case Property.ITERATIONS:
                self._iterations(step, rest, place)
            case Property.SELECTED:
                self._selected(step, rest, place)

    def _summaries(self, step: Step, rest: PathElements, owner: str, place: Place) -> None:
        if not isinstance(rest[0], int) or rest[0] >= _MOST_SUMMARIES:
            mend = f"By position they go from [0], the best, to [{_MOST_SUMMARIES - 1}]."
            self._unknown(rest[0], (), owner, place, mend)
            return
        try:
            models = self.models("sagemaker")
            shape = models.shape("HyperParameterTrainingJobSummary")
        except NotFoundError:
            return
        if len(rest) > 1:
            self._follow(models, shape, step, rest[1:], place)

    def _iterations(self, step: Step, rest: PathElements, place: Place) -> None:
        body = step.for_each
        form = f"Steps.{step.name}.IterationOutputs[0].<body step>.<property>"
        if body is None or len(rest) < 3 or not isinstance(rest[0], int) or not isinstance(rest[1], str):
            message = "An output of an iteration is named by position, body step and property."
            self.collector.add(Code.UNKNOWN_PROPERTY, place, message, f"Write {form}.")
            return
        if isinstance(body.items, tuple) and rest[0] >= len(body.items):
            message = f"Step {show(step.name)} has {len(body.items)} items; there is no number {rest[0]}."
            self.collector.add(Code.UNDECLARED_NAME, place, message, "Items are counted from 0.")
        names = self._once(step, "body", lambda: Declared(dict.fromkeys(body.steps)))
        if rest[1] not in names.names:
            self._unknown(rest[1], body.steps, f"The body of {show(step.name)}", place)
        elif rest[1] in self.steps:
            self.check(self.steps[rest[1]], rest[2:], place)

    def _selected(self, step: Step, rest: PathElements, place: Place) -> None:
        selector = step.for_each.selector if step.for_each else None
        if selector is None:
            message = f"Step {show(step.name)} has no Selector, so nothing is selected."
            self.collector.add(Code.UNKNOWN_PROPERTY, place, message, "Give it a Selector.")
        elif selector.field.step in self.steps:
            self.check(self.steps[selector.field.step], rest, place)

    def _unknown(
        self, element: str | int, known: Collection[str], owner: str, place: Place, mend: str = ""
    ) -> None:
        shown = show(element) if isinstance(element, str) else f"[{element}]"
        better = mend or self.collector.nearest(element, known) or self._list(known)
        self.collector.add(Code.UNKNOWN_PROPERTY, place, f"{owner} has no {shown}.", better)

    def _list(self, known: Collection[str]) -> str:
        if not known:
            return "It has none."
        shown = list(known)[:12]
        return f"There are {', '.join(shown)}{', ...' if len(known) > len(shown) else ''}."


def _name_of(step: Step, path: PathElements) -> str:
    below = "".join(f"[{each!r}]" if isinstance(each, int) else f".{each[:64]}" for each in path)
    return f"{step.name}{below} of type {step.type}" if not path else f"{step.name}{below}"


def outputs_of(step: Step) -> Declared:
    """Return the outputs that a processing step declares, where its property files may lie."""
    if is_expression(step.arguments):
        return UNKNOWN
    return declared_at(step.arguments, "ProcessingOutputConfig", "Outputs", member="OutputName")
