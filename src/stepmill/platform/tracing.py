"""Who records what came of what, and who tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepmill.core.endpoint import JobIdentity
from stepmill.core.made_once import made_once
from stepmill.platform.base import Base

if TYPE_CHECKING:
    from stepmill.catalog.experiments import Experiments
    from stepmill.catalog.lineage.finding import Finder
    from stepmill.catalog.lineage.kept_code import KeptCode
    from stepmill.catalog.lineage.versions import Versions
    from stepmill.images.catalog import ImageCatalog
    from stepmill.jobs.lineage.comparing import Comparing
    from stepmill.jobs.lineage.digesting import Digesting
    from stepmill.jobs.lineage.recorder import ExecutionView, LineageRecorder
    from stepmill.jobs.lineage.touches import GroupTouches
    from stepmill.storage.records import Record


class Tracing(Base):
    """Lineage, made when somebody needs it. ``Base`` tells of the arguments."""

    @made_once
    def lineage_recorder(self) -> LineageRecorder:
        """Records what came of what."""
        from stepmill.jobs.lineage.recorder import LineageRecorder

        return LineageRecorder(
            self.lineage.store,
            self.records,
            self._versions,
            self.kept_code,
            self._view_of_execution,
            lambda image: self._images.identity(image),
            self._open_components,
            self.lineage_digesting,
            groups_behind=self._groups_behind,
            clock=self._clock,
            arns=self.settings.arns,
        )

    @made_once
    def group_touches(self) -> GroupTouches:
        """Notes which job has written and read which feature group."""
        from stepmill.jobs.lineage.touches import GroupTouches

        def spelled(group: str) -> str:
            groups = self.features.groups
            found = groups.of_file(group) if group.startswith("s3://") else groups.find(group)
            return found.name if found else ""

        return GroupTouches(self.records, spelled, lambda kind, name: self.lineage_recorder.note(kind, name))

    @made_once
    def lineage_digesting(self) -> Digesting:
        """Computes the digests of artifacts."""
        from stepmill.jobs.lineage.digesting import Digesting

        return Digesting(self.lineage.store, self._versions, self.layout.digesting)

    @made_once
    def lineage_finder(self) -> Finder:
        """Finds what people mean, in lineage."""
        from stepmill.catalog.lineage.finding import Finder

        return Finder(self.lineage, self._versions)

    @made_once
    def lineage_comparing(self) -> Comparing:
        """Tells what changed between two."""
        from stepmill.jobs.lineage.comparing import Comparing

        return Comparing(self.lineage.store, self.records, self._versions, self.kept_code)

    @made_once
    def kept_code(self) -> KeptCode:
        """The code of steps, by its content."""
        from stepmill.catalog.lineage.kept_code import KeptCode

        return KeptCode(self.layout.code, self.objects, self._versions)

    @made_once
    def _versions(self) -> Versions:
        from stepmill.catalog.lineage.versions import Versions

        return Versions(self.objects, self._contents, self.settings.project)

    @made_once
    def _images(self) -> ImageCatalog:
        from stepmill.images.catalog import ImageCatalog

        return ImageCatalog(self.settings.images, self.layout.environments)

    @made_once
    def _progress_experiments(self) -> Experiments:
        """Experiments in the store that keeps the jobs: a job's end and its component are one change."""
        from stepmill.catalog.experiments import Experiments
        from stepmill.catalog.tags import Tags
        from stepmill.storage.sql_series import SqlSeriesStore

        series = SqlSeriesStore(self._database, durable=False)
        return Experiments(self._progress, self.settings.arns, Tags(self._progress), series)

    def _read_by_job(self, job: JobIdentity, tables: Sequence[tuple[str, str]]) -> None:
        from stepmill.jobs.lineage.touches import Way

        found = [self.features.groups.of_table(*table) for table in tables]
        self.group_touches.saw(job, [group.name for group in found if group], Way.READ)

    def _groups_behind(self, address: str) -> Sequence[str]:
        """Return the names of the feature groups that an input of a job is made of."""
        from stepmill.catalog.features.offline.layout import group_address
        from stepmill.catalog.sql.executions import id_of_result

        if group_address(address):
            files = self.features.groups.of_file(address)
            return [files.name] if files else []
        if not id_of_result(address):
            return []
        found = [self.features.groups.of_table(*table) for table in self.sql.executions.tables_of(address)]
        return [group.name for group in found if group]

    def _catch_up_with_lineage(self) -> None:
        self.lineage_recorder.catch_up()

    def _open_components(self, jobs: Sequence[Record]) -> None:
        """Make the trial components of jobs that named no experiment, where they are missing."""
        from stepmill.jobs.lineage.components import has_component, open_component

        for job in jobs:
            if not has_component(self._progress, job):
                open_component(self._progress_experiments.components, job)

    def _view_of_execution(self, execution: str) -> ExecutionView:
        from stepmill.jobs.lineage.recorder import ExecutionView

        found = self.executions.describe(execution)
        return ExecutionView(
            found.arn,
            found.created_at,
            str(found.status),
            found.parameters,
            self.executions.steps(execution),
        )
