"""Runs the training program of a built-in algorithm in a folder, as its job would."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from stepmill.algorithms.checking import check_job
from stepmill.algorithms.programs import inference, train
from stepmill.algorithms.programs.hosts import Hosts, meet
from stepmill.algorithms.programs.job import Job
from stepmill.algorithms.registry import algorithm_of

T = TypeVar("T")


@dataclass(frozen=True)
class Trained:
    """What a job has left."""

    base: Path
    code: int
    log: str

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def failure(self) -> str:
        path = self.base / "output" / "failure"
        return path.read_text() if path.exists() else ""

    def answer(self, body: bytes, content_type: str = "text/csv", accept: str = "application/json") -> bytes:
        return inference.transform_fn(inference.model_fn(str(self.model)), body, content_type, accept)[0]

    def predictions(self, body: bytes, content_type: str = "text/csv") -> list[dict[str, float]]:
        found: list[dict[str, float]] = json.loads(self.answer(body, content_type))["predictions"]
        return found


@dataclass
class Trainer:
    """Trains in a folder of its own."""

    base: Path
    output: pytest.CaptureFixture[str]
    hosts: list[str] = field(default_factory=list)

    def together(
        self,
        name: str,
        hyperparameters: Mapping[str, object],
        shares: Sequence[Mapping[str, bytes]],
        content_type: str = "text/csv",
        checkpoints: bool = False,
        channels: Sequence[str] = (),
    ) -> list[Trained]:
        """Train on several hosts, each a thread with an address of its own.

        ``shares``: the data of each; ``channels``: of all, if some hosts have none of their files.
        """
        # A second job of the same hosts finds the checkpoints of the first.
        self.hosts = self.hosts or loopback_addresses(len(shares))
        hosts = self.hosts
        bases = [self.base.parent / host for host in hosts]
        for base, host, data in zip(bases, hosts, shares, strict=True):
            given: dict[str, bytes | Mapping[str, bytes]] = {channel: {} for channel in channels}
            given.update(data)
            Trainer(base, self.output).lay_out(name, hyperparameters, given, content_type, checkpoints)
            resources = {"current_host": host, "hosts": hosts}
            (base / "input" / "config" / "resourceconfig.json").write_text(json.dumps(resources))
        self.output.readouterr()
        with ThreadPoolExecutor(len(hosts)) as pool:
            codes = list(pool.map(partial(train.run, name), bases))
        log = self.output.readouterr().out
        return [Trained(base, code, log) for base, code in zip(bases, codes, strict=True)]

    def __call__(
        self,
        name: str,
        hyperparameters: Mapping[str, object],
        data: Mapping[str, bytes | Mapping[str, bytes]],
        content_type: str = "text/csv",
        checkpoints: bool = False,
    ) -> Trained:
        """Train; ``data``: channel -> content of its file, or of its files by name."""
        self.lay_out(name, hyperparameters, data, content_type, checkpoints)
        self.output.readouterr()
        code = train.run(name, self.base)
        return Trained(self.base, code, self.output.readouterr().out)

    def lay_out(
        self,
        name: str,
        hyperparameters: Mapping[str, object],
        data: Mapping[str, bytes | Mapping[str, bytes]],
        content_type: str,
        checkpoints: bool,
    ) -> None:
        given = {key: str(value) for key, value in hyperparameters.items()}
        channels = {channel: {"ContentType": content_type} for channel in data}
        algorithm = algorithm_of(name)
        assert algorithm is not None
        assert check_job(algorithm, given, channels) == ()
        for folder in ("input/config", "model", "output/data"):
            (self.base / folder).mkdir(parents=True, exist_ok=True)
        for channel, files in data.items():
            for file, content in (files if isinstance(files, Mapping) else {"data": files}).items():
                path = self.base / "input" / "data" / channel / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        config = self.base / "input" / "config"
        (config / "hyperparameters.json").write_text(json.dumps(given))
        (config / "inputdataconfig.json").write_text(json.dumps(channels))
        if checkpoints:
            place = {"LocalPath": str(self.base / "checkpoints")}
            (config / "checkpointconfig.json").write_text(json.dumps(place))


def loopback_addresses(count: int) -> list[str]:
    """Return addresses of one network of the loopback that hardly anyone else uses now."""
    if sys.platform != "linux":
        pytest.skip("only Linux has more than one address of the loopback")
    network = f"127.{random.randrange(16, 255)}.{random.randrange(256)}"
    return [f"{network}.{number + 1}" for number in range(count)]


def csv_of(*columns: object) -> bytes:
    """Return columns as CSV."""
    import numpy as np

    table = np.column_stack([np.asarray(column) for column in columns])
    return "".join(",".join(repr(float(cell)) for cell in row) + "\n" for row in table).encode()


def jobs_of(count: int) -> list[Job]:
    """Return a job as each of its hosts sees it."""
    names = tuple(loopback_addresses(count))
    return [Job(Path("/nowhere"), {"k": "1"}, {}, name, names) for name in names]


def on_each(jobs: list[Job], ask: Callable[[Hosts], T]) -> list[T]:
    """Let all hosts of a job meet and ask; return what each got."""

    def run(job: Job) -> T:
        with meet(job) as hosts:
            return ask(hosts)

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))
