"""ARNs of Step Functions: machines with their versions and aliases, executions, map runs, activities."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

MACHINE = "stateMachine"
EXECUTION = "execution"
EXPRESS = "express"
MAP_RUN = "mapRun"
ACTIVITY = "activity"

_STATES = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):states:(?P<region>[a-z0-9-]*):(?P<account>[0-9]{12}):"
    r"(?P<kind>[a-zA-Z]+):(?P<rest>.+)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class StatesArn:
    """The parts of an ARN of Step Functions.

    Args:
        region: ``us-west-2``.
        account: Twelve digits.
        kind: ``stateMachine``, ``execution``, ``express``, ``mapRun``, ``activity``.
        name: Of the machine or the activity, without the label of a distributed Map.
        label: Of the distributed Map that is meant; empty: none.
        rest: What follows the name: version or alias of a machine, name of an execution; may be empty.
    """

    region: str
    account: str
    kind: str
    name: str
    label: str = ""
    rest: str = ""

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the parts of an ARN; ``None`` if it is none of Step Functions.

        Example:
            >>> found = StatesArn.read("arn:aws:states:us-west-2:123456789012:execution:Churn:monday")
            >>> found.kind, found.name, found.rest
            ('execution', 'Churn', 'monday')
        """
        match = _STATES.fullmatch(text)
        if match is None:
            return None
        whole, _, rest = match["rest"].partition(":")
        name, _, label = whole.partition("/")
        return cls(match["region"], match["account"], match["kind"], name, label, rest)


@dataclass(frozen=True, slots=True)
class StatesArns:
    """Builds ARNs of Step Functions.

    Args:
        region: A real AWS region.
        account: Twelve digits.

    Example:
        >>> StatesArns("us-west-2", "123456789012").machine("Churn", "3")
        'arn:aws:states:us-west-2:123456789012:stateMachine:Churn:3'
    """

    region: str
    account: str

    def machine(self, name: str, qualifier: str = "") -> str:
        """Return the ARN of a state machine, or with a number or an alias that of a version or an alias."""
        return self._of(MACHINE, name, *([qualifier] if qualifier else []))

    def execution(self, machine: str, name: str) -> str:
        """Return the ARN of an execution of a standard machine."""
        return self._of(EXECUTION, machine, name)

    def express_execution(self, machine: str, name: str, unique: str) -> str:
        """Return the ARN of an execution of an express machine; its name may come again."""
        return self._of(EXPRESS, machine, name, unique)

    def map_run(self, machine: str, label: str, unique: str) -> str:
        """Return the ARN of a run of a distributed Map."""
        return self._of(MAP_RUN, f"{machine}/{label}", unique)

    def activity(self, name: str) -> str:
        """Return the ARN of an activity."""
        return self._of(ACTIVITY, name)

    def _of(self, kind: str, *parts: str) -> str:
        return ":".join((f"arn:aws:states:{self.region}:{self.account}", kind, *parts))
