"""The handler of Lineage steps: ``stepmill:lineage``.

Source: sagemaker SDK 2.257.7, ``LineageStep``: all entities are made first, then the associations; an end
names an entity of the same step by name and type, or any by its ARN.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from stepmill.catalog.lineage.documents import ACTION, ARTIFACT, CONTEXT, KindWords
from stepmill.catalog.lineage.lineage import Lineage
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject, objects_of
from stepmill.core.tasks import Report, Task, TaskFailed, TaskSucceeded

RESOURCE = "stepmill:lineage"
_KINDS: Mapping[str, KindWords] = {"Actions": ACTION, "Artifacts": ARTIFACT, "Contexts": CONTEXT}


class LineageHandler:
    """Makes entities and associations; the same task makes them once.

    Args:
        lineage: Where they are kept.
    """

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage

    def start(self, task: Task, report: Report) -> None:
        """Make what the step asks for, and report the ARNs."""
        payload = task.payload if isinstance(task.payload, Mapping) else {}
        try:
            # An association may name what a job of an earlier step has just left.
            self._lineage.catch_up()
            made = self._make(task, payload)
        except (InvalidInputError, NotFoundError, ConflictError) as error:
            report(TaskFailed(task.id, "ClientError", str(error)))
            return
        report(TaskSucceeded(task.id, made, {"Lineage": made}))

    def stop(self, task: Task) -> None:
        """Do nothing: entities are made at once."""

    def _make(self, task: Task, payload: JsonObject) -> dict[str, Json]:
        arns: dict[tuple[str, str], str] = {}
        made: dict[str, Json] = {}
        for member, words in _KINDS.items():
            named: dict[str, Json] = {}
            for request in objects_of(payload.get(member)):
                arn = self._lineage.create(request, words, token=task.id)
                name = str(request.get(f"{words.member}Name") or arn.rpartition("/")[2])
                named[name] = arns[words.member, name] = arn
            made[f"{words.member}Arns"] = named
        made["Associations"] = self._connect(payload, arns)
        return made

    def _connect(self, payload: JsonObject, arns: Mapping[tuple[str, str], str]) -> list[Json]:
        connected: list[Json] = []
        for index, one in enumerate(objects_of(payload.get("Associations"))):
            ends = [
                _end(one.get(side), arns, f"Associations[{index}].{side}")
                for side in ("Source", "Destination")
            ]
            # Said before: by this task before it was killed, or by anybody.
            with suppress(ConflictError):
                self._lineage.connect(ends[0], ends[1], str(one.get("AssociationType") or ""))
            connected.append({"SourceArn": ends[0], "DestinationArn": ends[1]})
        return connected


def _end(end: Json, arns: Mapping[tuple[str, str], str], where: str) -> str:
    given = end if isinstance(end, Mapping) else {}
    if arn := given.get("Arn"):
        return str(arn)
    name, kind = str(given.get("Name") or ""), str(given.get("Type") or "")
    if (kind, name) not in arns:
        raise InvalidInputError(
            f"This step makes no {kind or 'entity'} {name!r}.",
            where=where,
            mend="Name one that it makes by Name and Type, or any by its Arn.",
        )
    return arns[kind, name]
