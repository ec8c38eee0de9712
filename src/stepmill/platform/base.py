"""What every platform has from the start: settings, storage, and what is kept in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stepmill.catalog.activities import Activities
from stepmill.catalog.content import ContentDigests
from stepmill.catalog.dynamodb.dynamodb import DynamoDb
from stepmill.catalog.experiments import Experiments
from stepmill.catalog.features.feature_store import FeatureStore
from stepmill.catalog.lineage.lineage import Lineage
from stepmill.catalog.pipelines import Pipelines
from stepmill.catalog.queues import Queues
from stepmill.catalog.roles import Roles
from stepmill.catalog.state_machine_aliases import StateMachineAliases
from stepmill.catalog.state_machines import StateMachines
from stepmill.catalog.tags import Tags
from stepmill.core.api_calls import ApiCalls
from stepmill.core.clock import SystemClock
from stepmill.core.endpoint import Endpoint
from stepmill.core.errors import UnsupportedError
from stepmill.core.happenings import Emit, Happening, tell_nobody
from stepmill.core.json import Json
from stepmill.core.made_once import made_once
from stepmill.core.service_models import service_model
from stepmill.core.settings import Settings
from stepmill.core.states_arns import StatesArns
from stepmill.engine.machines.language import MachinePlans
from stepmill.engine.machines.map_runs import MapRuns
from stepmill.engine.machines.reading import MachineExecutionReader
from stepmill.engine.plans import Plans
from stepmill.engine.reading import ExecutionReader
from stepmill.jobs.callbacks import Callbacks
from stepmill.language.states.checking import read as read_machine
from stepmill.storage.database import Database
from stepmill.storage.items import SqlItemStore
from stepmill.storage.keys import KeyStore
from stepmill.storage.layout import HomeLayout
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.sql_executions import SqlExecutionStore
from stepmill.storage.sql_lineage import SqlLineageStore
from stepmill.storage.sql_records import SqlRecordStore

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
        # Set by whoever serves this home, before anything runs: jobs find AWS's services there.
        self.endpoint: Endpoint | None = None
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
        self.pipelines = Pipelines(self.records, settings.arns)
        self.queues = Queues(self.records, self._clock)
        self.dynamodb = DynamoDb(self.records, SqlItemStore(self._database), self._clock)
        self.callbacks = Callbacks(self.records, self.queues)
        self.tags = Tags(self.records)
        self.experiments = Experiments(self.records, settings.arns, self.tags)
        self.lineage = Lineage(
            SqlLineageStore(self._database), self.records, self._clock, settings.arns, self.tags
        )
        self.keys = KeyStore(self.records, self._clock)
        self.roles = Roles(self.records, settings.arns)
        states_arns = StatesArns(settings.arns.region, settings.arns.account)
        self.state_machines = StateMachines(self.records, states_arns)
        self.activities = Activities(self.records, states_arns)
        self.state_machine_aliases = StateMachineAliases(self.records, self.state_machines)
        self._plans = Plans(self._executions.definition, service_model)
        self._machine_plans = MachinePlans(
            self._executions.definition,
            read_machine,
            parity=settings.parity,
            problems=self._problems_of_task,
        )
        self.machine_executions = MachineExecutionReader(self._executions, self.layout.engines)
        self.map_runs = MapRuns(self._executions, self.machine_executions)
        self.executions = ExecutionReader(self._executions, self._plans, self.layout.engines)

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
        return FeatureStore(
            self._database,
            self.records,
            self.objects,
            self.layout.features,
            arns=self.settings.arns,
            tags=self.tags,
            clock=self._clock,
        )

    def _problems_of_task(self, _resource: str, _parameters: Json) -> Sequence[str]:
        """Return what keeps parameters from being those of a resource; whoever does tasks knows better."""
        return ()

    def _tell(self, happening: Happening) -> None:
        self._emit(happening)

    @made_once
    def _contents(self) -> ContentDigests:
        return ContentDigests(self.objects, self.settings.project)
