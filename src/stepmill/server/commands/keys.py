"""``stepmill keys``: make, show and revoke the keys that requests are signed with."""

from __future__ import annotations

from typing import Annotated

import typer

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output, moment, table

app = typer.Typer(no_args_is_help=True, help="Keys that requests to the server are signed with.")


def register(root: typer.Typer) -> None:
    """Add the commands to the app."""
    root.add_typer(app, name="keys")


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is called.")],
    as_json: AsJson = False,
) -> None:
    """Make a key, and show its secret. `stepmill env --key NAME` gives it again."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        key = platform.keys.create(name)
    rows = [["name", key.name], ["access key id", key.id], ["secret access key", key.secret]]
    output.answer({"name": key.name, "id": key.id, "secret": key.secret}, table(["", ""], rows))


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all keys, without their secrets."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        keys = platform.keys.list()
    if not keys and not as_json:
        output.line("No keys yet. The first start of a server makes the key `default`.")
        return
    rows = [
        [k.name, k.id, moment(k.created_at), moment(k.expires_at) if k.expires_at else "never"] for k in keys
    ]
    document = [
        {"name": k.name, "id": k.id, "created_at": k.created_at, "expires_at": k.expires_at} for k in keys
    ]
    output.answer(document, table(["NAME", "ACCESS KEY ID", "CREATED", "EXPIRES"], rows))


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="NAME", help="Name of a key, or its id.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a key: from then on, nothing that it signs is taken."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        gone = platform.keys.revoke(key)
    output.answer({"name": gone.name, "id": gone.id}, f"Revoked {gone.name} ({gone.id}).")
