"""What one built-in algorithm takes and tells: hyperparameters, channels, metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stepmill.algorithms.parameters import Parameter

Rule = Callable[[Mapping[str, str]], Iterator[tuple[str, str]]]
"""Given all hyperparameters, tells of those that do not go together: name and a sentence."""


Channels = Mapping[str, Mapping[str, str]]
"""Name of a channel -> its settings, as in ``inputdataconfig.json``."""
JointRule = Callable[[Mapping[str, str], Channels], Iterator[tuple[str, str]]]
"""As a ``Rule``, given the channels, too."""


class Wording(StrEnum):
    """Whose words a refusal has: XGBoost's container has its own."""

    FIRST_PARTY = "first party"
    XGBOOST = "xgboost"


@dataclass(frozen=True)
class Channel:
    """An input.

    Args:
        name: ``train``.
        content_types: Media types that it may have.
        default: The one that it has if none is given; empty: one must be given.
        required: Whether it must be there.
        one_label: Whether CSV can only have one column of labels.
        piped: Media types that AWS's algorithm also reads from a pipe. Here it makes no difference.
    """

    name: str
    content_types: tuple[str, ...]
    default: str = ""
    required: bool = False
    one_label: bool = False
    piped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """A metric that the algorithm writes to its log.

    Args:
        name: As tuning jobs and FinalMetricDataList name it.
        regex: Finds its value; ``#011`` is a tab.
    """

    name: str
    regex: str


@dataclass(frozen=True)
class Algorithm:
    """One built-in algorithm.

    Args:
        name: As its program is called.
        parameters: Its hyperparameters.
        channels: Its inputs.
        metrics: What it writes to its log.
        wording: Whose words a refusal has.
        aliases: Other names of hyperparameters -> their names here.
        rules: What hyperparameters mean to one another.
        joint_rules: What hyperparameters and channels mean to one another.
        several_hosts: Whether hosts can train one model together.
        alone: Hyperparameters with which only one host can.
    """

    name: str
    parameters: tuple[Parameter, ...]
    channels: tuple[Channel, ...]
    metrics: tuple[Metric, ...] = ()
    wording: Wording = Wording.FIRST_PARTY
    aliases: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    joint_rules: tuple[JointRule, ...] = ()
    several_hosts: bool = False
    alone: tuple[str, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        """Return the hyperparameter of that name, or that an alias of that name means."""
        wanted = self.aliases.get(name, name)
        return next((known for known in self.parameters if known.name == wanted), None)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that hyperparameters go by."""
        return (*(parameter.name for parameter in self.parameters), *self.aliases)
