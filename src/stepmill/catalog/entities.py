"""What experiments, trials and trial components have in common: a name, a display name, tags, moments.

Source: SageMaker API reference, CreateExperiment, DescribeExperiment and those of trials.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from stepmill.catalog.packages import part
from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.arns import Arns, SageMakerArn
from stepmill.core.clock import as_text
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record, RecordStore

LONGEST_ENTITY_NAME = 120
_NAME = re.compile(rf"[a-zA-Z0-9](-*[a-zA-Z0-9]){{0,{LONGEST_ENTITY_NAME - 1}}}")


@dataclass(frozen=True)
class EntityKind:
    """One of the kinds.

    Args:
        kind: Of its records, and in its ARN: ``experiment-trial``.
        member: What its members in documents begin with: ``Trial``.
        called: What it is called in sentences: ``trial``.
    """

    kind: str
    member: str
    called: str

    @property
    def name(self) -> str:
        """The member that holds its name: ``TrialName``."""
        return f"{self.member}Name"

    @property
    def arn(self) -> str:
        """The member that holds its ARN: ``TrialArn``."""
        return f"{self.member}Arn"


EXPERIMENT = EntityKind("experiment", "Experiment", "experiment")
TRIAL = EntityKind("experiment-trial", "Trial", "trial")
COMPONENT = EntityKind("experiment-trial-component", "TrialComponent", "trial component")


class Entities:
    """The records of one kind. Names differ by more than their case, as their ARNs do.

    Args:
        kind: Which kind.
        records: Where they are kept.
        arns: Builds their ARNs.
        tags: Keeps their tags.
    """

    def __init__(self, kind: EntityKind, records: RecordStore, arns: Arns, tags: Tags) -> None:
        self.kind = kind
        self._records = records
        self._arns = arns
        self._tags = tags

    def create(self, request: JsonObject, *, parent: str = "", state: JsonObject | None = None) -> Record:
        """Make one from the request that creates it.

        Args:
            request: The document as AWS takes it.
            parent: What it belongs to.
            state: What is kept with it beside the request.

        Raises:
            InvalidInputError: If it cannot have that name or those tags.
            ConflictError: If there is one of that name.
        """
        name = self.checked_name(request.get(self.kind.name))
        tags = read_tags(request.get("Tags"))
        body: JsonObject = {"request": request, "state": state or {}}
        try:
            record = self._records.create(self.kind.kind, name.lower(), body, parent=parent)
        except ConflictError as error:
            raise ConflictError(f"The {self.kind.called} {name!r} already exists.") from error
        if tags:
            self._tags.set(self.arn(record), tags)
        return record

    def find(self, name_or_arn: str) -> Record | None:
        """Return one by its name or ARN, or ``None``."""
        return self._records.find(self.kind.kind, self._key(name_or_arn))

    def get(self, name_or_arn: str) -> Record:
        """Return one by its name or ARN.

        Raises:
            NotFoundError: If there is none.
        """
        record = self.find(name_or_arn)
        if record is None:
            raise NotFoundError(f"There is no {self.kind.called} {name_or_arn!r}.", mend="Check the name.")
        return record

    def update(self, name_or_arn: str, change: Callable[[Record], Record]) -> Record:
        """Change one. See ``RecordStore.update``.

        Raises:
            NotFoundError: If there is none.
        """
        return self._records.update(self.kind.kind, self.get(name_or_arn).name, change)

    def delete(self, record: Record) -> None:
        """Remove one and its tags."""
        self._records.delete(self.kind.kind, record.name)
        self._tags.clear(self.arn(record))

    def arn(self, record: Record) -> str:
        """Return the ARN of one."""
        return self._arns.sagemaker(self.kind.kind, record.name)

    def spelled(self, record: Record) -> str:
        """Return the name of one as it was first given."""
        return str(part(record.body, "request")[self.kind.name])

    def describe(self, record: Record) -> dict[str, Json]:
        """Return what its Describe operation answers, as far as all kinds have it."""
        request = part(record.body, "request")
        return {
            "DisplayName": self.spelled(record),
            **{name: value for name, value in request.items() if name != "Tags"},
            self.kind.arn: self.arn(record),
            "CreationTime": as_text(record.created_at),
            "CreatedBy": {},
            "LastModifiedTime": as_text(record.modified_at),
            "LastModifiedBy": {},
        }

    def checked_name(self, name: Json) -> str:
        """Return a name if AWS would take it.

        Raises:
            InvalidInputError: If it would not.
        """
        if isinstance(name, str) and len(name) <= LONGEST_ENTITY_NAME and _NAME.fullmatch(name):
            return name
        raise InvalidInputError(
            f"{str(name)[:80]!r} cannot be taken for a name.",
            where=self.kind.name,
            mend=f"Use up to {LONGEST_ENTITY_NAME} letters, digits and hyphens, and no hyphen at either end.",
        )

    def _key(self, name_or_arn: str) -> str:
        arn = SageMakerArn.read(name_or_arn)
        return (arn.name if arn and arn.kind == self.kind.kind else name_or_arn).lower()


def usable_name(text: str) -> str:
    """Return the nearest name that an entity can have: for one that is made for something else's name.

    Example:
        >>> usable_name("a_b--")
        'a-b'
    """
    cut = re.sub(r"[^a-zA-Z0-9-]", "-", text).lstrip("-")[:LONGEST_ENTITY_NAME].rstrip("-")
    return cut or "unnamed"
