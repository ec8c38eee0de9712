"""Who hears of events: buses and rules, and what their targets can start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json
from stepmill.core.made_once import made_once
from stepmill.core.settings import Settings
from stepmill.engine.starting import StartRequest
from stepmill.events.services import EventServices
from stepmill.events.targets import Wish
from stepmill.platform.base import Remark
from stepmill.platform.driving import Driving


class Hearing(Driving):
    """EventBridge, made when somebody needs it. ``Base`` tells of the arguments."""

    def __init__(self, settings: Settings, *, remark: Remark = print, serves: bool = False) -> None:
        super().__init__(settings, remark=remark, serves=serves)
        self._emit = lambda happening: self.events.emit(happening)

    @made_once
    def events(self) -> EventServices:
        """Buses, rules, schedules and targets. ``resume`` tells what has not been told."""
        return EventServices(
            self.records,
            self.queues,
            lambda: self.function_services,
            lambda: self.publishing.publisher,
            {"pipeline": self._start_pipeline, "batch": self._start_batch},
            clock=self._clock,
            arns=self.settings.arns,
        )

    def _start_pipeline(self, wish: Wish) -> None:
        version = self.pipelines.get(wish.arn.rpartition("/")[2])
        given = wish.parameters.get("PipelineParameterList")
        items = given if isinstance(given, Sequence) and not isinstance(given, str) else []
        parameters = {str(one["Name"]): str(one["Value"]) for one in items if isinstance(one, Mapping)}
        self.engine.start(
            StartRequest(
                pipeline=version.name,
                definition=version.definition,
                version=version.version,
                parameters=parameters,
                client_token=wish.name,
                by="events",
            )
        )

    def _start_batch(self, wish: Wish) -> None:
        said = wish.parameters
        request: dict[str, Json] = {
            "jobName": said.get("JobName"),
            "jobQueue": wish.arn,
            "jobDefinition": said.get("JobDefinition"),
            "parameters": _texts(wish.text),
        }
        if size := _member(said, "ArrayProperties", "Size"):
            request["arrayProperties"] = {"size": size}
        if attempts := _member(said, "RetryStrategy", "Attempts"):
            request["retryStrategy"] = {"attempts": attempts}
        self.batch.submit(request, token=wish.name)


def _member(document: JsonObject, name: str, inner: str) -> Json:
    value = document.get(name)
    return value.get(inner) if isinstance(value, Mapping) else None


def _texts(text: str) -> dict[str, Json]:
    """Return the parameters that the input of a job gives."""
    try:
        document = read_json(text)
    except InvalidInputError:
        return {}
    given = document.get("Parameters") if isinstance(document, Mapping) else None
    return {name: str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
