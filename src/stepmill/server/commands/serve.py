"""``stepmill serve``: one address for AWS's clients, with the engine behind it."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from stepmill.cli.context import open_platform
from stepmill.cli.output import Output
from stepmill.core.errors import InvalidInputError
from stepmill.server.listening import PORT, Listening, Tls


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(serve)


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = PORT,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Speak HTTPS, with this certificate chain (PEM).")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key (PEM).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow plain HTTP on an address that others can reach.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name that clients call the server by; may be repeated."),
    ] = None,
    log_requests: Annotated[
        bool, typer.Option("--log-requests", help="Write a line for each request to standard error.")
    ] = False,
    while_used: Annotated[
        bool, typer.Option("--while-used", hidden=True, help="End as soon as no `stepmill exec` runs.")
    ] = False,
) -> None:
    """Answer AWS's clients at an address of this machine.

    They are boto3, the aws command, the sagemaker SDK. Ctrl-C or SIGTERM ends it; jobs go on.

    Prints `ready` and its address as soon as it answers. Executions that nobody drives are resumed.
    """
    if (tls_cert is None) != (tls_key is None):
        raise InvalidInputError("--tls-cert and --tls-key belong together.", mend="Give both, or neither.")
    tls = Tls(tls_cert, tls_key) if tls_cert is not None and tls_key is not None else None
    listening = Listening(host, port, tls, insecure, tuple(allow_host or ()))
    listening.check()
    _log_to_standard_error(with_requests=log_requests)
    with open_platform(Output(), serves=True) as platform:
        from stepmill.server.doors import doors_of
        from stepmill.server.serving import Serving
        from stepmill.server.usage import end_when_unused

        with Serving(platform, listening) as serving:

            def say_ready() -> None:
                if while_used:
                    end_when_unused(platform.layout.usage, serving.stop)
                sys.stdout.write(f"ready {serving.url}\n")
                sys.stdout.flush()

            has_ended = serving.run(doors_of(platform), say_ready, takes_signals=True)
    if not has_ended:
        # Python would wait for those threads, however long they take. All that must be kept is.
        os._exit(0)


def _log_to_standard_error(*, with_requests: bool) -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    if with_requests:
        logging.getLogger("stepmill.requests").setLevel(logging.INFO)
