"""Search and GetSearchSuggestions.

Source: SageMaker API reference, Search, SearchExpression, GetSearchSuggestions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sagemaker.listing import listing_mark, page_size_of, read_token, wrap_token
from stepmill.aws.services.sagemaker.search_sources import SOURCES, Source, tagged_documents
from stepmill.catalog.search_expressions import moment_of, read_expression
from stepmill.catalog.search_properties import Property, PropertyKind, property_of, view_of
from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json, JsonObject
from stepmill.core.service_models import service_model
from stepmill.platform import Platform

# Where in a sorted listing a result stands: rank of its kind of value, the value, its ARN.
_Place: TypeAlias = tuple[int, float | str, str]

_MOST_SUGGESTIONS = 100
# What suggestions are given for: what users name.
_SUGGESTED = ("HyperParameters", "Metrics", "Parameters", "Tags")


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return {
        "Search": partial(_search, platform),
        "GetSearchSuggestions": partial(_suggest, platform),
    }


def _search(platform: Platform, call: Call) -> dict[str, Any]:
    given = call.parameters
    source = _source(given["Resource"])
    shapes = service_model("sagemaker").shape

    def named(name: str) -> Property:
        return property_of(name, source.shape, shapes)

    expression = read_expression(given.get("SearchExpression") or {}, named)
    order = named(given["SortBy"]) if given.get("SortBy") else None
    found: list[tuple[_Place, JsonObject]] = []
    if given.get("CrossAccountFilterOption") != "CrossAccount":
        for document in tagged_documents(platform, source, expression.required()):
            view = view_of(document)
            if expression.holds(view):
                found.append((_place(view, order, source.key(document)), document))
    return _page(call, source, found)


def _page(call: Call, source: Source, found: list[tuple[_Place, JsonObject]]) -> dict[str, Any]:
    is_descending = call.parameters.get("SortOrder") != "Ascending"
    found.sort(key=lambda one: one[0], reverse=is_descending)
    mark = listing_mark(call)
    token = read_token(mark, call.parameters.get("NextToken"))
    left = found
    if token is not None:
        behind = _read_place(token)
        left = [one for one in found if (one[0] < behind if is_descending else one[0] > behind)]
    limit = page_size_of(call)
    page = left[:limit]
    answer: dict[str, Any] = {
        "Results": [source.result(document) for _, document in page],
        "TotalHits": {"Value": len(found), "Relation": "EqualTo"},
    }
    if len(left) > limit:
        answer["NextToken"] = wrap_token(mark, msgspec.json.encode(page[-1][0]).decode())
    return answer


def _source(resource: str) -> Source:
    if resource not in SOURCES:
        raise UnsupportedError(
            f"Stepmill does not offer Search for {resource}.",
            where="Resource",
            mend=f"Search for {', '.join(sorted(SOURCES))}.",
        )
    return SOURCES[resource]


def _place(view: JsonObject, order: Property | None, arn: str) -> _Place:
    """Return where a result stands; what has no such value comes before all that have."""
    values = order.values(view) if order else [view.get("LastModifiedTime") or view.get("CreationTime")]
    value = next((one for one in values if one is not None), None)
    if value is None or isinstance(value, Mapping):
        return (0, "", arn)
    if order is None or order.kind is PropertyKind.MOMENT:
        return (1, moment_of(value).timestamp(), arn)
    if isinstance(value, int | float):
        return (1, float(value), arn)
    return (2, str(value), arn)


def _read_place(token: str) -> _Place:
    try:
        return msgspec.json.decode(token, type=tuple[int, float | str, str])
    except msgspec.DecodeError as error:
        raise InvalidInputError(
            "Invalid NextToken: it is not of this search.",
            where="NextToken",
            mend="Give the token of the page before.",
        ) from error


def _suggest(platform: Platform, call: Call) -> dict[str, Any]:
    source = _source(call.parameters["Resource"])
    query = (call.parameters.get("SuggestionQuery") or {}).get("PropertyNameQuery") or {}
    hint = str(query.get("PropertyNameHint", "")).lower()
    names: set[str] = set()
    for document in tagged_documents(platform, source, {}):
        names.update(name for name in _named_by_users(view_of(document)) if hint in name.lower())
    suggested = sorted(names)[:_MOST_SUGGESTIONS]
    return {"PropertyNameSuggestions": [{"PropertyName": name} for name in suggested]}


def _named_by_users(view: JsonObject) -> Iterator[str]:
    for group in _SUGGESTED:
        found: Json = view.get(group)
        if isinstance(found, Mapping):
            yield from (f"{group}.{name}" for name in found)
