"""Image classification by residual networks: training and answers.

Source: developer guide, "Image Classification - MXNet" and "Image Classification Hyperparameters".
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .errors import (
    CustomerError,
    EmptyRequestError,
    NotAcceptableError,
    RequestError,
    UnsupportedContentError,
)
from .first_party import SEED, Settings
from .image_data import RECORDS, Example, Preparation, Shape, examples, open_image, to_array
from .image_network import residual_network
from .inference import mark_model
from .job import TRAIN, VALIDATION, Job, require_one_host
from .media import JSON, JSON_LINES, media_type
from .payloads import write_json_lines

NAME = "image-classification"
_WEIGHTS, _DESCRIPTION = "image-classification.pt", "model-shapes.json"
_IMAGES = ("application/x-image", "image/png", "image/jpeg")

_log = logging.getLogger(__name__)


def train(job: Job) -> None:
    """Train, and leave the model.

    Raises:
        CustomerError: If the data cannot be taken.
    """
    require_one_host(job)
    torch.manual_seed(SEED)
    _Training(job).run()


class _Training:
    def __init__(self, job: Job) -> None:
        self.job, self.settings = job, Settings(job.hyperparameters)
        settings = self.settings
        self.shape = Shape.parse(settings.text("image_shape", "3,224,224"))
        self.classes = settings.integer("num_classes", 2)
        self.several = settings.text("multi_label") == "1"
        resize = settings.integer("resize", 0)
        if not resize and media_type(job.content_type(TRAIN, RECORDS))[0] != RECORDS:
            raise CustomerError("resize is required when using image content types.")
        if settings.text("precision_dtype") == "float16":
            _log.info("precision_dtype is float32 here.")
        self.chance = np.random.default_rng(SEED)
        self.train_set, self.held = examples(job, TRAIN), examples(job, VALIDATION)
        self.train_targets, self.held_targets = self._targets(self.train_set), self._targets(self.held)
        asked = settings.integer("num_training_samples", len(self.train_set))
        if asked != len(self.train_set):
            _log.warning("num_training_samples is %d, there are %d images.", asked, len(self.train_set))
        self.augmented = Preparation(self.shape, resize, settings.text("augmentation_type"), self.chance)
        self.plain = Preparation(self.shape, resize, "", self.chance)
        self.layers = settings.integer("num_layers", 152)
        self.network = residual_network(self.layers, self.shape.channels, self.classes)
        self.optimizer = _optimizer(settings, self.network)
        steps = settings.text("lr_scheduler_step")
        self.scheduler = torch.optim.lr_scheduler.MultiStepLR(
            self.optimizer,
            [int(step) for step in steps.split(",")] if steps else [],
            settings.number("lr_scheduler_factor", 0.1),
        )
        self.loss = self._loss()

    def _targets(self, found: list[Example]) -> Any:
        if self.several:
            rows = np.zeros((len(found), self.classes), np.float32)
            for row, example in zip(rows, found, strict=True):
                if len(example.labels) != self.classes:
                    raise CustomerError(
                        f"{example.name} has {len(example.labels)} labels, not one for each of num_classes."
                    )
                row[:] = example.labels
            return torch.from_numpy(rows)
        for example in found:
            label = example.labels[0]
            if len(example.labels) > 1 or label not in range(self.classes):
                raise CustomerError(f"The label of {example.name} is not one of 0 to {self.classes - 1}.")
        return torch.tensor([int(example.labels[0]) for example in found])

    def _loss(self) -> Any:
        if not self.several:
            return nn.CrossEntropyLoss()
        if self.settings.text("use_weighted_loss") != "1":
            return nn.BCEWithLogitsLoss()
        there = self.train_targets.sum(dim=0).clamp(min=1)
        return nn.BCEWithLogitsLoss(pos_weight=(len(self.train_targets) - there).clamp(min=1) / there)

    def run(self) -> None:
        settings = self.settings
        best, since = -1.0, 0
        often = settings.integer("checkpoint_frequency", 0)
        for epoch in range(settings.integer("epochs", 30)):
            begun = time.monotonic()
            self._tell(epoch, "Train", self._epoch())
            _log.info("Epoch[%d] Time cost=%.3f", epoch, time.monotonic() - begun)
            accuracy = self._tell(epoch, "Validation", self._evaluate())
            self.scheduler.step()
            if often and (epoch + 1) % often == 0:
                self._save(f"image-classification-{epoch + 1:04}.pt")
            gained = accuracy - best > settings.number("early_stopping_tolerance", 0.0) * abs(best)
            if accuracy > best or epoch == 0:
                best = accuracy
                self._save(_WEIGHTS)
            since = 0 if gained else since + 1
            if self._is_over(epoch, since):
                _log.info("Early stop condition met. Stopping training.")
                break

    def _is_over(self, epoch: int, since: int) -> bool:
        settings = self.settings
        if not settings.flag("early_stopping", default=False):
            return False
        done = epoch + 1 >= settings.integer("early_stopping_min_epochs", 10)
        return done and since >= settings.integer("early_stopping_patience", 5)

    def _batches(self, prepared: Preparation, found: list[Example], order: Any) -> Iterator[tuple[Any, Any]]:
        size = self.settings.integer("mini_batch_size", 32)
        for start in range(0, len(order), size):
            places = order[start : start + size]
            rows = np.stack([prepared.array(found[place]) for place in places])
            yield torch.from_numpy(rows), places

    def _epoch(self) -> tuple[Any, Any]:
        self.network.train()
        order = self.chance.permutation(len(self.train_set))
        scores, targets = [], []
        for rows, places in self._batches(self.augmented, self.train_set, order):
            target = self.train_targets[places]
            # One image alone has no spread to normalise by.
            if len(places) > 1 or len(order) == 1:
                self.network.train(len(places) > 1)
                self.optimizer.zero_grad()
                found = self.network(rows)
                self.loss(found, target).backward()
                self.optimizer.step()
                scores.append(found.detach())
                targets.append(target)
        return torch.cat(scores), torch.cat(targets)

    def _evaluate(self) -> tuple[Any, Any]:
        self.network.eval()
        with torch.no_grad():
            order = np.arange(len(self.held))
            scores = [self.network(rows) for rows, _ in self._batches(self.plain, self.held, order)]
        return torch.cat(scores), self.held_targets

    def _tell(self, epoch: int, name: str, found: tuple[Any, Any]) -> float:
        scores, targets = found
        if self.several:
            accuracy = float(((scores > 0) == (targets > 0.5)).float().mean())
        else:
            accuracy = float((scores.argmax(dim=1) == targets).float().mean())
            if top := self.settings.integer("top_k", 0):
                best = scores.topk(min(top, self.classes), dim=1).indices
                share = float((best == targets[:, None]).any(dim=1).float().mean())
                _log.info("Epoch[%d] %s-top_k_accuracy_%d=%f", epoch, name, top, share)
        _log.info("Epoch[%d] %s-accuracy=%f", epoch, name, accuracy)
        return accuracy

    def _save(self, name: str) -> None:
        torch.save(self.network.state_dict(), self.job.model / name)
        description = {
            "num_layers": self.layers,
            "image_shape": [self.shape.channels, self.shape.height, self.shape.width],
            "num_classes": self.classes,
            "multi_label": self.several,
        }
        (self.job.model / _DESCRIPTION).write_text(json.dumps(description))
        mark_model(self.job.model, NAME)


def _optimizer(settings: Settings, network: Any) -> Any:
    rate, epsilon = settings.number("learning_rate", 0.1), settings.number("eps", 1e-8)
    name = settings.text("optimizer", "sgd")
    if name == "adam":
        betas = (settings.number("beta_1", 0.9), settings.number("beta_2", 0.999))
        return torch.optim.Adam(network.parameters(), rate, betas, epsilon)
    if name == "rmsprop":
        return torch.optim.RMSprop(network.parameters(), rate, settings.number("gamma", 0.9), epsilon)
    momentum = settings.number("momentum", 0.9)
    return torch.optim.SGD(
        network.parameters(),
        rate,
        momentum,
        weight_decay=settings.number("weight_decay", 1e-4),
        nesterov=name == "nag" and momentum > 0,
    )


@dataclass(frozen=True)
class Model:
    """What was loaded.

    Args:
        network: Tells a score per class.
        shape: What it takes.
        several: Whether an image may be of several classes.
    """

    network: Any
    shape: Shape
    several: bool


def load(folder: Path) -> Model:
    """Load the model in a folder.

    Raises:
        RuntimeError: If there is none, or it cannot be loaded.
    """
    try:
        told = json.loads((folder / _DESCRIPTION).read_text())
        shape = Shape(*told["image_shape"])
        network = residual_network(told["num_layers"], shape.channels, told["num_classes"])
        network.load_state_dict(torch.load(folder / _WEIGHTS, weights_only=True, map_location="cpu"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f"The model cannot be loaded: {error}") from error
    return Model(network.eval(), shape, bool(told["multi_label"]))


def respond(model: Model, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """Answer with the chance of each class. See ``inference.transform_fn`` for what it raises."""
    if not body:
        raise EmptyRequestError("The request is empty.")
    if media_type(content_type)[0] not in _IMAGES:
        raise UnsupportedContentError(f"Content-type {content_type[:200]} not supported.")
    try:
        image = open_image(body, model.shape.channels)
    except ValueError as error:
        raise RequestError(f"unable to evaluate payload provided: {error}") from error
    with torch.no_grad():
        rows = torch.from_numpy(to_array(image.resize((model.shape.width, model.shape.height))))[None]
        scores = model.network(rows)[0]
        chances = (torch.sigmoid(scores) if model.several else torch.softmax(scores, dim=0)).tolist()
    kind, _ = media_type(accept)
    if kind in JSON_LINES:
        return write_json_lines([{"prediction": chances}])
    if kind in ("", "*/*", *JSON):
        return json.dumps(chances).encode(), JSON[0]
    raise NotAcceptableError(f"Accept type {accept[:200]} is not supported.")
