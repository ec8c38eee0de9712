"""A compute for tests: runs each job as a plain process, its places moved into its folder by links."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from stepmill.compute.spec import Ending, JobEnded, JobRunning, JobSpec, Listener


class PlainCompute:
    """Runs a job to its end within ``run``; a job whose folder has an end is reported again, not run.

    Args:
        ending: What to report in place of running anything.
    """

    def __init__(self, ending: Ending | None = None) -> None:
        self.ending = ending
        self.specs: list[JobSpec] = []
        self.started: list[str] = []

    def run(self, spec: JobSpec, listen: Listener) -> None:
        self.specs.append(spec)
        now = datetime.now(UTC)
        listen(JobRunning(spec.job_id, "none", ("not isolated",)))
        if self.ending is not None:
            listen(JobEnded(spec.job_id, self.ending, -1, now, now, "the test said so"))
            return
        record = spec.folder / "exit"
        if not record.exists():
            self.started.append(spec.job_id)
            record.write_text(str(self._start(spec)))
        listen(JobEnded(spec.job_id, Ending.EXITED, int(record.read_text()), now, now))

    def _start(self, spec: JobSpec) -> int:
        moved = {mount.target: str(mount.source) for mount in spec.mounts}

        def move(text: str) -> str:
            for target, source in moved.items():
                text = text.replace(target, source)
            return text

        command = [str(spec.python) if word == "python3" else move(word) for word in spec.command]
        environment = {name: move(value) for name, value in spec.environment.items()}
        with (spec.folder / "log").open("wb") as log:
            return subprocess.run(
                command, env={"PATH": os.environ["PATH"], **environment}, stdout=log, stderr=log, check=False
            ).returncode

    def stop(self, folder: Path) -> None:
        """Jobs have ended when anyone could ask."""

    def close(self) -> None:
        """Nothing is kept."""


def log_tail(folder: Path) -> list[str]:
    log = folder / "log"
    return log.read_text().splitlines()[-5:] if log.exists() else []
