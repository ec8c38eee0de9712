"""Plans of definitions, made once per document and shared between executions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.language.pipelines.arguments import ServiceModels
from stepmill.language.pipelines.checking import read

# Of some 10 MB for a definition of 10,000 steps, most of them far smaller.
MOST_PLANS = 32


class Plans:
    """Keeps the plans of the definitions used last.

    Args:
        load: Returns the document of a digest.
        models: The shapes of AWS's requests and answers: ``core.service_models.service_model``.
        limit: So many plans are kept.
    """

    def __init__(self, load: Callable[[str], str], models: ServiceModels, *, limit: int = MOST_PLANS) -> None:
        self._load = load
        self._models = models
        self._limit = limit
        self._lock = threading.Lock()
        self._plans: OrderedDict[str, Plan] = OrderedDict()

    def read(self, text: str) -> tuple[str, Plan]:
        """Return the digest of a document, and its plan.

        Raises:
            DefinitionError: If the document is not a definition without faults.
        """
        digest = sha256(text.encode()).hexdigest()
        return digest, self._find(digest, lambda: text)

    def of(self, digest: str) -> Plan:
        """Return the plan of a stored document.

        Raises:
            NotFoundError: If there is none of that digest.
            DefinitionError: If this version of Stepmill refuses what an earlier one took.
        """
        return self._find(digest, lambda: self._load(digest))

    def _find(self, digest: str, text: Callable[[], str]) -> Plan:
        with self._lock:
            plan = self._plans.get(digest)
            if plan is not None:
                self._plans.move_to_end(digest)
                return plan
        # Two threads may read the same document at once; that is rare, and both read the same.
        plan = Plan.of(read(text(), self._models))
        with self._lock:
            self._plans[digest] = plan
            while len(self._plans) > self._limit:
                self._plans.popitem(last=False)
        return plan
