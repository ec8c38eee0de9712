"""Which operation of a REST service a request asks for: by method, path, query and headers.

Several operations may share a path: S3 tells them apart by a literal in the query (``?uploads``), or by
what one of them requires (``UploadPart`` is ``PutObject`` with ``partNumber`` and ``uploadId``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.wire import Request
from stepmill.core.service_documents import RawOperation, ServiceDocument

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")
# More is no request of any client; S3's longest have some twenty.
_MOST_PARAMETERS = 1_000

# Operations that share everything with one that is asked for here, and are told apart by the host alone.
_OF_OTHER_HOSTS = frozenset({"ListDirectoryBuckets"})


@dataclass(frozen=True, slots=True)
class Route:
    """Where an operation is asked for.

    Args:
        operation: Its name.
        path: Matches the path; a group for each label, in the order of ``labels``.
        labels: Names in the path.
        query: Literals in the query; an empty value matches any.
        parameters: Query parameters that the operation requires.
        headers: Headers that it requires, in lower case.
        deprecated: Whether it gives way to another one that is asked for in the same way.
    """

    operation: str
    path: re.Pattern[str]
    labels: tuple[str, ...]
    query: Mapping[str, str]
    parameters: tuple[str, ...]
    headers: tuple[str, ...]
    deprecated: bool = False

    def takes(self, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> bool:
        """Return whether the request has all that the operation is recognised by."""
        return (
            all(name in query and (not value or value in query[name]) for name, value in self.query.items())
            and all(name in query for name in self.parameters)
            and all(name in headers for name in self.headers)
        )

    def values(self, path: str) -> dict[str, str]:
        """Return the labels of a path, decoded.

        Raises:
            Unreadable: If it is another path, or what is percent-encoded is not UTF-8.
        """
        matched = self.path.match(path)
        if not matched:
            raise Unreadable("The path is not that of the operation")
        try:
            texts = [unquote(text, errors="strict") for text in matched.groups()]
        except UnicodeDecodeError as error:
            raise Unreadable("The path is not UTF-8") from error
        return dict(zip(self.labels, texts, strict=True))


def read_query(query: str) -> dict[str, list[str]]:
    """Return the parameters of a query or a form, decoded, with all their values.

    Raises:
        Unreadable: If it is not UTF-8, or there are too many.
    """
    if not query:
        return {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise Unreadable("The query has too many parameters, or is not UTF-8") from error
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def route(document: ServiceDocument, name: str, operation: RawOperation) -> Route:
    """Return the route of an operation."""
    path, _, query = operation.http.request_uri.partition("?")
    parameters, headers = [], []
    if operation.input:
        shape = document.shape(operation.input.shape)
        for member in shape.required:
            reference = shape.members[member]
            if reference.location == "querystring":
                parameters.append(reference.location_name or member)
            elif reference.location == "header":
                headers.append((reference.location_name or member).lower())
    return Route(
        operation=name,
        path=_pattern(path),
        labels=tuple(label for label, _ in _LABEL.findall(path)),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        parameters=tuple(parameters),
        headers=tuple(headers),
        deprecated=operation.deprecated,
    )


def _pattern(path: str) -> re.Pattern[str]:
    parts = []
    position = 0
    for label in _LABEL.finditer(path):
        parts.append(re.escape(path[position : label.start()]))
        parts.append("(.+)" if label[2] else "([^/]+)")
        position = label.end()
    parts.append(re.escape(path[position:].rstrip("/")))
    # A slash at the end means nothing, except within a key.
    return re.compile("".join(parts) + ("" if path.endswith("+}") else "/?") + r"\Z", re.DOTALL)


class Routes:
    """The routes of a service."""

    def __init__(self, document: ServiceDocument) -> None:
        self._routes: dict[str, Route] = {}
        self._by_method: dict[str, list[tuple[re.Pattern[str], list[Route]]]] = {}
        grouped: dict[tuple[str, str], list[Route]] = {}
        for name, operation in document.operations.items():
            made = self._routes[name] = route(document, name, operation)
            if name not in _OF_OTHER_HOSTS:
                grouped.setdefault((operation.http.method, made.path.pattern), []).append(made)
        # Paths without labels first: `/functions/list` is not a function's name. Then what asks for more.
        for (method, _), routes in sorted(grouped.items(), key=lambda item: _openness(item[0][1])):
            routes.sort(key=_demands, reverse=True)
            self._by_method.setdefault(method, []).append((routes[0].path, routes))

    def of(self, operation: str) -> Route:
        """Return the route of an operation by name."""
        return self._routes[operation]

    def find(self, request: Request) -> str | None:
        """Return the operation that a request asks for, if there is one.

        Raises:
            Unreadable: If the query cannot be read.
        """
        query: dict[str, list[str]] | None = None
        for path, routes in self._by_method.get(request.method, ()):
            if path.match(request.path):
                query = read_query(request.query) if query is None else query
                for candidate in routes:
                    if candidate.takes(query, request.headers):
                        return candidate.operation
        return None


def _openness(pattern: str) -> tuple[int, int]:
    return pattern.count("("), -len(pattern)


def _demands(candidate: Route) -> tuple[int, int, bool]:
    required = len(candidate.parameters) + len(candidate.headers)
    return len(candidate.query), required, not candidate.deprecated
