"""Which source a request means."""

from __future__ import annotations

import csv
import gzip
import io
from typing import BinaryIO, cast

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, read_json
from stepmill.jobs.items import request as asked
from stepmill.jobs.items.documents import JsonDocument, resolve
from stepmill.jobs.items.lines import DelimitedRecords, JsonLines, Opener
from stepmill.jobs.items.listings import Chained, ListedObjects, numbered
from stepmill.jobs.items.request import ReadRequest
from stepmill.jobs.items.source import ItemReaderError, ItemSource
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

# A manifest names files; a greater one is none.
_LARGEST_MANIFEST = 64 * 1024 * 1024
_ARN = "arn:aws:s3:::"


def open_source(request: ReadRequest, objects: ObjectStore) -> ItemSource:
    """Return the source of the items that are asked for.

    Raises:
        ItemReaderError: If there is none.
        NotFoundError: If a bucket or an object is not there.
    """
    if request.lists:
        listed = ListedObjects(objects, request.bucket, request.prefix, request.start_after)
        if not request.flattens:
            return listed
        return Chained(listed.uris, lambda uri: _of_object(request, uri, objects))
    uri = S3Uri(request.bucket, request.key)
    if request.manifest == asked.INVENTORY:
        return _of_inventory(uri, objects)
    if request.manifest == asked.ATHENA:
        return Chained(numbered(_athena_files(uri, objects)), lambda each: _of_object(request, each, objects))
    return _of_object(request, uri, objects)


def _of_object(request: ReadRequest, uri: S3Uri, objects: ObjectStore) -> ItemSource:
    opener = _opener(uri, objects)
    match request.input_type:
        case asked.CSV:
            return DelimitedRecords(opener, request.headers, request.delimiter)
        case asked.JSONL:
            return JsonLines(opener)
        case asked.JSON:
            return JsonDocument(opener, request.pointer)
    raise ItemReaderError(
        f"InputType '{request.input_type[:80]}' is not offered. Use CSV, JSON, JSONL or MANIFEST."
    )


def _opener(uri: S3Uri, objects: ObjectStore) -> Opener:
    # Found now, so that what is missing is told before anything is read.
    path = objects.path(uri)

    def open_() -> BinaryIO:
        if uri.key.endswith(".gz"):
            return cast("BinaryIO", gzip.open(path))
        return path.open("rb")

    return open_


def _of_inventory(uri: S3Uri, objects: ObjectStore) -> ItemSource:
    """Return the objects that an S3 inventory lists, with the columns of its schema."""
    manifest = _manifest(uri, objects)
    schema = str(resolve(manifest, "/fileSchema"))
    if str(resolve(manifest, "/fileFormat")) != "CSV":
        raise ItemReaderError("Only inventories in CSV can be read.")
    bucket = str(resolve(manifest, "/destinationBucket")).removeprefix(_ARN)
    files = resolve(manifest, "/files")
    keys = [str(resolve(file, "/key")) for file in files] if isinstance(files, list) else []
    headers = [column.strip() for column in schema.split(",")]
    return Chained(
        numbered([S3Uri(bucket, key) for key in keys]),
        lambda each: DelimitedRecords(_opener(each, objects), headers),
    )


def _athena_files(uri: S3Uri, objects: ObjectStore) -> list[S3Uri]:
    """Return the files that a manifest of a query's results lists: an address a line."""
    text = _small(uri, objects).decode("utf-8", errors="replace")
    rows = (row for row in csv.reader(io.StringIO(text)) if row)
    try:
        return [S3Uri.parse(row[0].strip()) for row in rows]
    except InvalidInputError as error:
        raise ItemReaderError(f"The manifest names something that is no object: {error.what}") from error


def _manifest(uri: S3Uri, objects: ObjectStore) -> Json:
    try:
        return read_json(_small(uri, objects))
    except InvalidInputError as error:
        raise ItemReaderError(f"The manifest is not JSON: {error.what}") from error


def _small(uri: S3Uri, objects: ObjectStore) -> bytes:
    try:
        return objects.read_bytes(uri, limit_bytes=_LARGEST_MANIFEST)
    except InvalidInputError as error:
        raise ItemReaderError(error.what) from error
