"""Plans of definitions, made once per document and shared between executions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Generic, TypeVar

from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.language.pipelines.arguments import ServiceModels
from stepmill.language.pipelines.checking import read

# Of some 10 MB for a definition of 10,000 steps, most of them far smaller.
MOST_PLANS = 32

_Plan = TypeVar("_Plan")


class PlanCache(Generic[_Plan]):
    """Keeps the plans of the definitions used last.

    Args:
        load: Returns the document of a digest.
        make: Returns the plan of a document, or of the part of it that is named.
        limit: So many plans are kept.
    """

    def __init__(
        self, load: Callable[[str], str], make: Callable[[str, str], _Plan], *, limit: int = MOST_PLANS
    ) -> None:
        self._load = load
        self._make = make
        self._limit = limit
        self._lock = threading.Lock()
        self._plans: OrderedDict[tuple[str, str], _Plan] = OrderedDict()

    def read(self, text: str, part: str = "") -> tuple[str, _Plan]:
        """Return the digest of a document, and its plan.

        Raises:
            DefinitionError: If the document is not a definition without faults.
        """
        digest = sha256(text.encode()).hexdigest()
        return digest, self._find((digest, part), lambda: text)

    def of(self, digest: str, part: str = "", text: str | None = None) -> _Plan:
        """Return the plan of a stored document.

        Args:
            digest: Of the document.
            part: What of it is planned; empty: all.
            text: The document, if it is at hand: it need not be stored yet.

        Raises:
            NotFoundError: If there is none of that digest.
            DefinitionError: If this version of Stepmill refuses what an earlier one took.
        """
        return self._find((digest, part), lambda: self._load(digest) if text is None else text)

    def _find(self, key: tuple[str, str], text: Callable[[], str]) -> _Plan:
        with self._lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
                return plan
        # Two threads may read the same document at once; that is rare, and both read the same.
        plan = self._make(text(), key[1])
        with self._lock:
            self._plans[key] = plan
            while len(self._plans) > self._limit:
                self._plans.popitem(last=False)
        return plan


class Plans(PlanCache[Plan]):
    """Keeps the plans of pipelines.

    Args:
        load: Returns the document of a digest.
        models: The shapes of AWS's requests and answers: ``core.service_models.service_model``.
        limit: So many plans are kept.
    """

    def __init__(self, load: Callable[[str], str], models: ServiceModels, *, limit: int = MOST_PLANS) -> None:
        super().__init__(load, lambda text, _part: Plan.of(read(text, models)), limit=limit)
