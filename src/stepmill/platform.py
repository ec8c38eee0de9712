"""The composition root: the one place where settings become stores, handlers and an engine.

Doors (the terminal; later the wire and the page) hold a ``Platform`` and ask it; nothing here knows
who asks. What only looks starts neither an engine nor a job's surroundings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from stepmill.catalog.content import ContentDigests
from stepmill.catalog.experiments import Experiments
from stepmill.catalog.models import Models
from stepmill.catalog.pipeline_records import PipelineVersion
from stepmill.catalog.pipelines import Pipelines
from stepmill.catalog.queues import Queues
from stepmill.catalog.registry import ModelRegistry
from stepmill.catalog.roles import Roles
from stepmill.catalog.state_machine_aliases import StateMachineAliases
from stepmill.catalog.state_machines import StateMachines
from stepmill.catalog.tags import Tags
from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.logs import tail_log
from stepmill.compute.spec import Resources
from stepmill.core.clock import SystemClock
from stepmill.core.endpoint import Endpoint
from stepmill.core.errors import ConflictError, NotFoundError, StorageError, WrongStateError
from stepmill.core.json import Json
from stepmill.core.made_once import made_once
from stepmill.core.service_models import service_model
from stepmill.core.settings import Settings
from stepmill.core.settings_file import FILE_NAME, read_settings
from stepmill.core.states_arns import StatesArns
from stepmill.core.tasks import TaskHandler
from stepmill.engine.control import ExecutionControl
from stepmill.engine.deputy import Deputy
from stepmill.engine.engine import Engine
from stepmill.engine.plans import Plans
from stepmill.engine.reading import ExecutionReader
from stepmill.engine.starting import StartRequest
from stepmill.engine.summaries import ExecutionSummary
from stepmill.engine.wishes import FINAL
from stepmill.images.catalog import ImageCatalog
from stepmill.jobs import processing, training
from stepmill.jobs.cache_keys import JobKeys, KeyBuilder, callback_key
from stepmill.jobs.cache_outputs import KeptOutputs
from stepmill.jobs.caching import CachingHandler
from stepmill.jobs.callbacks import CallbackAnswer, CallbackHandler, Callbacks
from stepmill.jobs.direct import DirectJobs
from stepmill.jobs.functions.calls import CALL_KIND, FunctionSurroundings
from stepmill.jobs.functions.handler import FunctionHandler
from stepmill.jobs.functions.keys import FunctionKeys
from stepmill.jobs.functions.registry import FunctionRegistry
from stepmill.jobs.functions.services import FunctionServices, FunctionStores
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.json_reader import JsonReader
from stepmill.jobs.log_streams import LogStreams
from stepmill.jobs.lookup import JobLookup
from stepmill.jobs.models import ModelHandler
from stepmill.jobs.notifications.notifications import Notifications
from stepmill.jobs.publishing.services import Publishing
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB
from stepmill.jobs.registering import RegisterHandler
from stepmill.jobs.services import JobServices
from stepmill.jobs.tracking import ExperimentTracker
from stepmill.storage.cache import SqlCacheStore
from stepmill.storage.database import Database
from stepmill.storage.keys import KeyStore
from stepmill.storage.layout import HomeLayout
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.server_file import running_server
from stepmill.storage.sql_executions import SqlExecutionStore
from stepmill.storage.sql_records import SqlRecordStore

if TYPE_CHECKING:
    # Whoever runs a definition, or looks at what has run, need not wait for the SDK to load.
    from stepmill.sdk.assets import CompiledPipeline

HOME_VARIABLE = "STEPMILL_HOME"
_HOME_NAME = ".stepmill"
# Among so many of the newest executions the beginning of an id is looked up.
_LOOK_BACK = 1000

Remark = Callable[[str], None]


def load_settings(folder: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings that hold in a folder.

    The project is the nearest folder upwards with a ``stepmill.toml`` or a ``.stepmill``, else the folder
    itself. State lies in its ``.stepmill``, or where ``STEPMILL_HOME`` says.

    Args:
        folder: Where the user is.
        environment: Variables, as in ``os.environ``.

    Raises:
        DefinitionError: If the ``stepmill.toml`` cannot be taken.
    """
    folder = folder.resolve()
    upwards = (folder, *folder.parents)
    project = next((f for f in upwards if (f / FILE_NAME).is_file() or (f / _HOME_NAME).is_dir()), folder)
    given = environment.get(HOME_VARIABLE, "")
    home = (folder / Path(given).expanduser()).resolve() if given else project / _HOME_NAME
    file = project / FILE_NAME
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return read_settings(text, home=home, project=project)


