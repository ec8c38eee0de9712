"""Artifacts through the door: up, down, listed, deleted. They lie in the default bucket."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes, urlsplit

from stepmill.catalog.tracking.experiments import PROXIED
from stepmill.catalog.tracking.tracking import Tracking
from stepmill.core.errors import NotFoundError
from stepmill.core.http import FileRange, Response
from stepmill.core.json import Json
from stepmill.mlflow_rest.asking import Answer, Asked, Route
from stepmill.mlflow_rest.bounds import Bounds
from stepmill.mlflow_rest.errors import INVALID, NOT_OFFERED, MlflowError
from stepmill.storage.objects.attributes import Attributes
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

FOLDER = "mlflow/"
# S3 API reference: of a key, in UTF-8.
_LONGEST_KEY_BYTES = 1024
_PAGE = 1000
_DELETED_AT_ONCE = 1000
_BELOW = "mlflow-artifacts/artifacts"
_LONGEST_TYPE = 200


class ArtifactCalls:
    """Answers calls about artifacts.

    Args:
        tracking: Whose artifacts there are.
        objects: Where they are kept.
        bucket: Name of the bucket.
        bounds: Tells what jobs may do.
    """

    def __init__(self, tracking: Tracking, objects: ObjectStore, bucket: str, bounds: Bounds) -> None:
        self._tracking = tracking
        self._objects = objects
        self._bucket = bucket
        self._bounds = bounds

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what."""
        return (
            Route("PUT", f"{_BELOW}/{{path*}}", self._upload, takes_stream=True),
            Route("GET", f"{_BELOW}/{{path*}}", self._download),
            Route("DELETE", f"{_BELOW}/{{path*}}", self._delete),
            Route("GET", _BELOW, self._list),
            Route("GET", "mlflow/artifacts/list", self._list_of_run, "ListArtifacts"),
            Route(
                "GET",
                "mlflow/logged-models/{model_id}/artifacts/directories",
                self._list_of_model,
                "ListLoggedModelArtifacts",
            ),
        )

    def _upload(self, asked: Asked) -> Answer:
        path = checked_path(asked.names["path"])
        uri = self._hold(asked, "s3:PutObject", path)
        self._objects.create_bucket(self._bucket, exist_ok=True)
        given = asked.request.headers.get("content-type", "")
        content_type = (
            given if len(given) <= _LONGEST_TYPE and given.isascii() and given.isprintable() else ""
        )
        chunks = asked.request.stream if asked.request.stream is not None else [asked.request.body]
        self._objects.put_stream(uri, chunks, attributes=Attributes(content_type=content_type))
        return {}

    def _download(self, asked: Asked) -> Answer:
        path = checked_path(asked.names["path"])
        uri = self._hold(asked, "s3:GetObject", path)
        info, file = self._objects.locate(uri)
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        headers = (
            ("Content-Type", kind),
            ("Content-Length", str(info.size_bytes)),
            # What a run left is nothing for a browser to run here.
            ("Content-Disposition", "attachment"),
            ("X-Content-Type-Options", "nosniff"),
        )
        return Response(200, headers, FileRange(file, 0, info.size_bytes))

    def _delete(self, asked: Asked) -> Answer:
        path = checked_path(asked.names["path"])
        uri = self._hold(asked, "s3:DeleteObject", path)
        batch = [uri]
        for info in self._objects.all(S3Uri(self._bucket, f"{uri.key}/")):
            batch.append(info.uri)
            if len(batch) >= _DELETED_AT_ONCE:
                self._objects.delete(batch)
                batch = []
        self._objects.delete(batch)
        return {}

    def _list(self, asked: Asked) -> Answer:
        path = checked_path(asked.fields.text("path", default=""), may_be_empty=True)
        self._hold(asked, "s3:ListBucket", path)
        return {"files": [_file(name, size) for name, size in self._below(path)]}

    def _list_of_run(self, asked: Asked) -> Answer:
        run = self._tracking.runs.get(asked.run_id())
        return self._list_at(asked, run.artifact_uri, asked.fields.text("path", default=""))

    def _list_of_model(self, asked: Asked) -> Answer:
        model = self._tracking.models.get(asked.names["model_id"])
        return self._list_at(
            asked, model.artifact_uri, asked.fields.text("artifact_directory_path", default="")
        )

    def _list_at(self, asked: Asked, root: str, path: str) -> Answer:
        if not root.startswith(PROXIED):
            raise MlflowError(
                NOT_OFFERED,
                f"The artifacts lie at {root[:200]}, which this server does not look into.",
                mend="List them there; MLflow's client does so by itself.",
            )
        below = checked_path(path, may_be_empty=True)
        whole = "/".join(one for one in (urlsplit(root).path.strip("/"), below) if one)
        self._hold(asked, "s3:ListBucket", whole)
        lead = f"{below}/" if below else ""
        return {
            "root_uri": root,
            "files": [_file(f"{lead}{name}", size) for name, size in self._below(whole)],
        }

    def _below(self, path: str) -> Iterator[tuple[str, int | None]]:
        """Yield name and size of what lies in a folder; the size of a folder is none."""
        prefix = f"{FOLDER}{path}/" if path else FOLDER
        after = ""
        if not self._objects.bucket_exists(self._bucket):
            return
        while page := self._objects.list_folded(
            self._bucket, prefix, delimiter="/", after=after, limit=_PAGE
        ):
            for one in page:
                key = one if isinstance(one, str) else one.key
                name = key.removeprefix(prefix).rstrip("/")
                if name:
                    yield name, None if isinstance(one, str) else one.size_bytes
                after = key

    def _hold(self, asked: Asked, action: str, path: str) -> S3Uri:
        """Return where a path lies, if the caller may reach it."""
        uri = S3Uri(self._bucket, f"{FOLDER}{path}")
        self._bounds.hold_object(asked, action, self._bucket, uri.key, self._maker(path))
        return uri

    def _maker(self, path: str) -> Callable[[], str]:
        parts = path.split("/")

        def found() -> str:
            match parts:
                case [experiment, "models", model, "artifacts", *_]:
                    kept = self._tracking.models.get(model)
                    return kept.maker if kept.experiment_id == experiment else ""
                case [experiment, run, "artifacts", *_]:
                    known = self._tracking.runs.get(run)
                    return self._tracking.runs.maker(run) if known.experiment_id == experiment else ""
            raise NotFoundError("There is no run or logged model that artifacts could be there of.")

        return found


def checked_path(text: str, *, may_be_empty: bool = False) -> str:
    """Return a path of artifacts, without slashes at its ends.

    Raises:
        MlflowError: If it leads elsewhere, or nowhere.

    Example:
        >>> checked_path("0/ab/artifacts/model.pkl")
        '0/ab/artifacts/model.pkl'
    """
    path = text.strip("/")
    segments = path.split("/")
    is_bad = any(one in ("", ".", "..") for one in segments) or any(
        sign == "\\" or not sign.isprintable() for sign in path
    )
    if (not path and may_be_empty) or (path and not is_bad and _is_short(path)):
        return path
    raise MlflowError(INVALID, f"Invalid path: {text[:200]!r}.")


def decoded(text: str) -> str:
    """Return a part of an address without percent-encoding.

    Raises:
        MlflowError: If it is not UTF-8.
    """
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        raise MlflowError(INVALID, f"Invalid path: {text[:200]!r}.") from None


def _is_short(path: str) -> bool:
    return len(FOLDER) + len(path.encode()) <= _LONGEST_KEY_BYTES


def _file(path: str, size: int | None) -> Json:
    if size is None:
        return {"path": path, "is_dir": True}
    return {"path": path, "is_dir": False, "file_size": size}
