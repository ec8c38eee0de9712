"""Trial components: what one stage of a trial took, gave and measured; each in any number of trials.

Source: SageMaker API reference, CreateTrialComponent, UpdateTrialComponent, AssociateTrialComponent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from stepmill.catalog.entities import COMPONENT, TRIAL, Entities
from stepmill.catalog.packages import part
from stepmill.catalog.tags import Tags
from stepmill.catalog.trial_metrics import TrialMetrics
from stepmill.core.arns import Arns
from stepmill.core.errors import NotFoundError, WrongStateError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import LARGEST_PAGE, GroupName, Record, RecordStore, Selection
from stepmill.storage.sql_series import SqlSeriesStore

# The members of a component that hold entries by key.
ENTRIES = ("Parameters", "InputArtifacts", "OutputArtifacts")
_REPLACED = ("DisplayName", "Status", "StartTime", "EndTime")


class TrialComponents:
    """Keeps trial components. Safe to share between threads.

    Entries may be any number and their texts as long as they are: the limits of AWS are its door's affair.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
        tags: Keeps their tags.
        trials: The trials that they are associated with.
        series: Where what they measure is kept.
    """

    def __init__(
        self, records: RecordStore, arns: Arns, tags: Tags, trials: Entities, series: SqlSeriesStore
    ) -> None:
        self._records = records
        self._entities = Entities(COMPONENT, records, arns, tags)
        self._trials = trials
        self.metrics = TrialMetrics(series, self._entities)

    def create(
        self,
        request: JsonObject,
        *,
        source: JsonObject | None = None,
        extra: JsonObject | None = None,
        parent: str = "",
    ) -> JsonObject:
        """Make a trial component from a CreateTrialComponent request, and return what Describe answers.

        Args:
            request: The document as AWS takes it.
            source: What it was recorded of: ``{"SourceArn": ..., "SourceType": ...}``.
            extra: What AWS's document has no place for; see ``extra``.
            parent: ARN of the execution that it is part of; may be empty.

        Raises:
            InvalidInputError: If the request cannot be taken.
            ConflictError: If there is one of that name.
        """
        state: JsonObject = {
            **({"sources": [source]} if source else {}),
            **({"extra": extra} if extra else {}),
        }
        with self._records.transaction():
            record = self._entities.create(request, parent=parent, state=state)
            if source:
                self._records.join(COMPONENT.kind, record.name, of_source(str(source["SourceArn"])))
        return self._describe(record)

    def record(self, request: JsonObject, source: JsonObject, extra: JsonObject, parent: str = "") -> None:
        """Make the trial component of a job, or bring the one that there is up to date. See ``create``.

        Raises:
            InvalidInputError: If it cannot have that name.
        """
        with self._records.transaction():
            if self._entities.find(str(request["TrialComponentName"])) is None:
                state: JsonObject = {"sources": [source], "extra": extra}
                record = self._entities.create(request, parent=parent, state=state)
                self._records.join(COMPONENT.kind, record.name, of_source(str(source["SourceArn"])))
                return

            def changed(record: Record) -> Record:
                document = updated_component(part(record.body, "request"), request)
                state = {**part(record.body, "state"), "extra": {**extra_of(record), **extra}}
                return replace(record, body={**record.body, "request": document, "state": state})

            self._entities.update(str(request["TrialComponentName"]), changed)

    def add_source(self, name_or_arn: str, source: JsonObject) -> None:
        """Note that one tells of this job, too: it was begun inside of a run.

        Raises:
            NotFoundError: If there is no such component.
        """

        def changed(record: Record) -> Record:
            state = part(record.body, "state")
            known = _sources(record)
            if source in known:
                return record
            return replace(record, body={**record.body, "state": {**state, "sources": [*known, source]}})

        with self._records.transaction():
            record = self._entities.update(name_or_arn, changed)
            self._records.join(COMPONENT.kind, record.name, of_source(str(source["SourceArn"])))

    def describe(self, name_or_arn: str) -> JsonObject:
        """Return what DescribeTrialComponent answers.

        Raises:
            NotFoundError: If there is none.
        """
        return self._describe(self._entities.get(name_or_arn))

    def update(self, request: JsonObject, *, check: Callable[[JsonObject], None] | None = None) -> JsonObject:
        """Change one as an UpdateTrialComponent request says, and return what Describe answers.

        Args:
            request: The document as AWS takes it.
            check: Is given the document as it would be, and raises if it must not.

        Raises:
            NotFoundError: If there is none.
        """

        def changed(record: Record) -> Record:
            new = updated_component(part(record.body, "request"), request)
            if check is not None:
                check(new)
            return replace(record, body={**record.body, "request": new})

        return self._describe(self._entities.update(str(request["TrialComponentName"]), changed))

    def extra(self, name_or_arn: str) -> JsonObject:
        """Return what is kept of one beside AWS's document: whoever else records runs here keeps it.

        Raises:
            NotFoundError: If there is none.
        """
        return extra_of(self._entities.get(name_or_arn))

    def delete(self, name: str) -> JsonObject:
        """Remove one with its metrics, and return what Describe answered.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it is associated with a trial.
        """
        record = self._entities.get(name)
        if trials := self.trials_of(name):
            raise WrongStateError(
                f"The trial component {name!r} is associated with the trial {trials[0].name!r}.",
                mend="Disassociate it first.",
            )
        described = self._describe(record)
        with self._records.transaction():
            self.metrics.forget(record)
            for _, group in self._records.groups(COMPONENT.kind, [record.name]):
                self._records.leave(COMPONENT.kind, record.name, group)
            self._entities.delete(record)
        return described

    def list(self, selection: Selection) -> tuple[Sequence[JsonObject], str | None]:
        """Return those that are asked for, without metrics, and the token of the next page, if there is one.

        ``in_trial``, ``in_experiment`` and ``of_source`` say of what.
        """
        page = selection.page(self._records, COMPONENT.kind)
        return [self._describe_plainly(record) for record in page.records], page.next_token

    # ---- in trials -------------------------------------------------------------------------------

    def associate(self, name: str, trial: str) -> tuple[str, str]:
        """Put one into a trial; once is enough. Return both ARNs.

        Raises:
            NotFoundError: If there is no such component or trial.
        """
        component, kept = self._entities.get(name), self._trials.get(trial)
        self._records.join(COMPONENT.kind, component.name, in_trial(kept.name))
        return self._entities.arn(component), self._trials.arn(kept)

    def disassociate(self, name: str, trial: str) -> tuple[str, str]:
        """Take one out of a trial, and return both ARNs.

        Raises:
            NotFoundError: If there is no such component or trial, or it is not in it.
        """
        component, kept = self._entities.get(name), self._trials.get(trial)
        if not self._records.leave(COMPONENT.kind, component.name, in_trial(kept.name)):
            raise NotFoundError(f"The trial component {name!r} is not associated with the trial {trial!r}.")
        return self._entities.arn(component), self._trials.arn(kept)

    def members(self, trial: str) -> Sequence[str]:
        """Return the names of the components of a trial, in lower case."""
        chosen = Selection(group=in_trial(trial), limit=LARGEST_PAGE)
        return [record.name for record in chosen.all(self._records, COMPONENT.kind)]

    def trials_of(self, name: str) -> Sequence[Record]:
        """Return the records of the trials that one is in.

        Raises:
            NotFoundError: If there is no such component.
        """
        trials = [trial for _, trial in self.memberships([self._entities.get(name).name])]
        return self._records.find_all(TRIAL.kind, trials)

    def memberships(self, components: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Return who is in what, in order: names of component and trial, in lower case."""
        groups = self._records.groups(COMPONENT.kind, components)
        return [(name, group.name) for name, group in groups if group.kind == TRIAL.kind]

    def _describe(self, record: Record) -> JsonObject:
        metrics = self.metrics.documents(record)
        return {**self._describe_plainly(record), **({"Metrics": metrics} if metrics else {})}

    def _describe_plainly(self, record: Record) -> JsonObject:
        sources = _sources(record)
        return {
            **self._entities.describe(record),
            **({"Source": sources[0], "Sources": sources} if sources else {}),
        }


