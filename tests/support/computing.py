"""Makes and runs jobs for the tests of compute."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.logs import read_log
from stepmill.compute.spec import JobEnded, JobSpec, Mount
from stepmill.testing.contracts.compute import Recorder


@dataclass
class Bench:
    """A compute with a folder for its jobs."""

    compute: LocalCompute
    folder: Path

    def spec(self, script: str, name: str = "job", **fields: Any) -> JobSpec:
        code = self.folder / "code" / name
        code.mkdir(parents=True, exist_ok=True)
        (code / "main.py").write_text(textwrap.dedent(script))
        mounts = (Mount(code, "/opt/ml/code", read_only=True), *fields.pop("mounts", ()))
        settings: dict[str, Any] = {
            "command": ("python3", "/opt/ml/code/main.py"),
            "environment": {"PYTHONUNBUFFERED": "1"},
            "python": Path(sys.executable),
            "grace": timedelta(seconds=60),
            **fields,
        }
        return JobSpec(job_id=name, folder=self.folder / "jobs" / name, mounts=mounts, **settings)

    def start(self, spec: JobSpec) -> Recorder:
        recorder = Recorder()
        self.compute.run(spec, recorder)
        return recorder

    def run(self, spec: JobSpec) -> tuple[JobEnded, str]:
        """Run a job to its end; return it with its log."""
        ended = self.start(spec).ended()
        return ended, read_log(spec.folder)
