"""A package index on this machine, as pip asks one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support.wheels import write_wheel


class Index:
    """Wheels in a folder, served.

    Args:
        folder: Holds a folder for each distribution.
        url: Of the index.
        asked: Paths that were asked for.
    """

    def __init__(self, folder: Path, url: str, asked: list[str]) -> None:
        self.folder = folder
        self.url = url
        self.asked = asked

    def add(self, name: str, version: str) -> None:
        """Offer a distribution of one module with a ``version``."""
        place = self.folder / name.replace("_", "-")
        place.mkdir(exist_ok=True)
        write_wheel(place, name, version)

    @property
    def downloads(self) -> list[str]:
        """The wheels that were downloaded."""
        return [path.rpartition("/")[2] for path in self.asked if path.endswith(".whl")]


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, asked: list[str], directory: str) -> None:
        self._asked = asked
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        del format, arguments
        self._asked.append(self.path)


@contextmanager
def package_index(folder: Path) -> Iterator[Index]:
    """Serve an index from a folder."""
    asked: list[str] = []
    handler = partial(_Handler, asked=asked, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Index(folder, f"http://127.0.0.1:{server.server_port}/", asked)
        finally:
            server.shutdown()
            thread.join()
