"""Read ``stepmill.toml``: text in, ``Settings`` out, every mistake named at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from stepmill.core.errors import DefinitionError
from stepmill.core.findings import Finding, Severity
from stepmill.core.settings import (
    FunctionSetting,
    ImageSetting,
    Isolation,
    MachineSetting,
    Settings,
    SpotSetting,
)
from stepmill.core.spelling import did_you_mean

FILE_NAME = "stepmill.toml"

# AWS ends a Lambda step after ten minutes (developer guide, "Lambda step").
LONGEST_FUNCTION_S = 600
LONGEST_QUERY_S = 24 * 3600
# DuckDB reads files in blocks of some megabytes, on several threads.
_LEAST_QUERY_MB = 64

_KEYS = [
    "region",
    "account",
    "isolation",
    "warm",
    "memory_limit_mb",
    "cpu_limit",
    "log_limit_mb",
    "cache_scope",
    "parity",
    "images",
    "functions",
    "machine",
    "notifications",
    "queries",
    "spot",
]

_MAIL = re.compile(r"[a-z0-9]+://\S+")
_MEGABYTE = 1024 * 1024
# One a second: more would leave no job the time to start.
_MOST_INTERRUPTIONS = 3600
_LONGEST_SPOT_S = 24 * 3600
# A job with less cannot even start its interpreter.
_LEAST_MEMORY_MB = 32
_LEAST_CPUS, _MOST_CPUS = 0.1, 4096
_LEAST_OVERCOMMIT, _MOST_OVERCOMMIT = 0.1, 1000

_E = TypeVar("_E", bound=Enum)


def read_settings(text: str, *, home: Path, project: Path) -> Settings:
    """Return the settings that the text of a ``stepmill.toml`` gives; an empty text gives the defaults.

    Args:
        text: TOML 1.0.
        home: Folder that holds everything.
        project: Folder of the file; relative paths start there.

    Raises:
        DefinitionError: If it is not TOML, or a key or a value cannot be taken. All findings at once.

    Example:
        >>> read_settings('region = "eu-west-1"', home=Path("h"), project=Path("p")).region
        'eu-west-1'
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError([_error("NOT_TOML", "", f"{FILE_NAME} is not valid TOML: {error}.")]) from error
    reader = _Reader(project)
    settings = reader.settings(table, home)
    if reader.findings:
        raise DefinitionError(reader.findings)
    return settings


