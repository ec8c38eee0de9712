"""DeepAR's network: GluonTS's, with the likelihoods that SageMaker's algorithm has.

Source: developer guide, "DeepAR Hyperparameters"; GluonTS, ``gluonts.torch.model.deepar``.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from .deepar_records import Layout, Record

# Importing it warns that a faster reader of JSON is not there; none is needed.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from gluonts.torch.distributions import (
        BetaOutput,
        DistributionOutput,
        NegativeBinomialOutput,
        NormalOutput,
        StudentTOutput,
    )
    from gluonts.torch.model.deepar import DeepAREstimator

# AWS's model has the same first name, and MXNet's files.
_SETTINGS, _WEIGHTS = "model_algo-1.json", "model_algo-1.pt"
_FORMAT = 1
# So many paths are drawn at once: bounds the memory of a forecast.
_PATHS_AT_ONCE = 20_000
# Beta has no finite density at 0 and 1, which the guide allows.
_EDGE = 1e-6


class Point(torch.distributions.Laplace):
    """A forecast that is sure of itself."""

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Return its one value as often as asked."""
        return self.loc.expand(self._extended_shape(torch.Size(sample_shape)))


class PointOutput(DistributionOutput):
    """``deterministic-L1``: learns one value, by its absolute error; no uncertainty."""

    args_dim = {"loc": 1}

    @classmethod
    def domain_map(cls, loc: Any) -> Any:
        """Return the parameter in the shape of a distribution's."""
        return (loc.squeeze(-1),)

    def _base_distribution(self, distr_args: Any) -> Any:
        (loc,) = distr_args
        return Point(loc, torch.ones_like(loc))

    def loss(self, target: Any, distr_args: Any, loc: Any = None, scale: Any = None) -> Any:
        """Return the absolute error, in units of each time series' scale."""
        shift = 0.0 if loc is None else loc
        unit = torch.ones_like(target) if scale is None else scale
        return torch.abs((target - shift) / unit - distr_args[0])

    @property
    def event_shape(self) -> Any:
        """Return the shape of one value."""
        return ()


_OUTPUTS: dict[str, Any] = {
    "student-t": StudentTOutput,
    "gaussian": NormalOutput,
    "beta": BetaOutput,
    "negative-binomial": NegativeBinomialOutput,
    "deterministic-l1": PointOutput,
}


@dataclass(frozen=True)
class Network:
    """What makes the network, but for its weights.

    Args:
        frequency: Of the time series, as pandas calls it: ``2h``.
        horizon: Number of values to be forecast.
        context: Number of values seen before them.
        layers: Number of layers.
        cells: Number of cells of a layer.
        likelihood: In lower case.
        cardinality: Per categorical feature, how many categories there are.
        embedding: Length of the vector of each category.
        features: How many ``dynamic_feat`` there are.
        dropout: Rate.
        learning_rate: Of training.
    """

    frequency: str
    horizon: int
    context: int
    layers: int
    cells: int
    likelihood: str
    cardinality: tuple[int, ...]
    embedding: int
    features: int
    dropout: float
    learning_rate: float

    @property
    def layout(self) -> Layout:
        """What each time series has."""
        return Layout(self.cardinality, self.features, self.horizon)

    def estimator(self, **options: Any) -> Any:
        """Return GluonTS's estimator. Options are its own: how it is trained."""
        return DeepAREstimator(
            freq=self.frequency,
            prediction_length=self.horizon,
            context_length=self.context,
            num_layers=self.layers,
            hidden_size=self.cells,
            lr=self.learning_rate,
            # It stands between layers: there is none after the last.
            dropout_rate=self.dropout if self.layers > 1 else 0.0,
            num_feat_dynamic_real=self.features,
            num_feat_static_cat=len(self.cardinality),
            cardinality=list(self.cardinality) or None,
            embedding_dimension=[self.embedding] * len(self.cardinality) or None,
            distr_output=_OUTPUTS[self.likelihood](),
            # Values that lie between 0 and 1 must stay there.
            scaling=self.likelihood != "beta",
            **options,
        )

    def entry(self, record: Record) -> dict[str, Any]:
        """Return a time series as GluonTS takes it."""
        target = record.target
        if self.likelihood == "beta":
            target = np.clip(target, _EDGE, 1 - _EDGE)
        found: dict[str, Any] = {"start": pd.Period(record.start, freq=self.frequency), "target": target}
        if record.categories is not None:
            found["feat_static_cat"] = list(record.categories)
        if record.features is not None:
            found["feat_dynamic_real"] = record.features
        return found


def pandas_frequency(time_freq: str) -> str:
    """Return a ``time_freq`` as pandas calls it.

    Example:
        >>> pandas_frequency("2H"), pandas_frequency("5min")
        ('2h', '5min')
    """
    return time_freq.replace("H", "h")


def device() -> str:
    """Return where to compute: ``cuda`` where there is a GPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


class quiet(warnings.catch_warnings):  # noqa: N801 - reads as the context manager that it is
    """Keeps what GluonTS and Lightning say to developers out of a job's log."""

    def __enter__(self) -> Any:
        found = super().__enter__()
        warnings.simplefilter("ignore")
        for name in ("lightning", "lightning.pytorch", "lightning.fabric", "gluonts"):
            logging.getLogger(name).setLevel(logging.ERROR)
        return found


class Forecaster:
    """A trained network.

    Args:
        network: What it is.
        predictor: GluonTS's predictor.
    """

    def __init__(self, network: Network, predictor: Any) -> None:
        self.network = network
        self._predictor = predictor.to(device())

    def paths(self, records: Sequence[Record], count: int) -> NDArray[np.float32]:
        """Draw what may come after time series.

        Args:
            records: The time series.
            count: How many paths to draw of each.

        Returns:
            Shape (n_records, count, horizon).
        """
        self._predictor.batch_size = max(1, min(64, _PATHS_AT_ONCE // count))
        self._predictor.network.model.num_parallel_samples = count
        with quiet():
            found = self._predictor.predict([self.network.entry(record) for record in records])
            return np.stack([forecast.samples for forecast in found])

    def save(self, folder: Path) -> None:
        """Leave the model in a folder."""
        settings = {"format": _FORMAT, **asdict(self.network)}
        (folder / _SETTINGS).write_text(json.dumps(settings, indent=1) + "\n")
        torch.save(self._predictor.network.state_dict(), folder / _WEIGHTS)


def load_forecaster(folder: Path) -> Forecaster:
    """Load the model in a folder.

    Raises:
        RuntimeError: If there is none, or it cannot be loaded.
    """
    try:
        settings = json.loads((folder / _SETTINGS).read_text())
        if settings.pop("format") != _FORMAT:
            raise RuntimeError(f"{_SETTINGS} is of a format that is not known here.")
        network = Network(**{**settings, "cardinality": tuple(settings["cardinality"])})
        # Weights only: a model may come from anywhere, and a pickle can run code.
        weights = torch.load(folder / _WEIGHTS, map_location="cpu", weights_only=True)
        with quiet():
            estimator = network.estimator()
            module = estimator.create_lightning_module()
            module.load_state_dict(weights)
            predictor = estimator.create_predictor(estimator.create_transformation(), module)
    except RuntimeError:
        raise
    except Exception as error:
        raise RuntimeError(f"The model in {folder} cannot be loaded: {error}") from error
    return Forecaster(network, predictor)
