"""Networks that several hosts train together, and how far their training has come.

Each step follows the mean gradient over the images of all hosts; each host normalises by its own. Source:
developer guide, "Image Classification Hyperparameters": with ``dist_sync`` a step takes mini_batch_size
images of every machine, and gradients are exchanged after each.
"""

from __future__ import annotations

import io
import json
import logging
import pickle
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .hosts import Hosts
from .job import Job

CHECKPOINT_NAME = "image-classification-checkpoint"

_log = logging.getLogger(__name__)


def share_start(network: Any, hosts: Hosts) -> None:
    """Have the networks of all hosts begin as the first one's."""
    if hosts.count == 1:
        return
    found = [each.detach().flatten() for each in network.parameters()]
    _put(found, hosts.first(lambda: np.asarray(torch.cat(found).numpy())))


def share_gradients(network: Any, hosts: Hosts, images: int) -> int:
    """Give each parameter of a network its mean gradient over the images of all hosts.

    Args:
        network: Whose parameters have the gradients of this host; none if it has no images.
        hosts: All of them.
        images: How many this host has.

    Returns:
        How many images all hosts have.
    """
    if hosts.count == 1:
        return images
    parameters = list(network.parameters())
    own = [torch.zeros_like(each) if each.grad is None else each.grad for each in parameters]
    total, count = hosts.total(torch.cat([each.flatten() for each in own]).numpy() * images, images)
    if count:
        _put([each.flatten() for each in own], total / count)
        for parameter, gradient in zip(parameters, own, strict=True):
            parameter.grad = gradient
    return int(count)


def share_statistics(network: Any, hosts: Hosts) -> None:
    """Give what a network normalises by the mean of what all hosts have."""
    if hosts.count == 1:
        return
    found = [each.flatten() for each in network.buffers() if each.is_floating_point()]
    (total,) = hosts.total(torch.cat(found).numpy())
    _put(found, total / hosts.count)


def _put(places: list[Any], values: NDArray[Any]) -> None:
    """Put values into flat views of tensors, one after the other."""
    ends = np.cumsum([each.numel() for each in places])
    for place, part in zip(places, np.split(values, ends[:-1]), strict=True):
        place.copy_(torch.from_numpy(part))


def save_checkpoint(job: Job, state: dict[str, Any]) -> None:
    """Keep what training goes on from; nothing happens if the job asks for no checkpoints."""
    if job.checkpoints is None:
        return
    job.checkpoints.mkdir(parents=True, exist_ok=True)
    unfinished = job.checkpoints / f".{CHECKPOINT_NAME}.unfinished"
    torch.save({**state, "asked": _asked(job)}, unfinished)
    unfinished.replace(job.checkpoints / CHECKPOINT_NAME)


def read_checkpoint(job: Job, hosts: Hosts) -> dict[str, Any]:
    """Return what training goes on from, on all hosts what the first has; empty if there is nothing."""
    if job.checkpoints is None:
        return {}
    path = job.checkpoints / CHECKPOINT_NAME
    kept = hosts.first(lambda: np.frombuffer(path.read_bytes() if path.is_file() else b"", np.uint8))
    if not len(kept):
        return {}
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(kept.tobytes()), weights_only=True, map_location="cpu")
        if state["asked"] == _asked(job):
            _log.info("Checkpoint loaded from %s", path)
            return state
        why = "it is of a job with other hyperparameters"
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, pickle.PickleError) as error:
        why = str(error).partition("\n")[0]
    _log.warning("The checkpoint %s is not taken: %s.", CHECKPOINT_NAME, why)
    return {}


def _asked(job: Job) -> str:
    # More epochs may be asked for of a training that was done.
    others = {name: value for name, value in job.hyperparameters.items() if name != "epochs"}
    return json.dumps(others, sort_keys=True)
