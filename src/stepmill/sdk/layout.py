"""Which steps a pipeline has, where each of them stands, and in which order they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.parameters import Parameter
from stepmill.sdk.steps import Step


@dataclass(frozen=True)
class Layout:
    """The steps of a pipeline.

    Args:
        top: Those that stand in no other, each after what it needs.
        parameters: Those that a step uses, in the order of their first use.
    """

    top: tuple[Step, ...]
    parameters: tuple[Parameter, ...]


def lay_out(steps: Iterable[Step], pipeline: str) -> Layout:
    """Find all steps that the given ones hold, wait for, or take values from, and order them.

    Raises:
        InvalidInputError: If a step stands in two places, two share a name, or some wait for each other.
    """
    where = f"pipeline {pipeline!r}"
    listed = list(steps)
    everything = _reachable(listed)
    _check_names(everything, where)
    parents = _parents(everything, listed, where)
    ordered = _ordered(everything, parents, where)
    parameters: dict[str, Parameter] = {}
    for step in ordered:
        for item in step.contents():
            if isinstance(item, Parameter):
                add_parameter(parameters, item, step.where)
    return Layout(tuple(step for step in ordered if step not in parents), tuple(parameters.values()))


def add_parameter(known: dict[str, Parameter], parameter: Parameter, where: str) -> None:
    """Add a parameter to those known.

    Raises:
        InvalidInputError: If there is a different one of the same name.
    """
    first = known.setdefault(parameter.name, parameter)
    if first.document() != parameter.document():
        raise InvalidInputError(
            f"There are two different parameters {parameter.name!r}.",
            where=where,
            mend="Make it once, and use it in both places; or rename one.",
        )


def _reachable(listed: list[Step]) -> list[Step]:
    """Return the listed steps, those in them, and all that any of them needs."""
    found: dict[Step, None] = {}
    waiting = list(reversed(listed))
    while waiting:
        step = waiting.pop()
        if step not in found:
            found[step] = None
            waiting.extend(reversed([*step.children(), *step.needs()]))
    return list(found)


def _parents(everything: list[Step], listed: list[Step], where: str) -> dict[Step, Step]:
    """Return, for each step that stands in another, that other one."""
    parents: dict[Step, Step] = {}
    for parent in everything:
        for child in parent.children():
            if child in parents or child in listed:
                raise InvalidInputError(
                    f"Step {child.name!r} stands in two places.",
                    where=f"{where}, {parent.where}",
                    mend="Keep it in one branch or loop, or at the top; others can wait for it there.",
                )
            parents[child] = parent
    return parents


def _check_names(steps: Iterable[Step], where: str) -> None:
    known: dict[str, Step] = {}
    for step in steps:
        if known.setdefault(step.name, step) is not step:
            raise InvalidInputError(
                f"Two steps are named {step.name!r}.",
                where=where,
                mend="Rename one; a function's step by function.options(name='...')(...).",
            )


def _ordered(everything: list[Step], parents: dict[Step, Step], where: str) -> list[Step]:
    """Return the steps, each after those that it needs, and after the one that it stands in."""
    before: dict[Step, list[Step]] = {}
    for step in everything:
        home = [parents[step]] if step in parents else []
        before[step] = [*home, *step.needs()]
    done: dict[Step, None] = {}
    for step in everything:
        _visit(step, before, done, where)
    return list(done)


def _visit(first: Step, before: dict[Step, list[Step]], done: dict[Step, None], where: str) -> None:
    """Add a step to those done, after all that come before it. Ten thousand in a row are no problem."""
    path: dict[Step, Iterator[Step]] = {} if first in done else {first: iter(before[first])}
    while path:
        last = next(reversed(path))
        nearest = next((step for step in path[last] if step not in done), None)
        if nearest is None:
            done[last] = None
            del path[last]
        elif nearest in path:
            circle = [step.name for step in [*path, nearest]]
            names = " waits for ".join(circle[circle.index(nearest.name) :])
            raise InvalidInputError(
                f"Steps wait for each other: {names}.", where=where, mend="Take out one of the waits."
            )
        else:
            path[nearest] = iter(before[nearest])
