"""Runs the training program of a built-in algorithm in a folder, as its job would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from stepmill.algorithms.checking import check_job
from stepmill.algorithms.programs import inference, train
from stepmill.algorithms.registry import algorithm_of


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

    def __call__(
        self,
        name: str,
        hyperparameters: Mapping[str, object],
        data: Mapping[str, bytes | Mapping[str, bytes]],
        content_type: str = "text/csv",
        checkpoints: bool = False,
    ) -> Trained:
        """Train; ``data``: channel -> content of its file, or of its files by name."""
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
        self.output.readouterr()
        code = train.run(name, self.base)
        return Trained(self.base, code, self.output.readouterr().out)


def csv_of(*columns: object) -> bytes:
    """Return columns as CSV."""
    import numpy as np

    table = np.column_stack([np.asarray(column) for column in columns])
    return "".join(",".join(repr(float(cell)) for cell in row) + "\n" for row in table).encode()
