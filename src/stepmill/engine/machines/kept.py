"""What is kept of an execution of a state machine, and under which names.

Whoever only looks needs no more than this; the interpreters take longer to import than a look takes.
"""

from __future__ import annotations

from hashlib import sha256

from stepmill.storage.executions import ExecutionDetails, MachineDetails

# Beside the frames of an execution, under names that no frame has: what it was given, what it gave.
INPUT_TEXT = "text/input"
OUTPUT_TEXT = "text/output"


def execution_id(arn: str) -> str:
    """Return the id that an execution is kept under.

    Example:
        >>> len(execution_id("arn:aws:states:us-west-2:123456789012:execution:Churn:monday"))
        32
    """
    return sha256(arn.encode()).hexdigest()[:32]


def machine_of(details: ExecutionDetails) -> MachineDetails:
    """Return what is kept of an execution because it is one of a state machine."""
    assert details.machine is not None
    return details.machine