def in_trial(trial: str) -> GroupName:
    """Return the group that the components of a trial are, for ``Selection.group``."""
    return GroupName(TRIAL.kind, trial.lower())


def in_experiment(experiment: str) -> GroupName:
    """Return what the components of an experiment's trials are, for ``Selection.group_parent``."""
    return GroupName(TRIAL.kind, experiment.lower())


def of_source(arn: str) -> GroupName:
    """Return what the components that tell of a job are, for ``Selection.group``."""
    return GroupName("source", arn.lower())


def _sources(record: Record) -> Sequence[Json]:
    found = part(record.body, "state").get("sources")
    return found if isinstance(found, Sequence) and not isinstance(found, str) else ()


def extra_of(record: Record) -> JsonObject:
    """Return what is kept in a component's record beside AWS's document."""
    return part(part(record.body, "state"), "extra")


def updated_component(kept: JsonObject, request: JsonObject) -> JsonObject:
    """Return the document of a trial component after an update: entries are removed, then added by key.

    Args:
        kept: The document as it is.
        request: The UpdateTrialComponent request.

    Example:
        >>> updated_component({"Parameters": {"a": 1, "b": 2}}, {"ParametersToRemove": ["a"]})
        {'Parameters': {'b': 2}}
    """
    new = {**kept, **{name: request[name] for name in _REPLACED if name in request}}
    for member in ENTRIES:
        gone = request.get(f"{member}ToRemove")
        if member not in request and not gone:
            continue
        removed = frozenset(gone) if isinstance(gone, Sequence) else frozenset[str]()
        left = {key: value for key, value in part(kept, member).items() if key not in removed}
        new[member] = {**left, **part(request, member)}
    return new
