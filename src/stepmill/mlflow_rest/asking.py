"""What the door hands to whoever answers a call, and the table that says who does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stepmill.core.endpoint import AccessKey
from stepmill.core.http import Request, Response
from stepmill.core.json import Json
from stepmill.mlflow_rest.fields import Fields

# What a job is known by to what it made.
_MAKER = "{0.kind}/{0.name}/{0.task}"


@dataclass(frozen=True)
class Asked:
    """A call whose caller is known.

    Args:
        fields: What it asks for.
        caller: Whose key it was sent with.
        names: What stands in its path: ``{"model_id": ...}``; decoded.
        request: As it came, with a stream if the route takes one.
    """

    fields: Fields
    caller: AccessKey
    names: Mapping[str, str]
    request: Request

    @property
    def maker(self) -> str:
        """The job that calls, as text; empty: the owner does."""
        return _MAKER.format(self.caller.job) if self.caller.job else ""

    def run_id(self) -> str:
        """Return the id of the run that is meant, by its newer or its older name."""
        return self.fields.text("run_id", default="") or self.fields.text("run_uuid")


Answer = Mapping[str, Json] | Response


@dataclass(frozen=True)
class Route:
    """Who answers what.

    Args:
        method: ``GET``.
        path: Below ``/api/2.0/``: ``mlflow/logged-models/{model_id}``; ``{path*}`` is all that is left.
        answer: Answers.
        action: What it is called in policies: ``CreateRun``; empty: another service's name counts.
        takes_stream: Whether the body is given as a stream.
    """

    method: str
    path: str
    answer: Callable[[Asked], Answer]
    action: str = ""
    takes_stream: bool = False
