"""Who hears of events: buses and rules, and what their targets can start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from stepmill.core.api_calls import ApiCallError
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject, read_json
from stepmill.core.made_once import made_once
from stepmill.core.settings import Settings
from stepmill.core.workers import WorkerPool
from stepmill.platform.base import Remark
from stepmill.platform.driving import Driving

if TYPE_CHECKING:
    from stepmill.engine.endings import Ending
    from stepmill.events.services import EventServices
    from stepmill.events.targets import Wish

_SERVER_ERROR = 500


class Hearing(Driving):
    """EventBridge, made when somebody needs it. ``Base`` tells of the arguments."""

    def __init__(self, settings: Settings, *, remark: Remark = print, serves: bool = False) -> None:
        super().__init__(settings, remark=remark, serves=serves)
        self._emit = lambda happening: self.events.emit(happening)
        self._tellers = WorkerPool("stepmill-tells", 1)
        self._to_close.append(self._tellers.close)

    @made_once
    def events(self) -> EventServices:
        """Buses, rules, schedules and targets. ``resume`` tells what has not been told."""
        from stepmill.events.services import EventServices

        return EventServices(
            self.records,
            self.queues,
            lambda: self.function_services,
            lambda: self.publishing.publisher,
            {"states": self._start_execution, "pipeline": self._start_pipeline, "batch": self._start_batch},
            clock=self._clock,
            arns=self.settings.arns,
        )

    def _hear_of_end(self, ending: Ending) -> None:
        """Tell of the end of an execution, on a thread of its own: the engine does not wait for that."""
        if self._serves:
            self._tellers.submit(partial(self._tell_of_end, ending.execution))

    def _tell_of_end(self, identifier: str) -> None:
        from stepmill.events.executions import execution_ended

        if not self.events.has_listeners():
            return
        reader = self.machine_executions
        try:
            execution = reader.describe(identifier)
        except NotFoundError:
            return  # of a pipeline, which SageMaker would tell of
        # As on AWS: express executions and those within a distributed Map are not told.
        if execution.status.is_final and not execution.details.is_express and not execution.details.map_run:
            given, output = reader.input(identifier), reader.output(identifier)
            self._tell(execution_ended(execution, given, output, self._clock.now()))

    def _start_execution(self, wish: Wish) -> None:
        request: JsonObject = {"StateMachineArn": wish.arn, "Input": wish.text, "Name": wish.name}
        try:
            self.api_calls.call("stepfunctions", "StartExecution", request, caller="events")
        except ApiCallError as error:
            if error.code == "ExecutionAlreadyExists":
                raise ConflictError(error.message) from error
            if error.status < _SERVER_ERROR:
                raise InvalidInputError(f"{error.code}: {error.message}") from error
            raise

    def _start_pipeline(self, wish: Wish) -> None:
        from stepmill.engine.starting import StartRequest

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
