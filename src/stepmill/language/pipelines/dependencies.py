"""Who waits for whom: a step depends on its DependsOn, on every step that an expression in it names,
and on the step that contains it.

Source: sagemaker SDK, ``Step._find_step_dependencies``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stepmill.language.pipelines.definition import Branch, Dependency, PipelineDefinition, Step, StepType


@dataclass(frozen=True, slots=True)
class StepDependencies:
    """What one step waits for.

    Args:
        explicit: DependsOn, with the outcome that each entry waits for; each step once per trigger.
        references: Steps whose results its expressions read; they must have succeeded, unless
            ``explicit`` names the same step with another trigger.
        parent: The Condition or ForEach step that contains it; empty at the top.
        branch: Which list of the parent it stands in: it runs only if that one is taken.

    A ForEach step starts only when what its body needs from outside is there, so it takes over its
    body's dependencies on steps outside; the body steps keep those on one another.
    """

    explicit: tuple[Dependency, ...] = ()
    references: tuple[str, ...] = ()
    parent: str = ""
    branch: Branch | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """Every step waited for, each once: the parent, DependsOn, references."""
        named = [self.parent] if self.parent else []
        named.extend(dependency.step for dependency in self.explicit)
        return tuple(dict.fromkeys([*named, *self.references]))


def dependencies(definition: PipelineDefinition) -> Mapping[str, StepDependencies]:
    """Return what each step waits for, by step name, in the order of the document."""
    steps = definition.steps
    loops = [step for step in steps.values() if step.type is StepType.FOR_EACH]
    inside = {loop.name: frozenset((loop.name, *loop.children)) for loop in loops}
    return {step.name: _dependencies_of(step, steps, inside) for step in steps.values()}


def _dependencies_of(
    step: Step, steps: Mapping[str, Step], inside: Mapping[str, frozenset[str]]
) -> StepDependencies:
    explicit, references = step.depends_on, step.references
    if step.type is StepType.FOR_EACH:
        # While a definition is still being checked, a step in the body may be of no known type.
        body = [steps[name] for name in step.children if name in steps]
        here = inside[step.name]
        explicit += tuple(each for child in body for each in child.depends_on if each.step not in here)
        references += tuple(name for child in body for name in child.references if name not in here)
    elif step.branch is Branch.BODY:
        here = inside[step.parent]
        explicit = tuple(each for each in explicit if each.step in here and each.step != step.parent)
        references = tuple(name for name in references if name in here and name != step.parent)
    return StepDependencies(
        explicit=tuple(dict.fromkeys(explicit)),
        references=tuple(dict.fromkeys(references)),
        parent=step.parent,
        branch=step.branch,
    )


def enclosing(step: Step, steps: Mapping[str, Step]) -> Iterator[Step]:
    """Return the steps that contain a step, from the innermost to the top."""
    while step.parent:
        step = steps[step.parent]
        yield step
