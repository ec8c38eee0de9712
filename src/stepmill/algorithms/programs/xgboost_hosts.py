"""XGBoost on several hosts: they build the same trees, each from the sums over all of their rows.

Source: XGBoost, "collective" and "tracker"; the XGBoost container's ``distributed.py``: the first host has
the tracker, which brings the others together, and writes the model.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from xgboost.collective import CommunicatorContext
from xgboost.core import XGBoostError
from xgboost.tracker import RabitTracker

from .hosts import Hosts
from .job import Job


@contextmanager
def collective(job: Job, hosts: Hosts) -> Iterator[None]:
    """Have the library compute together with the other hosts. All must begin it, and end it.

    Args:
        job: The job.
        hosts: All of them. One alone computes as ever.
    """
    if hosts.count == 1:
        yield
        return
    tracker = None
    if hosts.is_first:
        address = socket.gethostbyname(job.host)
        tracker = RabitTracker(n_workers=hosts.count, host_ip=address, sortby="task")
        tracker.start()
    told = hosts.first(lambda: np.array(json.dumps(tracker.worker_args() if tracker else {})))
    # Ranks follow the names of the tasks, as texts.
    task = f"{hosts.rank:06}"
    try:
        with CommunicatorContext(**json.loads(str(told)), dmlc_task_id=task):
            yield
        if tracker is not None:
            tracker.wait_for()
    finally:
        if tracker is not None:
            # Of hosts that have left it may complain: what made them leave is told already.
            with suppress(XGBoostError):
                tracker.free()
