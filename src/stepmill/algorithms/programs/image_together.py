"""Networks that several hosts train together.

Each step follows the mean gradient over the images of all hosts; each host normalises by its own. Source:
developer guide, "Image Classification Hyperparameters": with ``dist_sync`` a step takes mini_batch_size
images of every machine, and gradients are exchanged after each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .hosts import Hosts


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
