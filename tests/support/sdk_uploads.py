"""A home with what the SDKs upload when they compile a pipeline, in which their documents run."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepmill.cli.steps import execution_document
from stepmill.platform import Platform, StartOptions, load_settings
from stepmill.storage.objects.uri import S3Uri
from support.engines import LIMIT
from support.wheels import write_wheel

BUCKET = "sagemaker-us-west-2-123456789012"


def points() -> str:
    """Return a table of points that lie near a line."""
    rows = (f"{x},{2 * x + 1 + 0.1 * (-1) ** x}" for x in range(60))
    return "x,y\n" + "".join(f"{row}\n" for row in rows)


class Uploads:
    """Puts files where the SDKs put them.

    Args:
        folder: Of the project; its home is in it.
    """

    def __init__(self, folder: Path) -> None:
        self.platform = Platform(load_settings(folder, {}), remark=lambda _: None)
        self.platform.objects.create_bucket(BUCKET, exist_ok=True)
        self._wheel = write_wheel(folder, "stepmill_extra", "1.5")

    def put(self, key: str, data: str | bytes | Path) -> None:
        """Put an object: a text, bytes, or a file's."""
        held = data.read_bytes() if isinstance(data, Path) else data
        text = held.encode() if isinstance(held, str) else held
        self.platform.objects.put_bytes(S3Uri(BUCKET, key), text)

    def put_folder(self, key: str, folder: Path) -> None:
        """Put the files of a folder one by one, as SDK 3 does; the wheel with its requirements."""
        for name, path in self._files(folder).items():
            self.put(f"{key}/{name}", path)

    def put_archive(self, key: str, folder: Path, *, when: int) -> None:
        """Put a folder as an archive that was packed at some time, as SDK 2 does; a wheel as well."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, path in self._files(folder).items():
                member = tarfile.TarInfo(name)
                member.size, member.mtime = path.stat().st_size, when
                with path.open("rb") as file:
                    archive.addfile(member, file)
        self.put(key, packed.getvalue())

    def _files(self, folder: Path) -> dict[str, Path]:
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        if "requirements.txt" in files:
            files[self._wheel.name] = self._wheel
        return files

    def run(self, pipeline: str, definition: str, parameters: Mapping[str, object] | None = None) -> Any:
        """Run a document to its end; return all that ``show --json`` tells."""
        version = self.platform.deploy(pipeline, definition)
        execution = self.platform.start(version, StartOptions(parameters or {}))
        self.platform.engine.wait(execution, LIMIT)
        return execution_document(self.platform, execution)

    def log(self, execution: Any, step: str) -> str:
        """Return what a step's job wrote."""
        (job,) = [job for job in execution["jobs"] if job["step"] == step]
        return (Path(job["folder"]) / "log").read_text()
