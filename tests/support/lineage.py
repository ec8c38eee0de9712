"""Jobs that leave records and objects, but never run: for lineage that is all there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from stepmill.catalog.lineage.kept_code import KeptCode
from stepmill.catalog.lineage.lineage import Lineage
from stepmill.catalog.lineage.versions import Versions
from stepmill.catalog.lineage.walk import Direction, Question
from stepmill.core.endpoint import JobIdentity
from stepmill.core.errors import NotFoundError
from stepmill.core.statuses import JobStatus
from stepmill.jobs.access import digest_of
from stepmill.jobs.lineage.digesting import Digesting
from stepmill.jobs.lineage.recorder import ExecutionView, LineageRecorder
from stepmill.jobs.lineage.touches import GroupTouches, Way
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB, JobState, body_of, request_of, state_of
from stepmill.storage.lineage import EdgeSelection, Entity, EntitySelection, LineageKind
from stepmill.storage.records import Record
from stepmill.storage.sql_lineage import SqlLineageStore
from support.keeping import ARNS, EXECUTION, Keeping, keeping
from support.wire import Wire, running_server

SECOND = timedelta(seconds=1)


class Recording:
    """A home in which jobs are said to have run, and who records what came of what."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.opened: list[Record] = []
        self.views: dict[str, ExecutionView] = {}
        self.behind: dict[str, list[str]] = {}
        self.store = SqlLineageStore(kept.database)
        self.lineage = Lineage(self.store, kept.records, kept.clock, ARNS, kept.tags)
        self.versions = Versions(kept.objects, kept.contents, kept.folder)
        self.code = KeptCode(kept.folder / "code", kept.objects, self.versions)
        self.digesting = Digesting(self.store, self.versions, kept.folder / "digesting.lock")
        self.recorder = self.new_recorder()

    def new_recorder(self) -> LineageRecorder:
        """Return another recorder, as another process has it."""
        return LineageRecorder(
            self.store, self.kept.records, self.versions, self.code, self._view,
            lambda image: {"python": "3.11"} if image else {}, self.opened.extend, self.digesting,
            groups_behind=lambda address: self.behind.get(address, ()), clock=self.kept.clock, arns=ARNS,
        )  # fmt: skip

    def _view(self, execution: str) -> ExecutionView:
        if execution not in self.views:
            raise NotFoundError("There is none.")
        return self.views[execution]

    def begin(self, kind: str, name: str, request: Mapping[str, Any], execution: str = EXECUTION) -> None:
        """Say that a job runs."""
        self.kept.clock.advance(SECOND)
        arn = ARNS.sagemaker(kind, name)
        state = JobState(name, arn, execution, name.partition("-")[0], started_at=self.kept.clock.now())
        self.kept.records.create(kind, name, body_of(request, state), status=state.status)

    def end(self, kind: str, name: str, status: JobStatus = JobStatus.COMPLETED, model: str = "") -> None:
        """Say that a job has ended."""
        self.kept.clock.advance(SECOND)
        now = self.kept.clock.now()

        def ended(record: Any) -> Any:
            state = msgspec.structs.replace(state_of(record), status=status, ended_at=now, model=model)
            return replace(record, status=status, body=body_of(request_of(record), state))

        self.kept.records.update(kind, name, ended)

    def touch(self, name: str, group: str, way: Way, kind: str = TRAINING_JOB) -> None:
        """Say that a call of a job has written or read a feature group."""
        self.kept.clock.advance(SECOND)
        touches = GroupTouches(self.kept.records, lambda spelled: spelled)
        touches.saw(JobIdentity(kind, name, digest_of(name)), [group], way)

    def process(
        self,
        name: str,
        inputs: Mapping[str, str],
        outputs: Mapping[str, str],
        data: str = "made",
        arguments: Sequence[str] = (),
    ) -> None:
        """Say that a processing job has run, and store what it gave."""
        self.begin(PROCESSING_JOB, name, processing(inputs, outputs, arguments))
        for uri in outputs.values():
            self.kept.put(f"{uri.rstrip('/')}/part.csv", f"{data} {uri}")
        self.end(PROCESSING_JOB, name)

    def train(self, name: str, channels: Mapping[str, str], code: str = "", **more: Any) -> str:
        """Say that a training job has run; store its model and return its address."""
        self.begin(TRAINING_JOB, name, training(channels, code, **more))
        model = self.kept.put(f"s3://bucket/models/{name}/output/model.tar.gz", f"model of {name}")
        self.end(TRAINING_JOB, name, model=model)
        return model

    def register(self, group: str, model: str, step: str = "", **more: Any) -> str:
        """Register a model, and return the ARN of its version."""
        self.kept.clock.advance(SECOND)
        specification = {"Containers": [{"Image": "image:1", "ModelDataUrl": model}]}
        request = {"ModelPackageGroupName": group, "InferenceSpecification": specification, **more}
        return str(self.kept.registry.create(request, source={"step": step})["ModelPackageArn"])

    def all(self, kind: LineageKind = LineageKind.ARTIFACT, of_type: str = "") -> list[Entity]:
        """Return what is recorded, the oldest first."""
        return self.store.page(EntitySelection(kind, type=of_type, descending=False, limit=1000))[0]

    def edges(self) -> set[tuple[str, str, str]]:
        """Return all edges by what one can read: names, or else addresses."""
        found = self.store.associations(EdgeSelection(limit=1000))[0]
        return {(label(one.source), one.type, label(one.destination)) for one in found}

    def up(self, arn: str) -> list[str]:
        """Return all that led to something."""
        found = self.lineage.ask(Question([arn], Direction.UP))
        return [label(one) for one in found.entities[1:]]

    def down(self, arn: str) -> list[str]:
        """Return all that came of something."""
        found = self.lineage.ask(Question([arn], Direction.DOWN))
        return [label(one) for one in found.entities[1:]]

    def artifact(self, uri: str) -> Entity:
        """Return the newest artifact of an address."""
        return self.store.page(EntitySelection(LineageKind.ARTIFACT, source_uri=uri))[0][0]


def label(entity: Entity) -> str:
    """Return what one can read of an entity."""
    name = entity.name or entity.source_uri
    return name.removesuffix("-aws-training-job").removesuffix("-aws-processing-job")


def processing(
    inputs: Mapping[str, str], outputs: Mapping[str, str], arguments: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the request of a processing job."""
    return {
        "AppSpecification": {
            "ImageUri": "image:1",
            **({"ContainerArguments": list(arguments)} if arguments else {}),
        },
        "ProcessingInputs": [
            {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}"}}
            for name, uri in inputs.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": n, "S3Output": {"S3Uri": u}} for n, u in outputs.items()]
        },
    }


def training(channels: Mapping[str, str], code: str = "", **more: Any) -> dict[str, Any]:
    """Return the request of a training job."""
    parameters = {**more, **({"sagemaker_submit_directory": code} if code else {})}
    return {
        "AlgorithmSpecification": {"TrainingImage": "image:1"},
        "HyperParameters": parameters,
        "InputDataConfig": [
            {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": uri}}}
            for name, uri in channels.items()
        ],
    }


@contextmanager
def recording(folder: Path) -> Iterator[Recording]:
    """Open a home in a folder."""
    with keeping(folder) as kept:
        yield Recording(kept)


class Served(Recording):
    """The same behind a server of the AWS wire. Nobody may ask it before all has been said to have run."""

    wire: Wire
    model: str
    package: str


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Open a home in a folder, with a server."""
    with keeping(folder) as kept, running_server(folder) as wire:
        home = Served(kept)
        home.wire = wire
        yield home
