"""``stepmill objects``: what lies at ``s3://`` addresses."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal

from stepmill.cli.context import AsJson, Limit, open_platform
from stepmill.cli.output import Output, moment, table
from stepmill.core.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from stepmill.storage.objects.info import ObjectInfo
    from stepmill.storage.objects.store import ObjectStore
    from stepmill.storage.objects.uri import S3Uri

objects_app = typer.Typer(no_args_is_help=True, help="What lies at s3:// addresses here.")

Address = Annotated[str, typer.Argument(metavar="URI", help="s3://BUCKET/KEY.")]

# Between two looks at how many more there are, a person has lost interest.
_MOST_LISTED = 1000


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(objects_app, name="objects")


@objects_app.command("list")
def list_(
    prefix: Annotated[
        str, typer.Argument(metavar="URI", help="Only what begins so: s3://BUCKET/BEGINNING. [default: all]")
    ] = "",
    limit: Limit = _MOST_LISTED,
    as_json: AsJson = False,
) -> None:
    """List objects, in the order of their addresses."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = _some(platform.objects, prefix, limit + 1)
    shown = found[:limit]
    rows = [[str(info.uri), decimal(info.size_bytes), moment(info.modified_at)] for info in shown]
    documents = [
        {"uri": str(info.uri), "bytes": info.size_bytes, "modifiedAt": info.modified_at} for info in shown
    ]
    output.answer(documents, table(["OBJECT", "SIZE", "STORED"], rows) if rows else "No objects.")
    if len(found) > limit:
        output.remark("There are more: give a longer beginning, or --limit.")


@objects_app.command()
def get(
    uri: Address,
    path: Annotated[
        Path,
        typer.Argument(help="File or folder to copy it to; - prints it. [default: here]", show_default=False),
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    """Copy an object to a file, or all that lies below an address into a folder."""
    from stepmill.storage.objects.transfer import fetch
    from stepmill.storage.objects.uri import S3Uri

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        if str(path) == "-":
            for chunk in platform.objects.chunks(S3Uri.parse(uri)):
                sys.stdout.buffer.write(chunk)
            return
        files = fetch(platform.objects, S3Uri.parse(uri), path)
    output.answer({"files": list(map(str, files))}, _said(files))


@objects_app.command()
def put(
    path: Annotated[Path, typer.Argument(help="A file or folder.", show_default=False)],
    uri: Address,
    as_json: AsJson = False,
) -> None:
    """Copy a file, or the files of a folder, to an address. The bucket is made if need be."""
    from stepmill.storage.objects.transfer import bring
    from stepmill.storage.objects.uri import S3Uri

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        uris = bring(platform.objects, path, S3Uri.parse(uri))
    output.answer({"objects": list(map(str, uris))}, _said(uris))


@objects_app.command()
def delete(
    uri: Annotated[
        str, typer.Argument(metavar="URI", help="s3://BUCKET/KEY; with a / at its end, all that lies below.")
    ],
    as_json: AsJson = False,
) -> None:
    """Remove an object, or all below an address. `stepmill gc` then gives the disk back."""
    from stepmill.storage.objects.transfer import below
    from stepmill.storage.objects.uri import S3Uri

    output = Output(as_json=as_json)
    address = S3Uri.parse(uri)
    if not address.key and not uri.endswith("/"):
        raise InvalidInputError(
            f"{uri} is a whole bucket.", mend=f"Write {uri}/ if all that lies in it shall go."
        )
    with open_platform(output) as platform:
        objects = platform.objects
        uris = list(below(objects, address)) if uri.endswith("/") else [objects.head(address).uri]
        if not uris:
            raise NotFoundError(f"There is no object below {address}.", mend="See `stepmill objects list`.")
        objects.delete(uris)
    output.answer({"deleted": len(uris)}, f"Removed {len(uris)} {'object' if len(uris) == 1 else 'objects'}.")


def _some(objects: ObjectStore, prefix: str, limit: int) -> list[ObjectInfo]:
    from stepmill.storage.objects.uri import S3Uri

    found: list[ObjectInfo] = []
    prefixes = [S3Uri.parse(prefix)] if prefix else [S3Uri(bucket.name) for bucket in objects.buckets()]
    for each in prefixes:
        for info in objects.all(each):
            found.append(info)
            if len(found) >= limit:
                return found
    return found


def _said(places: Sequence[Path | S3Uri]) -> str:
    return f"Copied {places[0]}." if len(places) == 1 else f"Copied {len(places)} files."
