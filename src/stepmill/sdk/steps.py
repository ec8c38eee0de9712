"""What all steps share: a name, what they wait for, retries, caching, and AWS's document of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import ClassVar, Final, Literal, Self, TypeAlias, get_args

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.sdk.names import check_name
from stepmill.sdk.references import Property
from stepmill.sdk.site import Site
from stepmill.sdk.values import Producer, Value, contents, render, render_text

StepOutcome: TypeAlias = Literal["Completed", "Failed", "Stopped", "Any"]
Cache: TypeAlias = bool | str | timedelta
Number: TypeAlias = int | Value
Text: TypeAlias = str | Value

# Marks the fields that hold other steps as part of a step, rather than as something it waits for.
CHILDREN: Final = {"children": True}


@dataclass(frozen=True)
class After:
    """A wish to run after a step, and how that step has ended.

    Args:
        step: Which.
        on: ``Completed``, ``Failed``, ``Stopped`` or ``Any`` of them. Where a pipeline goes on after a
            failure, its execution ends as ``CompletedWithFailures``.
    """

    step: Step
    on: StepOutcome = "Completed"

    def __post_init__(self) -> None:
        if not isinstance(self.step, Step):
            raise InvalidInputError(f"{self.step!r} is no step.", where="After", mend="Give the step itself.")
        if self.on not in get_args(StepOutcome):
            raise InvalidInputError(
                f"{self.on!r} is no way for a step to end.",
                where=f"after step {self.step.name!r}",
                mend=f"Use one of {', '.join(get_args(StepOutcome))}.",
            )


@dataclass(frozen=True)
class Retry:
    """When and how often a step is tried again. What the user's own code fails at is not.

    Args:
        on: Names of exceptions: ``Step.SERVICE_FAULT``, ``Step.THROTTLING``,
            ``SageMaker.JOB_INTERNAL_ERROR``, ``SageMaker.CAPACITY_ERROR``, ``SageMaker.RESOURCE_LIMIT``.
        max_attempts: 1 to 20. ``None``, with ``expire_after``: no such limit.
        interval: Before the first retry; whole seconds.
        backoff: Each later wait is this many times as long.
        expire_after: From the step's start, after which it is not tried again; whole minutes.
    """

    on: Sequence[str] = ("Step.SERVICE_FAULT", "Step.THROTTLING")
    max_attempts: int | None = None
    interval: timedelta = timedelta(seconds=1)
    backoff: float = 2.0
    expire_after: timedelta | None = None

    def __post_init__(self) -> None:
        if self.max_attempts is not None and self.expire_after is not None:
            raise InvalidInputError(
                "A retry is limited by attempts or by time, not by both.",
                where="Retry",
                mend="Give max_attempts or expire_after.",
            )

    def document(self) -> JsonObject:
        """Return the retry policy's document."""
        document: dict[str, Json] = {
            "ExceptionType": list(self.on),
            "IntervalSeconds": int(self.interval.total_seconds()),
            "BackoffRate": self.backoff,
        }
        if self.expire_after is not None:
            document["ExpireAfterMin"] = int(self.expire_after.total_seconds() // 60)
        else:
            document["MaxAttempts"] = 5 if self.max_attempts is None else self.max_attempts
        return document


@dataclass(eq=False, repr=False, kw_only=True)
class Step(Producer, ABC):
    """A node of a pipeline.

    Args:
        name: Unique in the pipeline; at most 64 letters, digits, ``-`` and ``_``.
        display_name: Shown instead of the name.
        description: For humans.
        depends_on: Steps to wait for beside those whose values this one uses.
        request: Members of AWS's document (the step's Arguments) that the class has no word for. They
            are merged over what the class writes; ``None`` takes a member out.
    """

    _type: ClassVar[str] = ""

    name: str = field(kw_only=False)
    display_name: str = ""
    description: str = ""
    depends_on: Sequence[Step | After] = ()
    request: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.name, "step")
        wanted = self.depends_on if isinstance(self.depends_on, (list, tuple)) else [self.depends_on]
        self.depends_on = []
        for each in wanted:
            self.after(
                *([each.step] if isinstance(each, After) else [each]),
                on=each.on if isinstance(each, After) else "Completed",
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def type_name(self) -> str:
        """The step's type in the definition: ``Processing``."""
        return self._type

    @property
    def where(self) -> str:
        """How errors name this step."""
        return f"step {self.name!r}"

    @property
    def properties(self) -> Property:
        """The root of all members of the step's description: ``step.properties.CreationTime``."""
        return Property(self)

    def after(self, *steps: Step, on: StepOutcome = "Completed") -> Self:
        """Wait for steps whose values this one does not use; return this step."""
        self.depends_on = [*self.depends_on, *(After(step, on) for step in steps)]
        return self

    def children(self) -> Iterator[Step]:
        """Yield the steps that are part of this one: branches, the body of a loop."""
        for each in fields(self):
            if each.metadata.get("children"):
                yield from getattr(self, each.name)

    def contents(self) -> Iterator[Value | Producer]:
        """Yield the values and steps that this step, without its children, speaks of."""
        for each in fields(self):
            if not each.metadata.get("children"):
                yield from contents(getattr(self, each.name))

    def needs(self) -> Iterator[Step]:
        """Yield the steps that this one waits for or takes values from."""
        for item in self.contents():
            if isinstance(item, Step):
                yield item

    def document(self, site: Site) -> JsonObject:
        """Return the step's document in the definition."""
        arguments = merged(self.arguments_document(site), self.request, self.where)
        document: dict[str, Json] = {"Name": self.name, "Type": self.type_name, "Arguments": arguments}
        if self.display_name:
            document["DisplayName"] = self.display_name
        if self.description:
            document["Description"] = self.description
        if self.depends_on:
            document["DependsOn"] = [_dependency(each) for each in self.depends_on]
        return document | dict(self.extra_document(site))

    @abstractmethod
    def arguments_document(self, site: Site) -> JsonObject:
        """Return the step's Arguments, before ``request`` is merged over them."""

    def extra_document(self, site: Site) -> JsonObject:
        """Return the keys beside Arguments that this kind of step has."""
        del site
        return {}


def _dependency(wanted: Step | After) -> Json:
    after = wanted if isinstance(wanted, After) else After(wanted)
    return after.step.name if after.on == "Completed" else {"Step": after.step.name, "Trigger": after.on}


@dataclass(eq=False, repr=False, kw_only=True)
class JobStep(Step):
    """A step that makes something in SageMaker.

    Args:
        retry: When it is tried again.
        tags: Of what it makes.
    """

    retry: Sequence[Retry] = ()
    tags: Mapping[str, Text] = field(default_factory=dict)

    def retries_document(self) -> dict[str, Json]:
        """Return the member ``RetryPolicies``, if there are any."""
        policies = [self.retry] if isinstance(self.retry, Retry) else self.retry
        return {"RetryPolicies": [each.document() for each in policies]} if policies else {}

    def tags_document(self) -> dict[str, Json]:
        """Return the member ``Tags``, if there are any."""
        tags = [{"Key": key, "Value": render_text(value, self.where)} for key, value in self.tags.items()]
        return {"Tags": tags} if tags else {}


@dataclass(eq=False, repr=False)
class RawStep(Step):
    """A step written as AWS's document, for whatever no class mirrors.

    Args:
        type: As in the definition: ``Tuning``.
        arguments: The step's Arguments; values of the pipeline may stand anywhere in them.
        extra: Keys beside Arguments: ``{"CacheConfig": {"Enabled": True}}``.

    Example:
        >>> wait = RawStep("Tune", "Tuning", {"HyperParameterTuningJobConfig": {"Strategy": "Bayesian"}})
        >>> wait.properties.BestTrainingJob.TrainingJobName
        <Tune.BestTrainingJob.TrainingJobName>
    """

    type: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def type_name(self) -> str:
        """The step's type in the definition."""
        return self.type

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the arguments as they were given, rendered."""
        del site
        return _object(render(self.arguments, self.where))

    def extra_document(self, site: Site) -> JsonObject:
        """Return the extra keys as they were given, rendered."""
        del site
        return _object(render(self.extra, self.where))


def _object(value: Json) -> JsonObject:
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{value!r} is no object.", mend="Give a dict.")
    return value


def cache_document(cache: Cache | None, site: Site, where: str) -> dict[str, Json]:
    """Return the member ``CacheConfig``, if the step is cached.

    Raises:
        InvalidInputError: If the time that results stay good for is no duration.
    """
    wish = site.cache if cache is None else cache
    if wish is False or wish is None:
        return {}
    if wish is True:
        return {"CacheConfig": {"Enabled": True}}
    if isinstance(wish, timedelta):
        if wish < timedelta(seconds=1):
            raise InvalidInputError(f"A result cannot stay good for {wish}.", where=where, mend="Give more.")
        return {"CacheConfig": {"Enabled": True, "ExpireAfter": _iso_duration(wish)}}
    if isinstance(wish, str) and wish:
        return {"CacheConfig": {"Enabled": True, "ExpireAfter": wish}}
    raise InvalidInputError(
        f"{wish!r} is no caching.", where=where, mend="Give True, False, '30d' or a timedelta."
    )


def _iso_duration(time: timedelta) -> str:
    return f"P{time.days}D" if not time.seconds else f"PT{int(time.total_seconds())}S"


def merged(document: JsonObject, over: Mapping[str, object], where: str) -> dict[str, Json]:
    """Return a document with another laid over it: objects are merged, all else is replaced.

    Example:
        >>> merged({"A": {"x": 1, "y": 2}, "B": [1]}, {"A": {"y": 3}, "B": None}, "")
        {'A': {'x': 1, 'y': 3}}
    """
    result: dict[str, Json] = dict(document)
    for key, value in over.items():
        below = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = merged(below, value, f"{where}.{key}")
        else:
            result[key] = render(value, f"{where}.{key}")
    return result


def check_names(names: Iterable[str], kind: str, reserved: Mapping[str, str], where: str) -> None:
    """Refuse names of inputs or outputs that cannot be, or that the class itself uses.

    Raises:
        InvalidInputError: If one is refused.
    """
    for name in names:
        check_name(name, kind)
        if name in reserved:
            raise InvalidInputError(
                f"The name {name!r} is taken by {reserved[name]}.", where=where, mend=f"Rename the {kind}."
            )
