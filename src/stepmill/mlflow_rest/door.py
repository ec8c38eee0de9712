"""The door for MLflow's clients: which calls are its own, who answers them, and how errors are told."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from stepmill.core.clock import SystemClock
from stepmill.core.errors import StepmillError
from stepmill.core.http import Request, Response
from stepmill.core.json import write_json
from stepmill.mlflow_rest.access import Credentials, Keys
from stepmill.mlflow_rest.artifacts import ArtifactCalls, decoded
from stepmill.mlflow_rest.asking import Answer, Asked, Route
from stepmill.mlflow_rest.bounds import Bounds
from stepmill.mlflow_rest.errors import FORBIDDEN, INTERNAL, INVALID, MlflowError, error_response, told
from stepmill.mlflow_rest.experiments import ExperimentCalls
from stepmill.mlflow_rest.fields import Fields, fields_of
from stepmill.mlflow_rest.job_facts import RecordedJobs
from stepmill.mlflow_rest.models import ModelCalls
from stepmill.mlflow_rest.refused import refusal_of
from stepmill.mlflow_rest.runs import RunCalls
from stepmill.platform import Platform

# The version of MLflow whose API this is like; clients ask it before they use what is newer.
VERSION = "3.0.0"
_PREFIXES = ("/api/2.0/", "/api/3.0/", "/ajax-api/2.0/", "/ajax-api/3.0/")
_FAMILIES = ("mlflow/", "mlflow-artifacts/")
_OPEN = {"/health": b"OK", "/version": VERSION.encode()}
_LONGEST_PATH = 8192
# A profile of a dataset may have 16 MB, and MLflow sends what it logs in parts otherwise.
_MOST_BYTES = 24 * 1024 * 1024
_JSON = (("Content-Type", "application/json"),)
_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
_log = logging.getLogger(__name__)


class MlflowDoor:
    """Answers MLflow's clients. See ``core.http.Door``. Safe to share between threads.

    Args:
        platform: Behind it.
        keys: Those that are taken.
    """

    def __init__(self, platform: Platform, keys: Keys) -> None:
        settings = platform.settings
        tracking = platform.tracking
        bounds = self._bounds = Bounds(settings.arns, platform.role_policies)
        self._credentials = Credentials(keys, SystemClock())
        self._routes: tuple[Route, ...] = (
            *RunCalls(tracking, bounds, RecordedJobs(platform.records)).routes(),
            *ExperimentCalls(tracking, bounds).routes(),
            *ModelCalls(tracking, bounds).routes(),
            *ArtifactCalls(tracking, platform.objects, settings.default_bucket, bounds).routes(),
            Route("GET", "mlflow/server-info", _server_info),
        )
        self._plain = {(one.method, one.path): one for one in self._routes if "{" not in one.path}

    def takes(self, head: Request) -> bool:
        """See ``Door``."""
        return bool(_below(head.path)) or (head.method in ("GET", "HEAD") and head.path in _OPEN)

    def most_bytes(self, head: Request) -> int | None:
        """See ``Door``."""
        route, _ = self._route(head.method, _below(head.path))
        return None if route is not None and route.takes_stream else _MOST_BYTES

    def answer(self, request: Request, request_id: str) -> Response:
        """See ``Door``."""
        if request.path in _OPEN:
            return Response(200, _TEXT, _OPEN[request.path])
        try:
            answer = self._answer(request)
        except StepmillError as error:
            return self.refuse(request, error, 0)
        except Exception:  # noqa: BLE001 - the client is to hear of it, whatever it is
            _log.exception("Request %s failed: a bug in Stepmill.", request_id)
            text = f"Stepmill failed inside; the server's log tells more of request {request_id}."
            return error_response(INTERNAL, text)
        if isinstance(answer, Response):
            return answer
        return Response(200, _JSON, write_json(answer).encode())

    def refuse(self, head: Request, error: StepmillError, status: int) -> Response:
        """See ``Door``."""
        if status:
            # Of the connection: too long, too slow.
            return error_response(INVALID, str(error), status=status)
        how = told(error)
        if how.code == INTERNAL:
            _log.warning("%s %s: %s", head.method, head.path, error)
        return error_response(how.code, str(error), status=how.status)

    def _answer(self, request: Request) -> Answer:
        # MLflow's clients are no pages, and say nothing of sites.
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise MlflowError(FORBIDDEN, "Pages of other sites are not answered.")
        if len(request.path) > _LONGEST_PATH:
            raise MlflowError(INVALID, "The path is too long.")
        caller = self._credentials.caller(request)
        path = _below(request.path)
        route, names = self._route(request.method, path)
        if route is None:
            raise refusal_of(request.method, path)
        fields = Fields({}) if route.takes_stream else fields_of(request)
        asked = Asked(fields, caller, {name: decoded(value) for name, value in names.items()}, request)
        if route.action:
            self._bounds.hold_denials(asked, route.action)
        return route.answer(asked)

    def _route(self, method: str, path: str) -> tuple[Route | None, Mapping[str, str]]:
        found = self._plain.get((method, path))
        if found is not None:
            return found, {}
        for route in self._routes:
            if route.method == method and "{" in route.path:
                names = _names(route.path, path)
                if names is not None:
                    return route, names
        return None, {}


def _below(path: str) -> str:
    """Return what follows the version of the API; empty if it is none of MLflow's calls."""
    for prefix in _PREFIXES:
        if path.startswith(prefix):
            below = path[len(prefix) :].rstrip("/")
            return below if below.startswith(_FAMILIES) else ""
    return ""


def _names(pattern: str, path: str) -> dict[str, str] | None:
    """Return what stands in a path for the names of a pattern; ``None``: it is another path.

    Example:
        >>> _names("a/{b}/{c*}", "a/1/2/3"), _names("a/{b}", "a/1/2")
        ({'b': '1', 'c': '2/3'}, None)
    """
    wanted, given = pattern.split("/"), path.split("/")
    names: dict[str, str] = {}
    for index, one in enumerate(wanted):
        if index >= len(given):
            return None
        if one.endswith("*}"):
            names[one[1:-2]] = "/".join(given[index:])
            return names
        if one.startswith("{"):
            names[one[1:-1]] = given[index]
        elif one != given[index]:
            return None
    return names if len(wanted) == len(given) else None


def _server_info(_asked: Asked) -> Answer:
    return {
        "workspaces_enabled": False,
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": False,
    }
