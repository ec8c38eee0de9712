"""Image classification by residual networks: training and answers.

Source: developer guide, "Image Classification - MXNet" and "Image Classification Hyperparameters".
"""

from __future__ import annotations

import json
import logging
import time
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .checkpoints import Checkpoint
from .errors import (
    CustomerError,
    EmptyRequestError,
    NotAcceptableError,
    RequestError,
    UnsupportedContentError,
)
from .first_party import SEED, Settings
from .hosts import Hosts, meet
from .image_data import RECORDS, Example, Preparation, Shape, examples, open_image, to_array
from .image_network import residual_network
from .image_together import share_gradients, share_start, share_statistics
from .inference import mark_model
from .job import TRAIN, VALIDATION, Job
from .media import JSON, JSON_LINES, media_type
from .payloads import write_json_lines

NAME = "image-classification"
_WEIGHTS, _DESCRIPTION = "image-classification.pt", "model-shapes.json"
_CHECKPOINT = "image-classification-checkpoint"
_IMAGES = ("application/x-image", "image/png", "image/jpeg")

_log = logging.getLogger(__name__)


def train(job: Job) -> None:
    """Train, and leave the model.

    Raises:
        CustomerError: If the data cannot be taken.
    """
    with meet(job) as hosts:
        torch.manual_seed(SEED)
        _Training(job, hosts).run()


