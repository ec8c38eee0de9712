"""Trial components: what one stage of a trial took, gave and measured; each in any number of trials.

Source: SageMaker API reference, CreateTrialComponent, UpdateTrialComponent, AssociateTrialComponent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from stepmill.catalog.entities import COMPONENT, Entities
from stepmill.catalog.packages import part
from stepmill.catalog.tags import Tags
from stepmill.catalog.trial_metrics import TrialMetrics
from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject
from stepmill.storage.records import LARGEST_PAGE, Record, RecordStore, Selection
from stepmill.storage.selecting import page_among

# One record for each pair, ``trial/component``, with the trial as its parent.
MEMBER_KIND = "trial-member"

# API reference: so many entries a component may have.
MOST_ENTRIES: Mapping[str, int] = {"Parameters": 300, "InputArtifacts": 60, "OutputArtifacts": 60}
_REPLACED = ("DisplayName", "Status", "StartTime", "EndTime")


class TrialComponents:
    """Keeps trial components. Safe to share between threads.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
        tags: Keeps their tags.
        trials: The trials that they are associated with.
    """

    def __init__(self, records: RecordStore, arns: Arns, tags: Tags, trials: Entities) -> None:
        self._records = records
        self._entities = Entities(COMPONENT, records, arns, tags)
        self._trials = trials
        self.metrics = TrialMetrics(records, self._entities)

    def create(self, request: JsonObject, *, source: JsonObject | None = None) -> JsonObject:
        """Make a trial component from a CreateTrialComponent request, and return what Describe answers.

        Args:
            request: The document as AWS takes it.
            source: What it was recorded of: ``{"SourceArn": ..., "SourceType": ...}``.

        Raises:
            InvalidInputError: If the request cannot be taken.
            ConflictError: If there is one of that name.
        """
        _check_entries(request)
        parent = str(source["SourceArn"]) if source else ""
        return self._describe(
            self._entities.create(request, parent=parent, state={"source": source} if source else None)
        )

    def describe(self, name_or_arn: str) -> JsonObject:
        """Return what DescribeTrialComponent answers.

        Raises:
            NotFoundError: If there is none.
        """
        return self._describe(self._entities.get(name_or_arn))

    def update(self, request: JsonObject) -> JsonObject:
        """Change one as an UpdateTrialComponent request says, and return what Describe answers.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If it would have too many entries.
        """

        def changed(record: Record) -> Record:
            new = updated_component(part(record.body, "request"), request)
            _check_entries(new)
            return replace(record, body={**record.body, "request": new})

        return self._describe(self._entities.update(str(request["TrialComponentName"]), changed))

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
        self.metrics.forget(record)
        self._entities.delete(record)
        return described

    def list(self, selection: Selection) -> tuple[Sequence[JsonObject], str | None]:
        """Return those that are asked for, and the token of the next page, if there is one."""
        page = selection.page(self._records, COMPONENT.kind)
        return [self._describe(record) for record in page.records], page.next_token

    def list_among(
        self, trials: Iterable[str], selection: Selection
    ) -> tuple[Sequence[JsonObject], str | None]:
        """Return those that are asked for among the components of some trials, as ``list`` does."""
        names = {name for trial in trials for name in self.members(trial)}
        found = (self._entities.find(name) for name in names)
        page = page_among([record for record in found if record], selection)
        return [self._describe(record) for record in page.records], page.next_token

    # ---- in trials -------------------------------------------------------------------------------

    def associate(self, name: str, trial: str) -> tuple[str, str]:
        """Put one into a trial; once is enough. Return both ARNs.

        Raises:
            NotFoundError: If there is no such component or trial.
        """
        component, kept = self._entities.get(name), self._trials.get(trial)
        if self._records.find(MEMBER_KIND, f"{kept.name}/{component.name}") is None:
            with suppress(ConflictError):  # somebody else was faster
                self._records.create(MEMBER_KIND, f"{kept.name}/{component.name}", {}, parent=kept.name)
        return self._entities.arn(component), self._trials.arn(kept)

    def disassociate(self, name: str, trial: str) -> tuple[str, str]:
        """Take one out of a trial, and return both ARNs.

        Raises:
            NotFoundError: If there is no such component or trial, or it is not in it.
        """
        component, kept = self._entities.get(name), self._trials.get(trial)
        try:
            self._records.delete(MEMBER_KIND, f"{kept.name}/{component.name}")
        except NotFoundError as error:
            raise NotFoundError(
                f"The trial component {name!r} is not associated with the trial {trial!r}."
            ) from error
        return self._entities.arn(component), self._trials.arn(kept)

    def members(self, trial: str) -> Sequence[str]:
        """Return the names of the components of a trial, in lower case."""
        chosen = Selection(parent=trial, limit=LARGEST_PAGE)
        return [record.name.partition("/")[2] for record in chosen.all(self._records, MEMBER_KIND)]

    def trials_of(self, name: str) -> Sequence[Record]:
        """Return the records of the trials that one is in.

        Raises:
            NotFoundError: If there is no such component.
        """
        trials = self.memberships(self._entities.get(name).name)
        found = [self._trials.find(trial) for _, trial in sorted(trials)]
        return [record for record in found if record]

    def memberships(self, component: str = "") -> set[tuple[str, str]]:
        """Return who is in what: names of component and trial, in lower case; all of them, or one's."""
        chosen = Selection(name_contains=f"/{component}" if component else "", limit=LARGEST_PAGE)
        pairs = (record.name.partition("/") for record in chosen.all(self._records, MEMBER_KIND))
        return {(name, trial) for trial, _, name in pairs if component in ("", name)}

    def _describe(self, record: Record) -> JsonObject:
        described = self._entities.describe(record)
        state = part(record.body, "state")
        source = state.get("source")
        metrics = self.metrics.documents(record)
        return {
            **described,
            **({"Source": source, "Sources": [source]} if source else {}),
            **({"Metrics": metrics} if metrics else {}),
        }


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
    for member in MOST_ENTRIES:
        gone = request.get(f"{member}ToRemove")
        if member not in request and not gone:
            continue
        removed = frozenset(gone) if isinstance(gone, Sequence) else frozenset[str]()
        left = {key: value for key, value in part(kept, member).items() if key not in removed}
        new[member] = {**left, **part(request, member)}
    return new


def _check_entries(document: JsonObject) -> None:
    for member, most in MOST_ENTRIES.items():
        if len(part(document, member)) > most:
            raise InvalidInputError(
                f"A trial component has at most {most} entries in {member}.",
                where=member,
                mend="Remove some first.",
            )