class _Reader:
    """Collects findings while it reads; a value that cannot be taken is left at its default."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.findings: list[Finding] = []

    def settings(self, table: Mapping[str, Any], home: Path) -> Settings:
        self.only(table, "", _KEYS)
        defaults = Settings(home=home, project=self.project)
        return Settings(
            home=home,
            project=self.project,
            region=self.text(table, "region", defaults.region, r"[a-z]{2}(-[a-z]+)+-\d", "us-west-2"),
            account=self.text(table, "account", defaults.account, r"\d{12}", "123456789012"),
            isolation=self.choice(table, "isolation", "", defaults.isolation),
            warm=self.flag(table, "warm", default=defaults.warm),
            memory_limit_bytes=self.memory(table),
            cpu_limit=self.cpus(table),
            log_limit_bytes=_MEGABYTE * self.number(table, "log_limit_mb", "", 64, 1, 1024 * 1024),
            cache_scope=self.choice(table, "cache_scope", "", defaults.cache_scope),
            parity=self.flag(table, "parity", default=defaults.parity),
            images={n: self.image(n, t) for n, t in self.tables(table, "images")},
            functions={
                n: f for n, t in self.tables(table, "functions") if (f := self.function(n, t)) is not None
            },
            spot=self.spot(table),
            machine=self.machine(table),
            email=self.email(table),
            **self.queries(table),
        )

    def queries(self, table: Mapping[str, Any]) -> dict[str, Any]:
        inner = self.section(table, "queries", ["time_limit_s", "memory_limit_mb"])
        return {
            "query_time_limit": timedelta(
                seconds=self.number(inner, "time_limit_s", "queries.", 1800, 1, LONGEST_QUERY_S)
            ),
            "query_memory_limit_bytes": _MEGABYTE
            * self.number(inner, "memory_limit_mb", "queries.", 2048, _LEAST_QUERY_MB, 1024 * 1024),
        }

    def spot(self, table: Mapping[str, Any]) -> SpotSetting:
        keys = ["interruptions_per_hour", "grace_seconds", "capacity_wait_seconds", "seed"]
        inner = self.section(table, "spot", keys)

        def seconds(key: str, default: int) -> timedelta:
            return timedelta(seconds=self.number(inner, key, "spot.", default, 0, _LONGEST_SPOT_S))

        return SpotSetting(
            interruptions_per_hour=self.real(
                inner, "interruptions_per_hour", "spot.", 0, 0, _MOST_INTERRUPTIONS
            ),
            grace=seconds("grace_seconds", 120),
            capacity_wait=seconds("capacity_wait_seconds", 5),
            seed=self.number(inner, "seed", "spot.", 0, 0, 2**63 - 1),
        )

    def machine(self, table: Mapping[str, Any]) -> MachineSetting:
        defaults = MachineSetting()
        inner = self.section(table, "machine", ["queue", "overcommit", "limits"])
        return MachineSetting(
            overcommit=self.real(
                inner, "overcommit", "machine.", defaults.overcommit, _LEAST_OVERCOMMIT, _MOST_OVERCOMMIT
            ),
            queue=self.flag(inner, "queue", default=defaults.queue, path="machine."),
            limits=self.flag(inner, "limits", default=defaults.limits, path="machine."),
        )

    def email(self, table: Mapping[str, Any]) -> str:
        inner = self.section(table, "notifications", ["email"])
        address = inner.get("email", "")
        if not isinstance(address, str) or (address and not _MAIL.match(address)):
            # Not repeated: it may have a password in it.
            self.add(
                "WRONG_VALUE",
                "notifications.email",
                "email is not an address by which apprise sends e-mail.",
                'Write it like "mailto://USER:PASSWORD@HOST".',
            )
            return ""
        return address

    def image(self, name: str, table: Mapping[str, Any]) -> ImageSetting:
        path = f'images."{name}"'
        self.only(table, path, ["python", "requirements", "engine", "entrypoint"])
        given = [key for key in ("python", "requirements", "engine") if key in table]
        if len(given) != 1:
            self.add(
                "IMAGE_SOURCE",
                path,
                f"An image needs exactly one of python, requirements and engine; here are {given or 'none'}.",
                'Write for example requirements = ["pandas>=2"].',
            )
        python = table.get("python")
        if python is not None and not isinstance(python, str):
            self.add("WRONG_TYPE", f"{path}.python", "python must be a path.", "Quote it.")
            python = None
        engine = None
        if "engine" in table:
            engine = self.choice(table, "engine", f"{path}.", Isolation.PODMAN)
            if engine not in (Isolation.PODMAN, Isolation.DOCKER):
                self.add("WRONG_VALUE", f"{path}.engine", "engine must be podman or docker.")
        return ImageSetting(
            # Not resolved: the interpreter of a virtual environment is a link, and the link is the point.
            python=self.project / python if python else None,
            requirements=self.texts(table, "requirements", path),
            engine=engine,
            entrypoint=self.texts(table, "entrypoint", path),
        )

    def function(self, name: str, table: Mapping[str, Any]) -> FunctionSetting | None:
        path = f"functions.{name}"
        self.only(table, path, ["code", "handler", "timeout_seconds", "environment"])
        code, handler = table.get("code"), table.get("handler")
        if not isinstance(code, str) or not isinstance(handler, str):
            self.add(
                "MISSING_KEY",
                path,
                "A function needs code (a folder, a .py file or a zip) and handler.",
                'Write code = "score.py" and handler = "score.handler".',
            )
            return None
        environment = table.get("environment", {})
        if not isinstance(environment, Mapping) or any(not isinstance(v, str) for v in environment.values()):
            self.add("WRONG_TYPE", f"{path}.environment", "environment must be a table of strings.")
            environment = {}
        seconds = self.number(table, "timeout_seconds", f"{path}.", LONGEST_FUNCTION_S, 1, LONGEST_FUNCTION_S)
        return FunctionSetting(self.project / code, handler, timedelta(seconds=seconds), dict(environment))

    def section(self, table: Mapping[str, Any], key: str, known: list[str]) -> Mapping[str, Any]:
        inner = table.get(key, {})
        if not isinstance(inner, Mapping):
            self.add("WRONG_TYPE", key, f"{key} must be a table.")
            return {}
        self.only(inner, key, known)
        return inner

    def tables(self, table: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
        value = table.get(key, {})
        if not isinstance(value, Mapping):
            self.add("WRONG_TYPE", key, f"{key} must be a table.", f"Write [{key}.NAME] above its keys.")
            return []
        for name, inner in value.items():
            if not isinstance(inner, Mapping):
                self.add("WRONG_TYPE", f"{key}.{name}", f"{key}.{name} must be a table.")
        return [(name, inner) for name, inner in value.items() if isinstance(inner, Mapping)]

    def only(self, table: Mapping[str, Any], path: str, known: list[str]) -> None:
        for key in table:
            if key not in known:
                mend = did_you_mean(key, known, f"Known keys: {', '.join(known)}.")
                place = f"{path}.{key}" if path else key
                self.add("UNKNOWN_KEY", place, f"{key!r} is not a setting.", mend)

    def text(self, table: Mapping[str, Any], key: str, default: str, pattern: str, example: str) -> str:
        value = table.get(key, default)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            self.add("WRONG_VALUE", key, f"{value!r} is not a {key}.", f'Write it like "{example}".')
            return default
        return value

    def texts(self, table: Mapping[str, Any], key: str, path: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
            self.add("WRONG_TYPE", f"{path}.{key}", f"{key} must be a list of strings.")
            return ()
        return tuple(value)

    def flag(self, table: Mapping[str, Any], key: str, *, default: bool, path: str = "") -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            self.add("WRONG_TYPE", path + key, f"{key} must be true or false.", "Do not quote it.")
            return default
        return value

    def number(
        self, table: Mapping[str, Any], key: str, path: str, default: int, least: int, most: int
    ) -> int:
        value = table.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.add("WRONG_VALUE", path + key, f"{key} must be a whole number from {least} to {most}.")
            return default
        return value

    def real(
        self, table: Mapping[str, Any], key: str, path: str, default: float, least: float, most: float
    ) -> float:
        value = table.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            self.add("WRONG_VALUE", path + key, f"{key} must be a number from {least} to {most}.")
            return default
        return float(value)

    def memory(self, table: Mapping[str, Any]) -> int | None:
        if "memory_limit_mb" not in table:
            return None
        return _MEGABYTE * self.number(
            table, "memory_limit_mb", "", _LEAST_MEMORY_MB, _LEAST_MEMORY_MB, 1024**3
        )

    def cpus(self, table: Mapping[str, Any]) -> float | None:
        if "cpu_limit" not in table:
            return None
        return self.real(table, "cpu_limit", "", _LEAST_CPUS, _LEAST_CPUS, _MOST_CPUS)

    def choice(self, table: Mapping[str, Any], key: str, path: str, default: _E) -> _E:
        value = table.get(key, default.value)
        kinds = type(default)
        try:
            return kinds(value)
        except ValueError:
            known = ", ".join(str(kind.value) for kind in kinds)
            self.add("WRONG_VALUE", path + key, f"{value!r} is not a {key}.", f"Choose one of {known}.")
            return default

    def add(self, code: str, path: str, message: str, mend: str = "") -> None:
        self.findings.append(_error(code, path, message, mend))


def _error(code: str, path: str, message: str, mend: str = "") -> Finding:
    return Finding(code, Severity.ERROR, f"{FILE_NAME}: {path}" if path else FILE_NAME, message, mend)