class _Training:
    def __init__(self, job: Job, hosts: Hosts) -> None:
        self.job, self.hosts, self.settings = job, hosts, Settings(job.hyperparameters)
        settings = self.settings
        self.shape = Shape.parse(settings.text("image_shape", "3,224,224"))
        self.classes = settings.integer("num_classes", 2)
        self.several = settings.text("multi_label") == "1"
        resize = settings.integer("resize", 0)
        if not resize and media_type(job.content_type(TRAIN, RECORDS))[0] != RECORDS:
            raise CustomerError("resize is required when using image content types.")
        if settings.text("precision_dtype") == "float16":
            _log.info("precision_dtype is float32 here.")
        self.train_set, self.held = examples(job, TRAIN), examples(job, VALIDATION)
        self.train_targets, self.held_targets = self._targets(self.train_set), self._targets(self.held)
        asked = settings.integer("num_training_samples", len(self.train_set))
        if hosts.count == 1 and asked != len(self.train_set):
            _log.warning("num_training_samples is %d, there are %d images.", asked, len(self.train_set))
        self.resize = resize
        self.plain = Preparation(self.shape, resize, "", np.random.default_rng(SEED))
        self.layers = settings.integer("num_layers", 152)
        self.network = residual_network(self.layers, self.shape.channels, self.classes)
        share_start(self.network, hosts)
        self.optimizer = _optimizer(settings, self.network)
        steps = settings.text("lr_scheduler_step")
        self.scheduler = torch.optim.lr_scheduler.MultiStepLR(
            self.optimizer,
            [int(step) for step in steps.split(",")] if steps else [],
            settings.number("lr_scheduler_factor", 0.1),
        )
        self.loss = self._loss()
        self.checkpoint = Checkpoint(job, hosts, _CHECKPOINT)

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
        sums, count = self.hosts.total(self.train_targets.sum(dim=0).numpy(), len(self.train_targets))
        there = torch.from_numpy(sums).clamp(min=1)
        return nn.BCEWithLogitsLoss(pos_weight=(float(count) - there).clamp(min=1) / there)

    def run(self) -> None:
        settings = self.settings
        best, since, epoch = self._resume()
        often = settings.integer("checkpoint_frequency", 0)
        while epoch < settings.integer("epochs", 30) and not self._is_over(epoch, since):
            begun = time.monotonic()
            self._tell(epoch, "Train", self._epoch(epoch))
            _log.info("Epoch[%d] Time cost=%.3f", epoch, time.monotonic() - begun)
            accuracy = self._tell(epoch, "Validation", self._evaluate())
            self.scheduler.step()
            if often and (epoch + 1) % often == 0:
                self._save(f"image-classification-{epoch + 1:04}.pt", self.network.state_dict())
            gained = accuracy - best > settings.number("early_stopping_tolerance", 0.0) * abs(best)
            if accuracy > best or epoch == 0:
                best, self.kept = accuracy, deepcopy(self.network.state_dict())
                self._save(_WEIGHTS, self.kept)
            since = 0 if gained else since + 1
            epoch += 1
            self._keep(best, since, epoch)
            if self._is_over(epoch, since):
                _log.info("Early stop condition met. Stopping training.")

    def _keep(self, best: float, since: int, epoch: int) -> None:
        state = {
            "best": best,
            "since": since,
            "epoch": epoch,
            "kept": self.kept,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        self.checkpoint.save(state, lambda file, kept: torch.save(kept, file))

    def _resume(self) -> tuple[float, int, int]:
        """Return the best accuracy, for how many epochs it has not become better, and which epoch is next."""
        state = self.checkpoint.read(partial(torch.load, weights_only=True, map_location="cpu"))
        if not state:
            return -1.0, 0, 0
        self.kept = state["kept"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.last_epoch = state["epoch"]
        self._save(_WEIGHTS, self.kept)
        _log.info("Resuming from epoch %d", state["epoch"])
        return state["best"], state["since"], state["epoch"]

    def _is_over(self, epochs: int, since: int) -> bool:
        settings = self.settings
        if not settings.flag("early_stopping", default=False):
            return False
        done = epochs >= settings.integer("early_stopping_min_epochs", 10)
        return done and since >= settings.integer("early_stopping_patience", 5)

    def _prepared(self, found: list[Example], places: Any, how: Preparation) -> Any:
        return torch.from_numpy(np.stack([how.array(found[place]) for place in places]))

    def _epoch(self, epoch: int) -> tuple[Any, Any]:
        # Of its own for each epoch: a job that was interrupted goes on as if it had not been.
        chance = np.random.default_rng([SEED, epoch, self.hosts.rank])
        how = Preparation(self.shape, self.resize, self.settings.text("augmentation_type"), chance)
        order = chance.permutation(len(self.train_set))
        size, scores, targets = self.settings.integer("mini_batch_size", 32), [], []
        for start in range(0, max(self.hosts.each(len(order))), size):
            places = order[start : start + size]
            # One image alone has no spread to normalise by.
            used = len(places) > 1 or len(places) == len(order)
            self.optimizer.zero_grad()
            if used:
                self.network.train(len(places) > 1)
                found = self.network(self._prepared(self.train_set, places, how))
                self.loss(found, self.train_targets[places]).backward()
                scores.append(found.detach())
                targets.append(self.train_targets[places])
            if share_gradients(self.network, self.hosts, len(places) if used else 0):
                self.optimizer.step()
        share_statistics(self.network, self.hosts)
        return self._of_all(scores, torch.cat(targets))

    def _evaluate(self) -> tuple[Any, Any]:
        self.network.eval()
        size = self.settings.integer("mini_batch_size", 32)
        with torch.no_grad():
            parts = [range(len(self.held))[start : start + size] for start in range(0, len(self.held), size)]
            scores = [self.network(self._prepared(self.held, places, self.plain)) for places in parts]
        return self._of_all(scores, self.held_targets)

    def _of_all(self, scores: list[Any], targets: Any) -> tuple[Any, Any]:
        """Return scores and targets of the images of all hosts."""
        both = torch.cat(scores), targets
        if self.hosts.count == 1:
            return both
        found, truth = (torch.from_numpy(self.hosts.rows(part.numpy())) for part in both)
        return found, truth

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

    def _save(self, name: str, state: Any) -> None:
        if not self.hosts.is_first:
            return
        torch.save(state, self.job.model / name)
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
