"""Experiments in MLflow's API."""

from __future__ import annotations

from stepmill.catalog.tracking.filters import OF_EXPERIMENTS, Subject, arranged, read_filter, read_orders
from stepmill.catalog.tracking.tracking import Tracking
from stepmill.catalog.tracking.values import Stage, TrackedExperiment
from stepmill.mlflow_rest.asking import Answer, Asked, Route
from stepmill.mlflow_rest.bounds import Bounds
from stepmill.mlflow_rest.documents import experiment_document, page_of, pairs, stages_of

_MOST_TAGS = 100
_LARGEST_PAGE, _USUAL_PAGE = 50_000, 1000
_NEWEST_FIRST = ("creation_time DESC", "experiment_id ASC")


class ExperimentCalls:
    """Answers calls about experiments.

    Args:
        tracking: What there is.
        bounds: Tells what jobs may do.
    """

    def __init__(self, tracking: Tracking, bounds: Bounds) -> None:
        self._experiments = tracking.experiments
        self._bounds = bounds

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what."""
        return (
            Route("POST", "mlflow/experiments/create", self._create, "CreateExperiment"),
            Route("GET", "mlflow/experiments/get", self._get, "GetExperiment"),
            Route("GET", "mlflow/experiments/get-by-name", self._by_name, "GetExperimentByName"),
            Route("POST", "mlflow/experiments/search", self._search, "SearchExperiments"),
            Route("GET", "mlflow/experiments/search", self._search, "SearchExperiments"),
            Route("POST", "mlflow/experiments/update", self._update, "UpdateExperiment"),
            Route("POST", "mlflow/experiments/delete", self._delete, "DeleteExperiment"),
            Route("POST", "mlflow/experiments/restore", self._restore, "RestoreExperiment"),
            Route("POST", "mlflow/experiments/set-experiment-tag", self._set_tag, "SetExperimentTag"),
            Route(
                "POST", "mlflow/experiments/delete-experiment-tag", self._delete_tag, "DeleteExperimentTag"
            ),
        )

    def _create(self, asked: Asked) -> Answer:
        given = asked.fields
        tags = pairs(given.objects("tags", _MOST_TAGS))
        location = given.text("artifact_location", default="")
        return {"experiment_id": self._experiments.create(given.text("name"), location, tags)}

    def _get(self, asked: Asked) -> Answer:
        return {"experiment": experiment_document(self._experiments.get(asked.fields.text("experiment_id")))}

    def _by_name(self, asked: Asked) -> Answer:
        found = self._experiments.by_name(asked.fields.text("experiment_name"))
        return {"experiment": experiment_document(found)}

    def _search(self, asked: Asked) -> Answer:
        given = asked.fields
        conditions = read_filter(given.text("filter", default=""), OF_EXPERIMENTS)
        orders = read_orders([*given.texts("order_by"), *_NEWEST_FIRST], OF_EXPERIMENTS)
        stages = stages_of(given.text("view_type", default="ACTIVE_ONLY"))
        found = [(_subject(one), one) for one in self._experiments.all() if one.stage in stages]
        kept = [(subject, one) for subject, one in found if all(c.holds(subject) for c in conditions)]
        page, token = page_of(arranged(kept, orders), given, most=_LARGEST_PAGE, usual=_USUAL_PAGE)
        return {"experiments": [experiment_document(one) for one in page], **token}

    def _update(self, asked: Asked) -> Answer:
        self._bounds.hold(asked, "UpdateExperiment")
        name = asked.fields.text("new_name", default="")
        id_ = asked.fields.text("experiment_id")
        if name:
            self._experiments.rename(id_, name)
        else:
            self._experiments.get(id_)
        return {}

    def _delete(self, asked: Asked) -> Answer:
        self._bounds.hold(asked, "DeleteExperiment")
        self._experiments.set_stage(asked.fields.text("experiment_id"), Stage.DELETED)
        return {}

    def _restore(self, asked: Asked) -> Answer:
        self._bounds.hold(asked, "RestoreExperiment")
        self._experiments.set_stage(asked.fields.text("experiment_id"), Stage.ACTIVE)
        return {}

    def _set_tag(self, asked: Asked) -> Answer:
        self._bounds.hold(asked, "SetExperimentTag")
        given = asked.fields
        self._experiments.set_tag(given.text("experiment_id"), given.text("key"), given.text("value"))
        return {}

    def _delete_tag(self, asked: Asked) -> Answer:
        self._bounds.hold(asked, "DeleteExperimentTag")
        self._experiments.delete_tag(asked.fields.text("experiment_id"), asked.fields.text("key"))
        return {}


def _subject(one: TrackedExperiment) -> Subject:
    return Subject(
        {
            "name": one.name,
            "experiment_id": one.id,
            "creation_time": one.created_ms,
            "last_update_time": one.changed_ms,
        },
        tags=one.tags,
    )
