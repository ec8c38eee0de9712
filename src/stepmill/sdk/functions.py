"""Steps that call a Lambda function, or wait for someone outside to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.sdk.assets import FunctionAsset
from stepmill.sdk.named import Declared, NamedValues
from stepmill.sdk.parameters import PARAMETER_TYPES, ParameterType
from stepmill.sdk.references import Property
from stepmill.sdk.site import Site
from stepmill.sdk.steps import Cache, Step, Text, cache_document, check_names
from stepmill.sdk.values import Value, render, render_text

# "Lambda step" in the developer guide: a call within a pipeline ends after ten minutes.
_LONGEST_CALL = timedelta(minutes=10)

OutputTypes: TypeAlias = "Mapping[str, ParameterType] | Sequence[str]"


def _types(declaration: OutputTypes) -> Mapping[str, ParameterType]:
    if isinstance(declaration, Mapping):
        return declaration
    return dict.fromkeys([declaration] if isinstance(declaration, str) else declaration, str)


def _output_values(step: Step, declaration: OutputTypes) -> NamedValues:
    types = _types(declaration)
    return NamedValues(
        step,
        "output",
        {
            name: Property(step, f".OutputParameters['{name}']", text=kind is str)
            for name, kind in types.items()
        },
    )


_OUTPUTS: Declared[OutputTypes] = Declared((), _output_values)


@dataclass(frozen=True)
class Function:
    """A Lambda function that goes with the pipeline.

    Args:
        name: Of the function; at most 64 letters, digits, ``-`` and ``_``.
        code: A ``.py`` file, a folder, or a zip.
        handler: ``module.function``.
        timeout: After which a call fails; at most ten minutes.
        environment: Its variables.
    """

    name: str
    code: str | Path
    handler: str
    timeout: timedelta = _LONGEST_CALL
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_names([self.name], "function", {}, "Function")
        if self.handler.count(".") < 1 or not all(part.isidentifier() for part in self.handler.split(".")):
            raise InvalidInputError(
                f"{self.handler!r} is no handler.",
                where=f"function {self.name!r}",
                mend="Give module and function: 'app.handler'.",
            )


@dataclass(eq=False, repr=False, kw_only=True)
class _AnsweringStep(Step):
    """What Lambda and callback steps share: what is handed over, and what comes back.

    Args:
        inputs: What is handed over, by name.
        outputs: What comes back: names, or names with types (``{"score": float}``).
        cache: ``True``, or for how long an answer stays good (``"30d"``). The pipeline's wish does not
            count here: what is called may do more than answer.
    """

    inputs: Mapping[str, object] = field(default_factory=dict)
    outputs: Declared[OutputTypes] = _OUTPUTS
    cache: Cache = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names(self.outputs, "output", {}, self.where)
        for name, kind in _types(_OUTPUTS.declared(self)).items():
            if kind not in PARAMETER_TYPES:
                raise InvalidInputError(
                    f"{kind!r} is no type of an output.",
                    where=f"{self.where}, output {name!r}",
                    mend="Give str, int, float or bool.",
                )

    def arguments_document(self, site: Site) -> JsonObject:
        """Return what is handed over."""
        del site
        rendered = render(self.inputs, self.where)
        return rendered if isinstance(rendered, Mapping) else {}

    def answer_document(self, site: Site) -> dict[str, Json]:
        """Return the outputs' types, and caching."""
        types = _types(_OUTPUTS.declared(self))
        outputs = [{"OutputName": name, "OutputType": PARAMETER_TYPES[kind]} for name, kind in types.items()]
        return {"OutputParameters": outputs} | cache_document(self.cache, site, self.where)


@dataclass(eq=False, repr=False, kw_only=True)
class LambdaStep(_AnsweringStep):
    """Call a Lambda function.

    ``step.outputs["score"]`` is a member of the object that it returns.

    Args:
        function: A ``Function``; or the name or ARN of one that exists.
    """

    _type: ClassVar[str] = "Lambda"

    function: Function | Text

    def extra_document(self, site: Site) -> JsonObject:
        """Return the function's ARN, the outputs' types, and caching."""
        return {"FunctionArn": self._arn(site)} | self.answer_document(site)

    def _arn(self, site: Site) -> Json:
        function = self.function
        if isinstance(function, Function):
            code = site.local(function.code, f"function {function.name!r}")
            site.add_function(
                FunctionAsset(
                    function.name, code, function.handler, function.timeout, dict(function.environment)
                )
            )
            return site.arns.function(function.name)
        if isinstance(function, Value):
            return render_text(function)
        if function.startswith("arn:"):
            return function
        check_names([function], "function", {}, self.where)
        return site.arns.function(function)


@dataclass(eq=False, repr=False, kw_only=True)
class CallbackStep(_AnsweringStep):
    """Put a message into a queue, and wait until someone answers with its token.

    Args:
        queue: URL of an SQS queue, or the name of one.
    """

    _type: ClassVar[str] = "Callback"

    queue: Text

    def extra_document(self, site: Site) -> JsonObject:
        """Return the queue's URL, the outputs' types, and caching."""
        return {"SqsQueueUrl": self._url(site)} | self.answer_document(site)

    def _url(self, site: Site) -> Json:
        if isinstance(self.queue, Value) or "://" in self.queue:
            return render_text(self.queue)
        check_names([self.queue.removesuffix(".fifo")], "queue", {}, self.where)
        return f"https://sqs.{site.arns.region}.amazonaws.com/{site.arns.account}/{self.queue}"
