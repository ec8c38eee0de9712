"""What a job runs: a definition's container, with what its submission says instead. Pure.

Source: Batch API reference, ContainerProperties, ContainerOverrides, ResourceRequirement, RetryStrategy,
JobTimeout; user guide, "Job definition parameters".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject

MOST_ATTEMPTS = 10
SHORTEST_TIMEOUT_S = 60
_MOST_CONDITIONS = 5
_LONGEST_PATTERN = 512
_RESERVED = "AWS_BATCH"
_REFERENCE = "Ref::"
_KINDS = ("VCPU", "MEMORY", "GPU")
_SMALLEST_MEMORY_MIB = 4
_MEGABYTE = 1024 * 1024
_LARGEST_WORDS = 30_720


def check_container(container: JsonObject) -> None:
    """Check ``containerProperties``.

    Raises:
        InvalidInputError: If Batch would refuse them.
    """
    if not container.get("image"):
        raise _refused("Container.image should not be null or empty.")
    _check_words(container)
    needs = requirements_of(container)
    if float(needs.get("VCPU", 0)) <= 0:
        raise _refused("Container.vcpus should be given: a VCPU in resourceRequirements.")
    if float(needs.get("MEMORY", 0)) < _SMALLEST_MEMORY_MIB:
        raise _refused(f"Container.memory must be at least {_SMALLEST_MEMORY_MIB} MiB.")


def check_retries(given: Json) -> None:
    """Check a ``retryStrategy``.

    Raises:
        InvalidInputError: If Batch would refuse it.
    """
    if given is None:
        return
    strategy = _object(given, "retryStrategy")
    attempts = strategy.get("attempts", 1)
    if not isinstance(attempts, int) or isinstance(attempts, bool) or not 1 <= attempts <= MOST_ATTEMPTS:
        raise _refused(f"RetryStrategy.attempts must be between 1 and {MOST_ATTEMPTS}.")
    conditions = _items(strategy.get("evaluateOnExit"), "evaluateOnExit")
    if len(conditions) > _MOST_CONDITIONS:
        raise _refused(f"RetryStrategy.evaluateOnExit has at most {_MOST_CONDITIONS} conditions.")
    for condition in conditions:
        said = _object(condition, "evaluateOnExit")
        if str(said.get("action", "")).upper() not in ("RETRY", "EXIT"):
            raise _refused("RetryStrategy.evaluateOnExit.action must be RETRY or EXIT.")
        patterns = [said[name] for name in ("onStatusReason", "onReason", "onExitCode") if name in said]
        if not patterns:
            raise _refused("RetryStrategy.evaluateOnExit must have onStatusReason, onReason or onExitCode.")
        if any(
            len(str(pattern)) > _LONGEST_PATTERN or "*" in str(pattern)[:-1] or not pattern
            for pattern in patterns
        ):
            raise _refused("RetryStrategy.evaluateOnExit: a pattern may have one asterisk, at its end.")


def check_timeout(given: Json) -> timedelta | None:
    """Return the time that an attempt has; ``None``: no limit.

    Raises:
        InvalidInputError: If it is less than a minute.
    """
    seconds = _object(given, "timeout").get("attemptDurationSeconds") if given is not None else None
    if seconds is None:
        return None
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < SHORTEST_TIMEOUT_S:
        raise _refused(f"Timeout.attemptDurationSeconds must be at least {SHORTEST_TIMEOUT_S}.")
    # Longer than that nobody can see; and no date may overflow.
    return timedelta(seconds=min(seconds, 10 * 366 * 86_400))


def container_of(
    properties: JsonObject, overrides: JsonObject, parameters: Mapping[str, str]
) -> dict[str, Json]:
    """Return the container of a job: a definition's, changed by a submission, its parameters filled in.

    Args:
        properties: ``containerProperties`` of the definition.
        overrides: ``containerOverrides`` of the submission.
        parameters: Name -> value; the submission's over the definition's.

    Raises:
        InvalidInputError: If Batch would refuse an override.

    Example:
        >>> needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
        >>> properties = {"image": "i", "command": ["run", "Ref::mode"], "resourceRequirements": needs}
        >>> container_of(properties, {}, {"mode": "fast"})["command"]
        ['run', 'fast']
    """
    _check_words(overrides)
    needs = {**requirements_of(properties), **requirements_of(overrides)}
    variables = {**environment_of(properties), **environment_of(overrides)}
    command = _texts(overrides.get("command")) or _texts(properties.get("command"))
    container: dict[str, Json] = {
        name: value for name, value in properties.items() if name not in ("vcpus", "memory")
    }
    container |= {
        "command": [_filled(word, parameters) for word in command],
        "environment": [{"name": name, "value": value} for name, value in variables.items()],
        "resourceRequirements": [{"type": kind, "value": value} for kind, value in needs.items()],
        "volumes": properties.get("volumes") or [],
        "mountPoints": properties.get("mountPoints") or [],
        "ulimits": properties.get("ulimits") or [],
        "secrets": properties.get("secrets") or [],
        "networkInterfaces": [],
    }
    if overrides.get("instanceType"):
        container["instanceType"] = overrides["instanceType"]
    check_container(container)
    return container


def requirements_of(container: JsonObject) -> dict[str, str]:
    """Return what a container needs: ``VCPU``, ``MEMORY`` in MiB, ``GPU`` -> how much, as text.

    Raises:
        InvalidInputError: If one is unknown or no number.
    """
    needs = {
        kind: str(container[member])
        for member, kind in (("vcpus", "VCPU"), ("memory", "MEMORY"))
        if container.get(member)
    }
    for item in _items(container.get("resourceRequirements"), "resourceRequirements"):
        need = _object(item, "resourceRequirements")
        kind, value = str(need.get("type")), str(need.get("value"))
        if kind not in _KINDS:
            raise _refused(f"resourceRequirements: {kind[:40]} is none of {', '.join(_KINDS)}.")
        if not _is_number(value, whole=kind != "VCPU"):
            raise _refused(f"resourceRequirements: {value[:40]} is no value for {kind}.")
        needs[kind] = value
    return needs


def memory_of(container: JsonObject) -> int:
    """Return the most memory that a container may use, in bytes."""
    return int(float(requirements_of(container)["MEMORY"])) * _MEGABYTE


def environment_of(container: JsonObject) -> dict[str, str]:
    """Return the variables of a container.

    Raises:
        InvalidInputError: If one begins as Batch's own do.
    """
    variables: dict[str, str] = {}
    for item in _items(container.get("environment"), "environment"):
        variable = _object(item, "environment")
        name = str(variable.get("name") or "")
        if name.startswith(_RESERVED):
            raise _refused(f"Environment variables cannot start with {_RESERVED}: {name[:80]}.")
        if not name or "=" in name or "\0" in name + str(variable.get("value")):
            raise _refused(f"environment: {name[:80]!r} is no name of a variable, or its value no text.")
        variables[name] = str(variable.get("value") or "")
    return variables


def command_of(container: JsonObject) -> tuple[str, ...]:
    """Return the command of a container; may be empty."""
    return tuple(_texts(container.get("command")))


def _check_words(container: JsonObject) -> None:
    words = _texts(container.get("command"))
    if any("\0" in word for word in words):
        raise _refused("command: a word has a character that no program can be given.")
    size = sum(len(word) for word in words) + sum(
        len(name) + len(value) for name, value in environment_of(container).items()
    )
    if size > _LARGEST_WORDS:
        raise _refused(f"command and environment together have more than {_LARGEST_WORDS} characters.")


def _filled(word: str, parameters: Mapping[str, str]) -> str:
    return parameters.get(word.removeprefix(_REFERENCE), word) if word.startswith(_REFERENCE) else word


def _is_number(text: str, *, whole: bool) -> bool:
    if not text.isascii() or len(text) > 10:
        return False
    if whole or "." not in text:
        return text.isdecimal() and int(text) > 0
    before, _, after = text.partition(".")
    return (before + after).isdecimal() and float(text) > 0


def _texts(value: Json) -> list[str]:
    items: Any = value if isinstance(value, Sequence) and not isinstance(value, str) else []
    return [str(item) for item in items]


def _items(value: Json, member: str) -> Sequence[Json]:
    if value is None:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _refused(f"{member} must be a list.")
    return value


def _object(value: Json, member: str) -> JsonObject:
    if not isinstance(value, Mapping):
        raise _refused(f"{member} must be an object.")
    return value


def _refused(text: str) -> InvalidInputError:
    return InvalidInputError(f"Error executing request, Exception : {text}")
