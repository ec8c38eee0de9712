"""The ``@step`` decorator: a function becomes a processing step, with its signature as the step's."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

from stepmill.core.errors import InvalidInputError
from stepmill.sdk.function_driver import RESULT_FILE, RESULT_KEY, RESULT_OUTPUT, CallPlan, script_text
from stepmill.sdk.function_signature import Kind, argument_text, read_signature
from stepmill.sdk.function_source import DecoratedFunction, FunctionSource, function_source, place_of
from stepmill.sdk.names import nearest
from stepmill.sdk.processing import ProcessingInput, ProcessingStep, Script, Source
from stepmill.sdk.references import JsonValue, Property
from stepmill.sdk.steps import After, Cache, Number, Retry, Step, Text
from stepmill.sdk.values import Value


class StepOptions(TypedDict, total=False):
    """What ``@step`` takes: as ``ProcessingStep``; ``name`` is that of the function by default."""

    name: str
    image: str | Value
    requirements: str | Path | Sequence[str]
    environment: Mapping[str, object]
    instance_type: Text
    instance_count: Number
    volume_size_gb: Number
    max_runtime: timedelta
    network_isolation: bool
    cache: Cache
    retry: Sequence[Retry]
    tags: Mapping[str, Text]
    depends_on: Sequence[Step | After]
    display_name: str
    description: str
    request: Mapping[str, object]


@dataclass(eq=False, repr=False, kw_only=True)
class FunctionStep(ProcessingStep):
    """A call of a step function: a processing step.

    ``step.outputs["train"]`` is the address of an output, ``step.result`` what the function returned, and
    ``step.result["mse"]`` a member of it.

    Args:
        returns: Whether the function returns something.
    """

    returns: bool = True

    @property
    def result(self) -> JsonValue:
        """What the function returns.

        Raises:
            InvalidInputError: If it is declared to return ``None``.
        """
        if not self.returns:
            raise InvalidInputError(
                "The function returns nothing.",
                where=self.where,
                mend="Let it return something, not '-> None'.",
            )
        return self.report(RESULT_FILE, output=RESULT_OUTPUT)[RESULT_KEY]


class StepFunction(DecoratedFunction):
    """A function that makes steps: calling it makes one, ``function`` is the function itself.

    Args:
        function: The function.
        options: Of the steps that it makes.
    """

    def __init__(self, function: types.FunctionType, options: StepOptions) -> None:
        super().__init__(function)
        self._where = place_of(function)
        unknown = sorted(set(options) - set(StepOptions.__annotations__))
        if unknown:
            raise InvalidInputError(
                f"A step has no option {unknown[0]!r}.",
                where=self._where,
                mend=nearest(unknown[0], StepOptions.__annotations__),
            )
        self._options = options
        self._signature = read_signature(function)
        if RESULT_OUTPUT in self._signature.outputs:
            raise InvalidInputError(
                f"The output {RESULT_OUTPUT!r} is what the function returns.",
                where=self._where,
                mend="Rename it.",
            )
        update_wrapper(self, function)

    def __repr__(self) -> str:
        return f"<step function {self.function.__name__}>"

    def options(self, **changes: Unpack[StepOptions]) -> StepFunction:
        """Return the same function with other options: ``prepare.options(name="Prepare2")(...)``."""
        return StepFunction(self.function, {**self._options, **changes})

    def __call__(self, *args: object, **kwargs: object) -> FunctionStep:
        """Make a step of a call.

        Args:
            args: Arguments of the function, without its outputs; values of the pipeline, or literals.
            kwargs: The same by name. An output may be given the ``s3://`` address that it goes to.

        Raises:
            InvalidInputError: If the arguments do not fit the function, or it cannot be shipped.
        """
        outputs: dict[str, Any] = {name: kwargs.pop(name, None) for name in self._signature.outputs}
        given = self._bind(args, kwargs)
        kinds = self._signature.kinds
        parameters = {name: kinds[name] for name in given if kinds[name] is not Kind.INPUT}
        nothing = tuple(name for name, value in given.items() if value is None)
        inputs = {
            name: self._input(name, value)
            for name, value in given.items()
            if name not in (*parameters, *nothing)
        }
        arguments: list[object] = []
        for name, kind in parameters.items():
            if name not in nothing:
                arguments += [f"--{name}", argument_text(kind, given[name], name, self._where)]
        plan = CallPlan(
            parameters={name: kind.value for name, kind in parameters.items() if name not in nothing},
            nothing=nothing,
            inputs={name: "folder" if _is_output(source) else "either" for name, source in inputs.items()},
            outputs=tuple(outputs),
            result=self._signature.result,
        )
        if plan.result:
            outputs[RESULT_OUTPUT] = None
        defaults: StepOptions = {"name": self.function.__name__, "image": "python"}
        options: dict[str, Any] = {**defaults, **self._options}
        return FunctionStep(
            code=self._script(plan),
            inputs=inputs,
            outputs=outputs,
            arguments=arguments,
            returns=plan.result,
            **options,
        )

    def _bind(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
        try:
            return dict(self._signature.call.bind(*args, **kwargs).arguments)
        except TypeError as error:
            raise InvalidInputError(
                f"{self.function.__name__}{self._signature.call} cannot be called so: {error}.",
                where=self._where,
            ) from error

    def _input(self, name: str, value: object) -> Source | ProcessingInput:
        if isinstance(value, Step):
            raise InvalidInputError(
                f"{name!r} was given the whole step {value.name!r}.",
                where=self._where,
                mend="Give one of its outputs: step.outputs['name'], or step.model.",
            )
        if not isinstance(value, (str, Path, Value, ProcessingInput)):
            raise InvalidInputError(
                f"{value!r} is no input {name!r}.",
                where=self._where,
                mend="Give a path, or what another step leaves.",
            )
        return value

    @cached_property
    def _source(self) -> FunctionSource:
        return function_source(self.function)

    def _script(self, plan: CallPlan) -> Script:
        source = self._source
        # Named so that it hides no module: the script's folder is the first that imports are looked up in.
        return Script(f"{source.name}_step.py", script_text(source, plan), source.modules)


def _is_output(source: Source | ProcessingInput) -> bool:
    """Return whether a source is surely a folder: the output of a step."""
    plain = source.source if isinstance(source, ProcessingInput) else source
    return isinstance(plain, Property) and plain.path.startswith(".ProcessingOutputConfig.Outputs[")


@overload
def step(function: Callable[..., object], /) -> StepFunction: ...


@overload
def step(**options: Unpack[StepOptions]) -> Callable[[Callable[..., object]], StepFunction]: ...


def step(
    function: Callable[..., object] | None = None, /, **options: Unpack[StepOptions]
) -> StepFunction | Callable[[Callable[..., object]], StepFunction]:
    """Make a step function of a function, with or without options.

    Its signature says what the step is given: a ``Path`` is an input, an ``Output`` the folder of an
    output, ``str``, ``int``, ``float``, ``bool``, lists and dicts are parameters. What it returns can
    be read by other steps and by conditions. It runs in a process of its own, on AWS in a container,
    with the imports, constants, helper functions and modules of the project that it uses, and nothing
    of Stepmill.

    Args:
        function: The function.
        options: As those of ``ProcessingStep``; ``name`` is by default that of the function, ``image``
            is ``python``.

    Raises:
        InvalidInputError: If the function cannot be a step.
    """

    def decorate(plain: Callable[..., object]) -> StepFunction:
        if not isinstance(plain, types.FunctionType):
            raise InvalidInputError(
                f"{plain!r} is no plain function.", where="@step", mend="Use it on a def."
            )
        return StepFunction(plain, options)

    return decorate if function is None else decorate(function)
