"""What every platform has from the start: settings, storage, and what is kept in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stepmill.core.api_calls import ApiCalls
from stepmill.core.clock import SystemClock
from stepmill.core.endpoint import Endpoint, JobIdentity
from stepmill.core.errors import UnsupportedError
from stepmill.core.happenings import Emit, Happening, tell_nobody
from stepmill.core.json import Json
from stepmill.core.made_once import made_once
from stepmill.core.settings import Settings
from stepmill.core.states_arns import StatesArns
from stepmill.storage.database import Database
from stepmill.storage.items import SqlItemStore
from stepmill.storage.keys import KeyStore
from stepmill.storage.layout import HomeLayout
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.sql_executions import SqlExecutionStore
from stepmill.storage.sql_lineage import SqlLineageStore
from stepmill.storage.sql_records import SqlRecordStore
from stepmill.storage.sql_series import SqlSeriesStore

if TYPE_CHECKING:
    from stepmill.catalog.activities import Activities
    from stepmill.catalog.content import ContentDigests
    from stepmill.catalog.dynamodb.dynamodb import DynamoDb
    from stepmill.catalog.experiments import Experiments
    from stepmill.catalog.features.feature_store import FeatureStore
    from stepmill.catalog.lineage.lineage import Lineage
    from stepmill.catalog.permissions.role_policies import RolePolicies
    from stepmill.catalog.pipelines import Pipelines
    from stepmill.catalog.queues import Queues
    from stepmill.catalog.roles import Roles
    from stepmill.catalog.sql.sql import Sql
    from stepmill.catalog.state_machine_aliases import StateMachineAliases
    from stepmill.catalog.state_machines import StateMachines
    from stepmill.catalog.tags import Tags
    from stepmill.catalog.tracking.tracking import Tracking
    from stepmill.engine.machines.language import MachinePlans
    from stepmill.engine.machines.map_runs import MapRuns
    from stepmill.engine.machines.reading import MachineExecutionReader
    from stepmill.engine.plans import Plans
    from stepmill.engine.reading import ExecutionReader
    from stepmill.jobs.callbacks import Callbacks
    from stepmill.platform.door import Addresses

Remark = Callable[[str], None]


class Base:
    """Storage of one home, and what is kept in it.

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
        # Set by whoever serves this home, before anything runs: links lead there.
        self.endpoint: Endpoint | None = None
        # Set by whoever answers for this home, before anything runs: jobs find AWS's services there.
        self.addresses: Addresses | None = None
        # Set by whoever opens this home: calls of services from the inside. Those who answer them are above.
        self.make_api_calls: Callable[[], ApiCalls] | None = None
        # Set by the part that has the bus of events.
        self._emit: Emit = tell_nobody
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

    @made_once
    def pipelines(self) -> Pipelines:
        """Pipelines and their versions."""
        from stepmill.catalog.pipelines import Pipelines

        return Pipelines(self.records, self.settings.arns)

    @made_once
    def queues(self) -> Queues:
        """SQS's queues."""
        from stepmill.catalog.queues import Queues

        return Queues(self.records, self._clock)

    @made_once
    def dynamodb(self) -> DynamoDb:
        """DynamoDB's tables."""
        from stepmill.catalog.dynamodb.dynamodb import DynamoDb

        return DynamoDb(self.records, SqlItemStore(self._database), self._clock)

    @made_once
    def callbacks(self) -> Callbacks:
        """Callback steps that wait for an answer."""
        from stepmill.jobs.callbacks import Callbacks

        return Callbacks(self.records, self.queues)

    @made_once
    def tags(self) -> Tags:
        """Tags of everything that has an ARN."""
        from stepmill.catalog.tags import Tags

        return Tags(self.records)

    @made_once
    def experiments(self) -> Experiments:
        """Experiments, trials and trial components."""
        from stepmill.catalog.experiments import Experiments

        return Experiments(self.records, self.settings.arns, self.tags, SqlSeriesStore(self._database))

    @made_once
    def lineage(self) -> Lineage:
        """What came of what."""
        from stepmill.catalog.lineage.lineage import Lineage

        made = Lineage(
            SqlLineageStore(self._database), self.records, self._clock, self.settings.arns, self.tags
        )
        made.listen(self._catch_up_with_lineage)
        return made

    def _catch_up_with_lineage(self) -> None:
        """Record what has not been recorded yet: for the part that does."""

    @made_once
    def keys(self) -> KeyStore:
        """The keys that requests are signed with."""
        return KeyStore(self.records, self._clock)

    @made_once
    def roles(self) -> Roles:
        """IAM's roles and policies."""
        from stepmill.catalog.roles import Roles

        return Roles(self.records, self.settings.arns)

    @made_once
    def role_policies(self) -> RolePolicies:
        """What the jobs of a role may do."""
        from stepmill.catalog.permissions.role_policies import RolePolicies

        return RolePolicies(self.roles)

    @made_once
    def tracking(self) -> Tracking:
        """Experiments, runs and logged models as MLflow's clients see them."""
        from stepmill.catalog.tracking.tracking import Tracking

        return Tracking.over(self.experiments, self.records, self.settings.arns, self.tags, self._clock)

    @made_once
    def state_machines(self) -> StateMachines:
        """State machines and their versions."""
        from stepmill.catalog.state_machines import StateMachines

        return StateMachines(self.records, StatesArns(self.settings.region, self.settings.account))

    @made_once
    def activities(self) -> Activities:
        """Activities of state machines."""
        from stepmill.catalog.activities import Activities

        return Activities(self.records, self.state_machines.arns)

    @made_once
    def state_machine_aliases(self) -> StateMachineAliases:
        """Aliases of state machines."""
        from stepmill.catalog.state_machine_aliases import StateMachineAliases

        return StateMachineAliases(self.records, self.state_machines)

    @made_once
    def machine_executions(self) -> MachineExecutionReader:
        """The executions of state machines, as they stand."""
        from stepmill.engine.machines.reading import MachineExecutionReader

        return MachineExecutionReader(self._executions, self.layout.engines)

    @made_once
    def map_runs(self) -> MapRuns:
        """The runs of distributed maps."""
        from stepmill.engine.machines.map_runs import MapRuns

        return MapRuns(self._executions, self.machine_executions)

    @made_once
    def executions(self) -> ExecutionReader:
        """The executions of pipelines, as they stand."""
        from stepmill.engine.reading import ExecutionReader

        return ExecutionReader(self._executions, self._plans, self.layout.engines)

    @made_once
    def _plans(self) -> Plans:
        from stepmill.core.service_models import service_model
        from stepmill.engine.plans import Plans

        return Plans(self._executions.definition, service_model)

    @made_once
    def _machine_plans(self) -> MachinePlans:
        from stepmill.engine.machines.language import MachinePlans
        from stepmill.language.states.checking import read as read_machine

        return MachinePlans(
            self._executions.definition,
            read_machine,
            parity=self.settings.parity,
            problems=self._problems_of_task,
        )

    @made_once
    def api_calls(self) -> ApiCalls:
        """Calls the services that clients call, for what Task states ask for.

        Raises:
            UnsupportedError: If whoever opened this home gave it none.
        """
        if self.make_api_calls is None:
            raise UnsupportedError(
                "This process was opened without AWS's services, which Task states call.",
                mend="Run the `stepmill` command, or give the platform `make_api_calls`.",
            )
        return self.make_api_calls()

    @made_once
    def features(self) -> FeatureStore:
        """The feature store."""
        from stepmill.catalog.features.feature_store import FeatureStore

        return FeatureStore(
            self._database,
            self.records,
            self.objects,
            self.layout.features,
            arns=self.settings.arns,
            tags=self.tags,
            clock=self._clock,
        )

    @made_once
    def sql(self) -> Sql:
        """SQL over tables of files: those of feature groups, and those that users create."""
        from stepmill.catalog.sql.limits import Limits
        from stepmill.catalog.sql.sql import Sql, SqlPlaces
        from stepmill.catalog.sql.tables import TableSource

        def tables() -> TableSource:
            from stepmill.catalog.sql.feature_tables import FeatureTables

            features = self.features
            return FeatureTables(features.groups, features.files, features.flushing.settle)

        settings = self.settings
        return Sql(
            self.records,
            self.objects,
            tables,
            SqlPlaces(self.layout.queries, self.layout.objects, f"s3://{settings.default_bucket}/athena/"),
            limits=Limits(time=settings.query_time_limit, memory_bytes=settings.query_memory_limit_bytes),
            clock=self._clock,
            read=self._read_by_job,
        )

    def _read_by_job(self, job: JobIdentity, tables: Sequence[tuple[str, str]]) -> None:
        """Hear of the tables that a job has read: for the part that records lineage."""

    def _problems_of_task(self, _resource: str, _parameters: Json) -> Sequence[str]:
        """Return what keeps parameters from being those of a resource; whoever does tasks knows better."""
        return ()

    def _tell(self, happening: Happening) -> None:
        self._emit(happening)

    @made_once
    def _contents(self) -> ContentDigests:
        from stepmill.catalog.content import ContentDigests

        return ContentDigests(self.objects, self.settings.project)
