"""A model that tests of Clarify ask: a real server, in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from stepmill.jobs import toolkit

TOOLKIT = Path(toolkit.__file__).parent
# Twice the first number and whatever else is asked for by its variables.
_SERVER = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(os.environ["ASKED"], "a") as file:
            file.write(self.headers.get("X-Amzn-SageMaker-Custom-Attributes", "") + "|" + body)
        if os.environ.get("REFUSES"):
            self.answer(400, b"not so")
            return
        rows = [line.split(",") for line in body.splitlines()]
        self.answer(200, "".join(f"{eval(os.environ['SAYS'])}\\n" for row in rows).encode())

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def lay_out_server(base: Path, says: str, **variables: str) -> Path:
    """Put a model into the folder of a job as ``ShadowModels`` does; return the file of what it was asked.

    Args:
        base: What is ``/opt/ml``.
        says: Expression of ``row``, the cells of a record.
        variables: Of its environment.
    """
    folder = base / "toolkit"
    folder.mkdir(exist_ok=True)
    program, asked = folder / "server.py", folder / "asked.txt"
    program.write_text(_SERVER)
    environment = {"SAYS": says, "ASKED": str(asked), **variables}
    container: dict[str, Any] = {
        "base": ".", "command": [sys.executable, str(program)], "environment": environment,
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps({"containers": [container]}))
    return asked
