"""What does work: compute, jobs, functions, and who does the tasks of which resource."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from stepmill.core.json import Json
from stepmill.core.made_once import made_once
from stepmill.core.settings import Settings
from stepmill.core.tasks import TaskHandler
from stepmill.platform.base import Remark
from stepmill.platform.tracing import Tracing
from stepmill.storage.objects.uri import S3Uri

if TYPE_CHECKING:
    from stepmill.catalog.models import Models
    from stepmill.catalog.registry import ModelRegistry
    from stepmill.compute.local.compute import LocalCompute
    from stepmill.engine.runs import Runs
    from stepmill.jobs.batch.services import Batch
    from stepmill.jobs.cache_keys import JobKeys, KeyBuilder
    from stepmill.jobs.checks.clarify_keys import ClarifyKeys
    from stepmill.jobs.checks.shadow_models import ShadowModels
    from stepmill.jobs.direct import DirectHandler, DirectJobs
    from stepmill.jobs.functions.calls import FunctionSurroundings
    from stepmill.jobs.functions.registry import FunctionRegistry
    from stepmill.jobs.functions.services import FunctionServices
    from stepmill.jobs.handler import JobHandler
    from stepmill.jobs.integrations.integrations import Integrations
    from stepmill.jobs.interruptions import Interruptions
    from stepmill.jobs.job_metrics import JobMetrics
    from stepmill.jobs.log_streams import LogStreams
    from stepmill.jobs.lookup import JobLookup
    from stepmill.jobs.machine.queue import MachineQueue
    from stepmill.jobs.notifications.notifications import Notifications
    from stepmill.jobs.publishing.services import Publishing
    from stepmill.jobs.running_metrics import RunningMetrics
    from stepmill.jobs.services import JobServices
    from stepmill.jobs.sessions import JobSessions
    from stepmill.jobs.tracking import ExperimentTracker
    from stepmill.jobs.training_updates import TrainingUpdates
    from stepmill.jobs.tuning.handler import TuningHandler
    from stepmill.jobs.tuning.jobs import TuningJobs
    from stepmill.platform.costs import Costs
    from stepmill.platform.door import JobDoor


class Work(Tracing):
    """Parts that are made when somebody needs them. ``Base`` tells of the arguments."""

    def __init__(self, settings: Settings, *, remark: Remark = print, serves: bool = False) -> None:
        super().__init__(settings, remark=remark, serves=serves)
        if serves:
            self.notifications.listen()

    @made_once
    def notifications(self) -> Notifications:
        """Tells of what happens to objects."""
        from stepmill.jobs.notifications.notifications import Notifications

        return Notifications(
            self.objects,
            lambda: self.function_services.events,
            self.queues,
            lambda: self.publishing.publisher,
            clock=self._clock,
            arns=self.settings.arns,
            emit=self._tell,
        )

    @made_once
    def compute(self) -> LocalCompute:
        """Where jobs run."""
        from stepmill.compute.local.compute import LocalCompute

        return LocalCompute(hidden=(self.settings.home,), warm=self.settings.warm, roots=self.layout.roots)

    @made_once
    def models(self) -> ModelRegistry:
        """The model registry."""
        from stepmill.catalog.registry import ModelRegistry

        records, arns = self.records, self.settings.arns
        return ModelRegistry(records, self._contents, self._clock, arns, self.tags, self._tell)

    @made_once
    def served_models(self) -> Models:
        """The models that Model steps and CreateModel make: which image serves which data."""
        from stepmill.catalog.models import Models

        return Models(self.records, self._contents, self.models, self.settings.arns, self.tags)

    @made_once
    def jobs(self) -> JobLookup:
        """The jobs that executions made."""
        from stepmill.jobs.lookup import JobLookup

        return JobLookup(self.records, self.layout.jobs)

    @made_once
    def runs(self) -> Runs:
        """Runs of executions, jobs and SDKs, for those who compare them."""
        from stepmill.engine.runs import Runs
        from stepmill.engine.whole_runs import WholeRuns

        wholes = WholeRuns(self.executions, self.machine_executions)
        return Runs(self.records, self.experiments.components, wholes)

    @made_once
    def direct_jobs(self) -> DirectJobs:
        """The jobs that are asked for outside executions. ``resume`` picks up those that have not ended."""
        from stepmill.jobs.direct import DirectJobs
        from stepmill.jobs.records import TRANSFORM_JOB
        from stepmill.jobs.tuning.records import TUNING_JOB

        handlers: dict[str, DirectHandler] = {
            **self._job_handlers,
            TRANSFORM_JOB: self._transform_handler,
            TUNING_JOB: self._tuning_handler,
        }
        return DirectJobs(handlers, self.records, self._clock)

    @made_once
    def interruptions(self) -> Interruptions:
        """Takes spot capacity away from training jobs."""
        from stepmill.jobs.interruptions import Interruptions
        from stepmill.jobs.records import TRAINING_JOB

        return Interruptions(self._progress, self.compute, self.layout.jobs / TRAINING_JOB)

    @made_once
    def training_updates(self) -> TrainingUpdates:
        """Changes training jobs that were taken."""
        from stepmill.jobs.training_updates import TrainingUpdates

        return TrainingUpdates(self._progress, self.machine_queue, self._clock)

    @made_once
    def running_metrics(self) -> RunningMetrics:
        """What training jobs that run have measured so far."""
        from stepmill.jobs.records import TRAINING_JOB
        from stepmill.jobs.running_metrics import RunningMetrics

        return RunningMetrics(self.layout.jobs / TRAINING_JOB, self.settings.project)

    @made_once
    def job_metrics(self) -> JobMetrics:
        """What jobs measure and use, as CloudWatch names it."""
        from stepmill.jobs.job_metrics import JobMetrics

        return JobMetrics(self.records, self.running_metrics, self.layout.jobs)

    @made_once
    def costs(self) -> Costs:
        """What jobs cost, by the table of prices."""
        from stepmill.platform.costs import Costs

        return Costs(self.records, self.tags, self.settings.project, self.settings.region)

    @made_once
    def tuning_jobs(self) -> TuningJobs:
        """The tuning jobs, to be looked at."""
        from stepmill.jobs.tuning.jobs import TuningJobs

        return TuningJobs(self.records, self.settings.arns, self._clock)

    @made_once
    def log_streams(self) -> LogStreams:
        """The logs of jobs and of calls of functions, by group and stream."""
        from stepmill.jobs.log_streams import LogStreams

        return LogStreams(self.records, self.layout.jobs)

    @made_once
    def functions(self) -> FunctionRegistry:
        """The functions that Lambda steps call."""
        from stepmill.jobs.functions.registry import FunctionRegistry

        prefix = S3Uri(self.settings.default_bucket, "stepmill/functions")
        return FunctionRegistry(self.records, self.objects, prefix, self.settings.arns)

    @made_once
    def function_services(self) -> FunctionServices:
        """Their versions and permissions, and whoever calls them: for steps, for clients, for events."""
        from stepmill.compute.logs import tail_log
        from stepmill.jobs.functions.services import FunctionServices, FunctionStores

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
    def batch(self) -> Batch:
        """Batch's definitions, queues and jobs. ``scheduler.resume`` goes on with what has not ended."""
        from stepmill.jobs.batch.details import JobDetails
        from stepmill.jobs.batch.services import Batch

        records, clock, arns = self.records, self._clock, self.settings.arns
        made = Batch(lambda: self._job_services, records, self._progress, clock=clock, arns=arns)
        details = JobDetails(records, self.tags, arns)
        made.jobs.listen(lambda job: self._tell(details.happening(job, clock.now())))
        return made

    @made_once
    def publishing(self) -> Publishing:
        """Topics, and whoever tells what is published on them."""
        from stepmill.jobs.publishing.services import Publishing

        return Publishing(
            self.records,
            self.queues,
            lambda: self.function_services,
            clock=self._clock,
            settings=self.settings,
            endpoint=lambda: self.endpoint,
        )

    @made_once
    def integrations(self) -> Integrations:
        """Who does the tasks of state machines.

        Raises:
            UnsupportedError: If this process was not given the services.
        """
        from stepmill.jobs.integrations.functions import Functions
        from stepmill.jobs.integrations.integrations import Integrations
        from stepmill.jobs.integrations.jobs import JobMakers

        return Integrations(
            self.api_calls,
            self.records,
            self._clock,
            functions=Functions(
                lambda: self.function_services.versions, lambda: self.function_services.calls
            ),
            makers=JobMakers(self._handler_of, self.records, self.tags),
            activities=self.activities,
        )

    def _problems_of_task(self, _resource: str, _parameters: Json) -> Sequence[str]:
        """Return what keeps parameters from being those of a resource."""
        return () if self.make_api_calls is None else self.integrations.problems(_resource, _parameters)

    @made_once
    def job_sessions(self) -> JobSessions:
        """The keys of jobs that run: each has one of its own."""
        from stepmill.platform.door import sessions_of

        return sessions_of(self.records, self.settings, self.layout.jobs, self._clock)

    @made_once
    def _door(self) -> JobDoor:
        from stepmill.platform.door import JobDoor

        return JobDoor(lambda: self.addresses, lambda: self.job_sessions, self.settings.region)

    def _function_surroundings(self) -> FunctionSurroundings:
        from stepmill.jobs.functions.calls import CALL_KIND, FunctionSurroundings

        settings = self.settings
        return FunctionSurroundings(
            jobs=self.layout.jobs / CALL_KIND,
            arns=settings.arns,
            isolation=settings.isolation,
            warm=settings.warm,
            log_limit_bytes=settings.log_limit_bytes,
            door=self._door,
        )

    @made_once
    def machine_queue(self) -> MachineQueue:
        """The row in which jobs wait for the machine."""
        from stepmill.jobs.machine.hardware import this_machine
        from stepmill.jobs.machine.queue import MachineQueue

        made = MachineQueue(self.layout.machine, this_machine(os.environ), self.settings.machine)
        self._to_close.append(made.close)
        return made

    @made_once
    def _tracker(self) -> ExperimentTracker:
        from stepmill.jobs.surroundings import Environments
        from stepmill.jobs.tracking import ExperimentTracker

        return ExperimentTracker(self._progress_experiments, Environments(self._progress))

    @made_once
    def _job_services(self) -> JobServices:
        from stepmill.compute.spec import Resources
        from stepmill.jobs.packages import Packages
        from stepmill.jobs.services import JobServices

        settings = self.settings
        return JobServices(
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
            door=self._door,
            private=settings.home,
            note=self.lineage_recorder.note,
            has_group=lambda name: bool(self._group_id(name)),
            tracker=self._tracker,
            machine=self.machine_queue,
            packages=Packages(self.layout.environments, self.compute),
            spot=settings.spot,
            spot_share=lambda request: self.costs.spot_share(request),
        )

    def _group_id(self, name: str) -> str:
        """Return the id of a feature group; empty if there is none."""
        found = self.features.groups.find(name)
        return found.id if found else ""

    @made_once
    def _job_handlers(self) -> dict[str, JobHandler[Any]]:
        """Who does jobs, be they of executions or not, by the kind of their records."""
        from stepmill.jobs import processing, training
        from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB

        handlers: dict[str, JobHandler[Any]] = {
            PROCESSING_JOB: processing.processing_handler(self._job_services, lambda: self._shadow_models),
            TRAINING_JOB: training.training_handler(self._job_services),
        }
        self._to_close += [handler.close for handler in handlers.values()]
        # Behind those who tell it of jobs.
        self._to_close.append(self.lineage_recorder.close)
        return handlers

    @made_once
    def _shadow_models(self) -> ShadowModels:
        """Who finds the models that Clarify's jobs ask."""
        from stepmill.jobs.checks.shadow_models import ShadowModels

        return ShadowModels(
            self.objects, self.served_models, self.models, self._images, self.settings.project
        )

    def _handler_of(self, kind: str) -> DirectHandler:
        """Return who does the jobs of a kind; of tuning and transform jobs only made when there is one."""
        from stepmill.jobs.records import TRANSFORM_JOB

        if kind == TRANSFORM_JOB:
            return self._transform_handler
        handler = self._job_handlers.get(kind)
        return self._tuning_handler if handler is None else handler

    @made_once
    def _transform_handler(self) -> JobHandler[Any]:
        """Who does transform jobs, be they of executions or not."""
        from stepmill.jobs.transform.kind import transform_handler

        handler = transform_handler(self._job_services, self.served_models, self.models)
        # Before whom it tells of jobs.
        self._to_close.insert(0, handler.close)
        return handler

    def _transforming(self) -> TaskHandler:
        """Return who does Transform steps."""
        from stepmill.jobs.transform.cache_key import TransformKeys

        keys = TransformKeys(
            self._job_keys, self._contents, self.served_models, self.models, self.settings.project
        )
        return self._cached(self._transform_handler, keys)

    @made_once
    def _tuning_handler(self) -> TuningHandler:
        """Who does tuning jobs, be they of executions or not."""
        from stepmill.jobs.records import TRAINING_JOB
        from stepmill.jobs.tuning.handler import TuningHandler

        return TuningHandler(self._job_services, self._job_handlers[TRAINING_JOB])

    def _handler_makers(self) -> dict[str, Callable[[], TaskHandler]]:
        """Return who does the tasks of which resource. The names are of use without anybody being made."""
        from stepmill.jobs import processing, training
        from stepmill.jobs.cache_keys import callback_key
        from stepmill.jobs.callbacks import CallbackHandler
        from stepmill.jobs.functions.handler import FunctionHandler
        from stepmill.jobs.functions.keys import FunctionKeys
        from stepmill.jobs.json_reader import JsonReader
        from stepmill.jobs.lineage import step as lineage_step
        from stepmill.jobs.models import ModelHandler
        from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB
        from stepmill.jobs.registering import RegisterHandler
        from stepmill.platform.handlers import HandlerAtFirstUse

        return {
            processing.RESOURCE: lambda: self._cached(
                self._job_handlers[PROCESSING_JOB], self._processing_keys.processing
            ),
            training.RESOURCE: lambda: self._cached(
                self._job_handlers[TRAINING_JOB], self._job_keys.training
            ),
            "sagemaker:createHyperParameterTuningJob": lambda: HandlerAtFirstUse(
                lambda: self._cached(self._tuning_handler, self._job_keys.tuning)
            ),
            "sagemaker:createTransformJob": lambda: HandlerAtFirstUse(self._transforming),
            "stepmill:qualityCheck": lambda: HandlerAtFirstUse(self._check_handler),
            "stepmill:clarifyCheck": lambda: HandlerAtFirstUse(self._check_handler),
            "sagemaker:createModel": lambda: ModelHandler(self.served_models),
            lineage_step.RESOURCE: lambda: lineage_step.LineageHandler(self.lineage),
            "sagemaker:createModelPackage": lambda: RegisterHandler(self.models),
            "lambda:invoke": lambda: self._cached(
                FunctionHandler(self.function_services.versions, self.function_services.calls),
                FunctionKeys(self.function_services.versions),
            ),
            "callback": lambda: self._cached(CallbackHandler(self.callbacks), callback_key),
            "stepmill:readJson": lambda: JsonReader(self.objects, self.settings.project),
        }

    def _check_handler(self) -> TaskHandler:
        from stepmill.jobs.checks.cache_key import CheckKeys
        from stepmill.jobs.checks.step import CheckHandler
        from stepmill.jobs.records import PROCESSING_JOB

        handler = CheckHandler(
            self._job_handlers[PROCESSING_JOB],
            self._progress,
            self.models,
            self.objects,
            self.settings.project,
        )
        return self._cached(handler, CheckKeys(self._processing_keys, handler))

    @made_once
    def _processing_keys(self) -> ClarifyKeys:
        from stepmill.jobs.checks.clarify_keys import ClarifyKeys

        project = self.settings.project
        return ClarifyKeys(self._job_keys, self._contents, lambda: self._shadow_models, project)

    @made_once
    def _job_keys(self) -> JobKeys:
        from stepmill.jobs.cache_keys import JobKeys

        return JobKeys(self._contents, self.objects, self.settings.project, self._images.identity)

    def _cached(self, inner: TaskHandler, keys: KeyBuilder) -> TaskHandler:
        from stepmill.jobs.cache_outputs import KeptOutputs
        from stepmill.jobs.caching import CachingHandler
        from stepmill.jobs.lineage.touches import written_by
        from stepmill.storage.cache import SqlCacheStore

        return CachingHandler(
            inner,
            keys,
            SqlCacheStore(self._database),
            self.records,
            KeptOutputs(
                self.objects,
                self.settings.project,
                self._group_id,
                lambda kind, name: written_by(self.records, kind, name),
            ),
            self._clock,
            self.settings.cache_scope,
            self._tracker.track_reuse,
        )
