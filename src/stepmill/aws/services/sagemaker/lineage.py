"""Operations on artifacts, actions, contexts and associations, and QueryLineage.

Source: SageMaker API reference. The SDKs take a ValidationException for "already exists".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sagemaker.listing import (
    Listing,
    listing_mark,
    page_size_of,
    read_token,
    wrap_token,
)
from stepmill.aws.services.sagemaker.refusals import VALIDATION, told_as
from stepmill.catalog.lineage import documents
from stepmill.catalog.lineage.documents import ACTION, ARTIFACT, CONTEXT, LINEAGE_GROUP, KindWords
from stepmill.catalog.lineage.walk import DEEPEST, PAGE_SIZE, Direction, Filters, Question
from stepmill.core.clock import as_text
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.platform import Platform
from stepmill.storage.lineage import EdgeOrder, EdgeSelection, EntitySelection
from stepmill.storage.records import Selection

# API reference, QueryLineageMaxResults.
_LARGEST_ANSWER = 50


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return {
        **_entities(platform, ARTIFACT, "ArtifactArn"),
        **_entities(platform, ACTION, "ActionName"),
        **_entities(platform, CONTEXT, "ContextName"),
        **_associations(platform),
        **_groups(platform),
    }


def _entities(platform: Platform, words: KindWords, key: str) -> dict[str, Handler]:
    kept, member = platform.lineage, words.member

    def create(call: Call) -> dict[str, Any]:
        with told_as(VALIDATION, ConflictError):
            return {f"{member}Arn": kept.create(msgspec.to_builtins(call.parameters), words)}

    def describe(call: Call) -> Mapping[str, Any]:
        kept.catch_up()
        return kept.describe(call.parameters[key], words)

    def update(call: Call) -> dict[str, Any]:
        return {f"{member}Arn": kept.update(call.parameters[key], call.parameters, words)}

    def delete(call: Call) -> dict[str, Any]:
        named, source = call.parameters.get(key), call.parameters.get("Source")
        if not named and source is None:
            raise ApiError(VALIDATION, "Either ArtifactArn or Source must be specified.")
        return {f"{member}Arn": kept.delete(named, words) if named else kept.delete_source(source or {})}

    def list_(call: Call) -> dict[str, Any]:
        kept.catch_up()
        given, mark = call.parameters, listing_mark(call)
        selection = EntitySelection(
            kind=words.kind,
            source_uri=given.get("SourceUri", ""),
            type=given.get(f"{member}Type", ""),
            created_after=given.get("CreatedAfter"),
            created_before=given.get("CreatedBefore"),
            by_name=given.get("SortBy") == "Name",
            descending=given.get("SortOrder") != "Ascending",
            limit=page_size_of(call),
            after=read_token(mark, given.get("NextToken")),
        )
        found, token = kept.list(selection)
        return Listing(Selection(), mark).answer(f"{member}Summaries", found, token)

    return {
        f"Create{member}": create,
        f"Describe{member}": describe,
        f"Update{member}": update,
        f"Delete{member}": delete,
        f"List{member}s": list_,
    }


def _associations(platform: Platform) -> dict[str, Handler]:
    kept = platform.lineage

    def ends(do: Callable[[str, str], None], call: Call) -> dict[str, Any]:
        source, destination = call.parameters["SourceArn"], call.parameters["DestinationArn"]
        do(source, destination)
        return {"SourceArn": source, "DestinationArn": destination}

    def add(call: Call) -> dict[str, Any]:
        kept.catch_up()
        kind = call.parameters.get("AssociationType", "")
        with told_as(VALIDATION, ConflictError):
            return ends(lambda source, destination: kept.connect(source, destination, kind), call)

    def list_(call: Call) -> dict[str, Any]:
        kept.catch_up()
        given, mark = call.parameters, listing_mark(call)
        selection = EdgeSelection(
            source=given.get("SourceArn", ""),
            destination=given.get("DestinationArn", ""),
            source_type=given.get("SourceType", ""),
            destination_type=given.get("DestinationType", ""),
            type=given.get("AssociationType", ""),
            created_after=given.get("CreatedAfter"),
            created_before=given.get("CreatedBefore"),
            order=EdgeOrder(given.get("SortBy") or EdgeOrder.CREATED),
            descending=given.get("SortOrder") != "Ascending",
            limit=page_size_of(call),
            after=read_token(mark, given.get("NextToken")),
        )
        found, token = kept.associations(selection)
        summaries = [documents.association_summary(one) for one in found]
        return Listing(Selection(), mark).answer("AssociationSummaries", summaries, token)

    def query(call: Call) -> dict[str, Any]:
        kept.catch_up()
        given, mark = call.parameters, listing_mark(call)
        question = _question(call, read_token(mark, given.get("NextToken")))
        found = kept.ask(question)
        edges = [
            {
                "SourceArn": edge.source,
                "DestinationArn": edge.destination,
                **({"AssociationType": edge.type} if edge.type else {}),
            }
            for edge in found.edges
        ]
        return {
            "Vertices": [documents.vertex(entity) for entity in found.entities],
            "Edges": edges,
            **({"NextToken": wrap_token(mark, found.next_token)} if found.next_token else {}),
        }

    return {
        "AddAssociation": add,
        "DeleteAssociation": lambda call: ends(kept.disconnect, call),
        "ListAssociations": list_,
        "QueryLineage": query,
    }


def _question(call: Call, after: str | None) -> Question:
    given = call.parameters
    start = given.get("StartArns") or ()
    if not start:
        raise ApiError(VALIDATION, "StartArns must name the entity to start from.")
    filters = given.get("Filters") or {}
    limit = given.get("MaxResults")
    depth = given.get("MaxDepth")
    return Question(
        start=start,
        direction=Direction(given.get("Direction") or Direction.BOTH),
        filters=Filters(
            types=frozenset(filters.get("Types") or ()),
            kinds=frozenset(filters.get("LineageTypes") or ()),
            created_after=filters.get("CreatedAfter"),
            created_before=filters.get("CreatedBefore"),
            modified_after=filters.get("ModifiedAfter"),
            modified_before=filters.get("ModifiedBefore"),
            properties=filters.get("Properties") or {},
        ),
        include_edges=bool(given.get("IncludeEdges")),
        depth=_bounded(DEEPEST if depth is None else depth, DEEPEST),
        limit=PAGE_SIZE if limit is None else _bounded(limit, _LARGEST_ANSWER),
        after=after,
    )


def _bounded(value: int, most: int) -> int:
    if not 1 <= value <= most:
        raise ApiError(VALIDATION, f"{value} is not between 1 and {most}.")
    return value


def _groups(platform: Platform) -> dict[str, Handler]:
    arn = platform.settings.arns.sagemaker("lineage-group", LINEAGE_GROUP)

    def described() -> dict[str, Any]:
        moment = as_text(platform.lineage.born_at())
        return {
            "LineageGroupArn": arn,
            "LineageGroupName": LINEAGE_GROUP,
            "DisplayName": LINEAGE_GROUP,
            "CreationTime": moment,
            "LastModifiedTime": moment,
        }

    def checked(call: Call) -> None:
        named = str(call.parameters["LineageGroupName"])
        if named not in (LINEAGE_GROUP, arn):
            raise NotFoundError(
                f"The lineage group {named!r} does not exist.", mend=f"There is one: {LINEAGE_GROUP}."
            )

    def describe(call: Call) -> dict[str, Any]:
        checked(call)
        return {**described(), "CreatedBy": {}, "LastModifiedBy": {}}

    def list_(call: Call) -> dict[str, Any]:
        after, before = call.parameters.get("CreatedAfter"), call.parameters.get("CreatedBefore")
        born = platform.lineage.born_at()
        is_asked_for = (after is None or born > after) and (before is None or born < before)
        return {"LineageGroupSummaries": [described()] if is_asked_for else []}

    def policy(call: Call) -> dict[str, Any]:
        checked(call)
        raise NotFoundError(f"The lineage group {LINEAGE_GROUP} has no resource policy.")

    return {
        "DescribeLineageGroup": describe,
        "ListLineageGroups": list_,
        "GetLineageGroupPolicy": policy,
    }
