"""Who drives executions: the server of this home if one lives, else this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepmill.core.errors import StorageError
from stepmill.core.made_once import made_once
from stepmill.platform.handlers import ResourceHandlers
from stepmill.platform.work import Work
from stepmill.storage.server_file import running_server

if TYPE_CHECKING:
    from stepmill.engine.control import ExecutionControl
    from stepmill.engine.endings import Ending
    from stepmill.engine.engine import Engine
    from stepmill.engine.machines.control import MachineControl
    from stepmill.engine.machines.iterations import IterationHandler


class Driving(Work):
    """The engine, made when somebody needs it."""

    @made_once
    def engine(self) -> ExecutionControl:
        """Has executions driven: by the server of this home if one lives, else by this process."""
        from stepmill.engine.deputy import Deputy

        self._lay_out()
        if self._serves:
            return self.own_engine
        return Deputy(
            self._executions,
            self._plans,
            self.executions,
            resources=self._handler_makers().keys(),
            clock=self._clock,
            arns=self.settings.arns,
            locks=self.layout.engines,
            server=self._find_server,
            make_engine=lambda: self.own_engine,
        )

    @made_once
    def own_engine(self) -> Engine:
        """Drives executions. Made at its first use: from then on this process is one that drives."""
        from stepmill.engine.engine import Engine
        from stepmill.engine.machines.language import StatesLanguage

        engine = Engine(
            self._executions,
            {resource: make() for resource, make in self._handler_makers().items()},
            clock=self._clock,
            arns=self.settings.arns,
            locks=self.layout.engines,
            plans=self._plans,
            on_trouble=self._tell_trouble,
            serves=self._serves,
            others=[(StatesLanguage(self._machine_plans), self._machine_handlers)],
        )
        engine.endings.listen_to_all(self._hear_of_end)
        return engine

    def _hear_of_end(self, ending: Ending) -> None:
        """Hear that an execution has ended: for the part that tells of it."""

    @made_once
    def machine_control(self) -> MachineControl:
        """What can be asked of executions of state machines."""
        from stepmill.engine.machines.control import MachineControl

        return MachineControl(
            self._executions,
            self.machine_executions,
            self._machine_plans,
            self.engine,
            clock=self._clock,
            arns=self.state_machines.arns,
        )

    @made_once
    def _machine_handlers(self) -> ResourceHandlers:
        """Who does the tasks of state machines."""
        from stepmill.engine.machines import iterations, results
        from stepmill.engine.machines.results import ResultWriter
        from stepmill.jobs.items.handler import RESOURCE as READ_ITEMS
        from stepmill.jobs.items.handler import ItemReader

        return ResourceHandlers(
            {
                iterations.RESOURCE: self._iteration_handler,
                READ_ITEMS: lambda: ItemReader(self.objects),
                results.RESOURCE: lambda: ResultWriter(self.machine_executions, self.objects),
            },
            [lambda: self.integrations],
        )

    def _iteration_handler(self) -> IterationHandler:
        from stepmill.engine.machines.iterations import IterationHandler

        return IterationHandler(
            self._executions,
            self._machine_plans,
            lambda: self.own_engine,
            clock=self._clock,
            arns=self.state_machines.arns,
        )

    def _find_server(self) -> str:
        server = running_server(self.layout.server)
        # Relative paths in its jobs start from its project.
        is_ours = server is not None and server.project == str(self.settings.project)
        return server.engine if server is not None and is_ours else ""

    def _lay_out(self) -> None:
        """Make what every execution may count on: the bucket, and the functions of the settings."""
        self.objects.create_bucket(self.settings.default_bucket, exist_ok=True)
        for name, function in self.settings.functions.items():
            self.functions.put(
                name,
                code=function.code,
                handler=function.handler,
                timeout=function.timeout,
                environment=function.environment,
            )

    def _tell_trouble(self, error: StorageError) -> None:
        self._remark(f"Waiting, nothing is lost: {error}")