@dataclass(frozen=True)
class StartOptions:
    """How an execution is to be started, beside its pipeline.

    Args:
        parameters: Name -> value, as text or of its type.
        from_step: Run this step and all that follow; empty: all steps.
        source: With ``from_step``: the execution whose results the others' are; empty: the pipeline's newest.
        parallelism: Most steps at once.
        display_name: For humans.
        use_cache: Whether cached steps may reuse earlier results; if not, all steps run.
    """

    parameters: Mapping[str, object]
    from_step: str = ""
    source: str = ""
    parallelism: int | None = None
    display_name: str = ""
    use_cache: bool = True


class Platform:
    """Everything of one home. Safe to share between threads; close it, or use it in ``with``.

    Args:
        settings: What holds here.
        remark: Told, in a sentence, what is worth knowing and no answer.
        serves: Whether this process is the server of its home: its engine drives what others hand over.

    Raises:
        StorageError: If the home cannot be made or opened.
    """

    def __init__(self, settings: Settings, *, remark: Remark = print, serves: bool = False) -> None:
        self.settings = settings
        self._remark = remark
        self._serves = serves
        # Set by whoever serves this home, before anything runs: jobs find AWS's services there.
        self.endpoint: Endpoint | None = None
        # Those of jobs: what they do after a job's end is to be done before the database closes.
        self._to_close: list[Callable[[], None]] = []
        self.layout = HomeLayout(settings.home)
        self.layout.create()
        self._clock = SystemClock()
        self._database = Database.open_sqlite(self.layout.database)
        self.records = SqlRecordStore(self._database, self._clock)
        # What a job has come to can be read from its folder again.
        self._progress = SqlRecordStore(self._database, self._clock, durable=False)
        self.objects = FolderStore(self._database, self.layout.objects, self._clock)
        self._executions = SqlExecutionStore(self._database)
        self.pipelines = Pipelines(self.records, settings.arns)
        self.queues = Queues(self.records, self._clock)
        self.callbacks = Callbacks(self.records, self.queues)
        self.notifications = Notifications(
            self.objects, lambda: self.function_services.events, self.queues, self._clock, settings.arns
        )
        if serves:
            self.notifications.listen()
        self.tags = Tags(self.records)
        self.experiments = Experiments(self.records, settings.arns, self.tags)
        self.keys = KeyStore(self.records, self._clock)
        self.roles = Roles(self.records, settings.arns)
        states_arns = StatesArns(settings.arns.region, settings.arns.account)
        self.state_machines = StateMachines(self.records, states_arns)
        self.state_machine_aliases = StateMachineAliases(self.records, self.state_machines)
        self._plans = Plans(self._executions.definition, service_model)
        self.executions = ExecutionReader(self._executions, self._plans, self.layout.engines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop driving executions and let go of everything. Jobs go on."""
        # made_once keeps what was made in the instance's dictionary; what was not made stays so.
        if "own_engine" in self.__dict__:
            self.own_engine.close()
        if "function_services" in self.__dict__:
            self.function_services.close()
        if "publishing" in self.__dict__:
            self.publishing.close()
        if "direct_jobs" in self.__dict__:
            self.direct_jobs.close()
        if "compute" in self.__dict__:
            self.compute.close()
        for close in self._to_close:
            close()
        self._database.close()

    # ---- parts that are made when somebody needs them ------------------------------------------

    @made_once
    def compute(self) -> LocalCompute:
        """Where jobs run."""
        return LocalCompute(hidden=(self.settings.home,), warm=self.settings.warm, roots=self.layout.roots)

    @made_once
    def models(self) -> ModelRegistry:
        """The model registry."""
        return ModelRegistry(self.records, self._contents, self._clock, self.settings.arns, self.tags)

    @made_once
    def served_models(self) -> Models:
        """The models that Model steps and CreateModel make: which image serves which data."""
        return Models(self.records, self._contents, self.models, self.settings.arns, self.tags)

    @made_once
    def jobs(self) -> JobLookup:
        """The jobs that executions made."""
        return JobLookup(self.records, self.layout.jobs)

    @made_once
    def direct_jobs(self) -> DirectJobs:
        """The jobs that are asked for outside executions. ``resume`` picks up those that have not ended."""
        return DirectJobs(self._job_handlers, self.records, self._clock)

    @made_once
    def log_streams(self) -> LogStreams:
        """The logs of jobs and of calls of functions, by group and stream."""
        return LogStreams(self.records, self.layout.jobs)

    @made_once
    def functions(self) -> FunctionRegistry:
        """The functions that Lambda steps call."""
        prefix = S3Uri(self.settings.default_bucket, "stepmill/functions")
        return FunctionRegistry(self.records, self.objects, prefix, self.settings.arns)

    @made_once
    def function_services(self) -> FunctionServices:
        """Their versions and permissions, and whoever calls them: for steps, for clients, for events."""
        return FunctionServices(
            self.functions,
            FunctionStores(self.records, self._progress, self.objects),
            lambda: self.compute,
            self._function_surroundings,
            tail_log,
            clock=self._clock,
            arns=self.settings.arns,
        )

    @made_once
    def publishing(self) -> Publishing:
        """Topics, and whoever tells what is published on them."""
        return Publishing(
            self.records,
            self.queues,
            lambda: self.function_services,
            clock=self._clock,
            settings=self.settings,
            endpoint=lambda: self.endpoint,
        )

    def _function_surroundings(self) -> FunctionSurroundings:
        settings = self.settings
        return FunctionSurroundings(
            jobs=self.layout.jobs / CALL_KIND,
            arns=settings.arns,
            isolation=settings.isolation,
            warm=settings.warm,
            log_limit_bytes=settings.log_limit_bytes,
            endpoint=lambda: self.endpoint,
        )

    @made_once
    def engine(self) -> ExecutionControl:
        """Has executions driven: by the server of this home if one lives, else by this process."""
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
        return Engine(
            self._executions,
            {resource: make() for resource, make in self._handler_makers().items()},
            clock=self._clock,
            arns=self.settings.arns,
            locks=self.layout.engines,
            plans=self._plans,
            on_trouble=self._tell_trouble,
            serves=self._serves,
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

    @made_once
    def _contents(self) -> ContentDigests:
        return ContentDigests(self.objects, self.settings.project)

    @made_once
    def _images(self) -> ImageCatalog:
        return ImageCatalog(self.settings.images, self.layout.environments)

    @made_once
    def _job_handlers(self) -> dict[str, JobHandler[Any]]:
        """Who does jobs, be they of executions or not, by the kind of their records."""
        settings = self.settings
        services = JobServices(
            objects=self.objects,
            records=self._progress,
            compute=self.compute,
            images=self._images,
            clock=self._clock,
            arns=settings.arns,
            folder=self.layout.jobs,
            project=settings.project,
            isolation=settings.isolation,
            warm=settings.warm,
            resources=Resources(settings.cpu_limit, settings.memory_limit_bytes),
            log_limit_bytes=settings.log_limit_bytes,
            endpoint=lambda: self.endpoint,
            private=settings.home,
            tracker=ExperimentTracker(Experiments(self._progress, settings.arns, Tags(self._progress))),
        )
        handlers: dict[str, JobHandler[Any]] = {
            PROCESSING_JOB: processing.processing_handler(services),
            TRAINING_JOB: training.training_handler(services),
        }
        self._to_close += [handler.close for handler in handlers.values()]
        return handlers

    def _handler_makers(self) -> dict[str, Callable[[], TaskHandler]]:
        """Return who does the tasks of which resource. The names are of use without anybody being made."""
        return {
            processing.RESOURCE: lambda: self._cached(
                self._job_handlers[PROCESSING_JOB], self._job_keys.processing
            ),
            training.RESOURCE: lambda: self._cached(
                self._job_handlers[TRAINING_JOB], self._job_keys.training
            ),
            "sagemaker:createModel": lambda: ModelHandler(self.served_models),
            "sagemaker:createModelPackage": lambda: RegisterHandler(self.models),
            "lambda:invoke": lambda: self._cached(
                FunctionHandler(self.function_services.versions, self.function_services.calls),
                FunctionKeys(self.function_services.versions),
            ),
            "callback": lambda: self._cached(CallbackHandler(self.callbacks), callback_key),
            "stepmill:readJson": lambda: JsonReader(self.objects, self.settings.project),
        }

    @made_once
    def _job_keys(self) -> JobKeys:
        return JobKeys(self._contents, self.objects, self.settings.project, self._images.identity)

    def _cached(self, inner: TaskHandler, keys: KeyBuilder) -> TaskHandler:
        return CachingHandler(
            inner,
            keys,
            SqlCacheStore(self._database),
            self.records,
            KeptOutputs(self.objects, self.settings.project),
            self._clock,
            self.settings.cache_scope,
        )

    def _tell_trouble(self, error: StorageError) -> None:
        self._remark(f"Waiting, nothing is lost: {error}")

    # ---- what can be asked for -----------------------------------------------------------------

    def deploy(self, name: str, definition: str, compiled: CompiledPipeline | None = None) -> PipelineVersion:
        """Keep a pipeline's definition as its next version if it is new, with its code and functions.

        Raises:
            DefinitionError: If the definition is wrong. Carries all findings; nothing was kept.
            InvalidInputError: If SageMaker would refuse the name.
        """
        self.engine.check(definition)
        if compiled is not None:
            for asset in compiled.assets:
                uri = S3Uri.parse(asset.uri)
                self.objects.create_bucket(uri.bucket, exist_ok=True)
                self.objects.put_bytes(uri, asset.read())
            for function in compiled.functions:
                self.functions.put(
                    function.name,
                    code=function.code,
                    handler=function.handler,
                    timeout=function.timeout,
                    environment=function.environment,
                )
        return self.pipelines.put(name, definition)

    def start(self, version: PipelineVersion, options: StartOptions) -> str:
        """Start an execution, and return its id. See ``Engine.start`` for what it raises."""
        selected: tuple[str, ...] = ()
        source = ""
        if options.from_step:
            source = self.find_execution(options.source, pipeline=version.name).id
            selected = self.executions.selection_from(version.definition, options.from_step, source)
        return self.engine.start(
            StartRequest(
                pipeline=version.name,
                definition=version.definition,
                version=version.version,
                parameters=options.parameters,
                parallelism=options.parallelism,
                selected_steps=selected,
                source_execution=source,
                display_name=options.display_name,
                uses_cache=options.use_cache,
            )
        )

    def find_execution(self, reference: str = "", *, pipeline: str | None = None) -> ExecutionSummary:
        """Return an execution by its id, the beginning of one, or its ARN; the newest for nothing.

        Raises:
            NotFoundError: If there is none, or if several begin so.
        """
        beginning = reference.rpartition("/")[2]
        newest = self.executions.find(pipeline=pipeline, limit=_LOOK_BACK if beginning else 1).executions
        found = [execution for execution in newest if execution.id.startswith(beginning)]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFoundError(
                f"{len(found)} executions begin with {beginning!r}.",
                mend=f"Give more of the id: {found[0].id} or {found[1].id}?",
            )
        if beginning:
            try:
                return self.executions.describe(beginning)
            except NotFoundError as error:
                error.mend = "`stepmill list` shows those that there are."
                raise
        raise NotFoundError("Nothing has been run here yet.", mend="Start with `stepmill run FILE`.")

    def collect_garbage(self, ended_before: datetime) -> int:
        """Remove the folders of jobs that ended before a moment, and stored bytes of no object.

        Returns:
            How many bytes were freed.
        """
        freed = self.jobs.remove_folders(ended_before) + self.objects.collect_garbage()
        self.layout.keep_reserve()
        return freed

    def delete_pipeline(self, name: str, token: str = "") -> str:
        """Remove a pipeline, its versions and all its executions; what their jobs left behind stays.

        Args:
            name: Of the pipeline.
            token: Asking again with the token that deleted it is no error.

        Returns:
            Its ARN.

        Raises:
            NotFoundError: If there is no such pipeline.
            ConflictError: If an execution of it is not at its end.
        """
        try:
            pipeline = self.pipelines.begin_deletion(name)
        except NotFoundError:
            if self.pipelines.deleted_by(name, token):
                return self.settings.arns.pipeline(name)
            raise
        try:
            self._executions.delete(pipeline.name, statuses=FINAL)
        except WrongStateError as error:
            self.pipelines.cancel_deletion(name)
            raise ConflictError(
                f"The pipeline {pipeline.name!r} is running. {error.what}",
                where=error.where,
                mend="Stop its executions first.",
            ) from error
        self.tags.clear(pipeline.arn)
        self.pipelines.delete(name, token=token)
        return pipeline.arn

    def succeed_callback(self, token: str, outputs: Mapping[str, Json], request: str = "") -> str:
        """Let a Callback step succeed; return the ARN of its execution. See ``Callbacks.succeed``."""
        return self._pass_on(self.callbacks.succeed(token, outputs, request=request))

    def fail_callback(self, token: str, reason: str, request: str = "") -> str:
        """Let a Callback step fail; return the ARN of its execution. See ``Callbacks.fail``."""
        return self._pass_on(self.callbacks.fail(token, reason, request=request))

    def _pass_on(self, answer: CallbackAnswer) -> str:
        execution = answer.execution_arn.rpartition("/")[2]
        try:
            is_heard = self.engine.post(execution, answer.report)
        except WrongStateError:
            if answer.is_new:
                raise
            return answer.execution_arn
        if not is_heard:
            self._remark(f"Nobody drives {execution} now; `stepmill resume {execution}` goes on with it.")
        return answer.execution_arn
