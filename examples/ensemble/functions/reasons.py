"""Reads why a training job failed, and names the next attempt if another may do."""

import json

CAPACITY = ("CapacityError", "ResourceLimitExceeded", "InsufficientCapacity")
MOST_ATTEMPTS = 3


def handler(event, context):
    model, failure = event["model"], event["failure"]
    try:
        reason = json.loads(failure["Cause"]).get("FailureReason", "")
    except ValueError:
        reason = failure["Cause"]
    attempt = model["attempt"] + 1
    is_capacity = any(name in reason for name in CAPACITY) or any(
        name in failure["Error"] for name in CAPACITY
    )
    return {
        **model,
        "attempt": attempt,
        "job": f"{model['job'].rpartition('-')[0]}-{attempt}",
        "reason": reason[:2000],
        "tries_again": is_capacity and attempt <= MOST_ATTEMPTS,
    }
