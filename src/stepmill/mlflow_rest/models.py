"""Logged models in MLflow's API."""

from __future__ import annotations

from stepmill.catalog.tracking.filters import OF_MODELS, Subject, arranged, read_filter, read_orders
from stepmill.catalog.tracking.logged_models import LoggedModel, NewModel
from stepmill.catalog.tracking.tracking import Tracking
from stepmill.core.json import Json
from stepmill.mlflow_rest.asking import Answer, Asked, Route
from stepmill.mlflow_rest.bounds import Bounds
from stepmill.mlflow_rest.documents import model_document, page_of, pairs
from stepmill.mlflow_rest.errors import INVALID, MlflowError

_MOST_VALUES = 1000
_LARGEST_PAGE, _USUAL_PAGE = 1000, 50
_ONE = "mlflow/logged-models/{model_id}"
_NEWEST_FIRST = ("creation_timestamp DESC", "model_id ASC")


class ModelCalls:
    """Answers calls about logged models.

    Args:
        tracking: What there is.
        bounds: Tells what jobs may do.
    """

    def __init__(self, tracking: Tracking, bounds: Bounds) -> None:
        self._models = tracking.models
        self._bounds = bounds

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what."""
        return (
            Route("POST", "mlflow/logged-models", self._create, "CreateLoggedModel"),
            Route("POST", "mlflow/logged-models/search", self._search, "SearchLoggedModels"),
            Route("GET", _ONE, self._get, "GetLoggedModel"),
            Route("PATCH", _ONE, self._finalize, "FinalizeLoggedModel"),
            Route("DELETE", _ONE, self._delete, "DeleteLoggedModel"),
            Route("PATCH", f"{_ONE}/tags", self._set_tags, "SetLoggedModelTags"),
            Route("DELETE", f"{_ONE}/tags/{{key}}", self._delete_tag, "DeleteLoggedModelTag"),
            Route("POST", f"{_ONE}/params", self._log_params, "LogLoggedModelParams"),
        )

    def _create(self, asked: Asked) -> Answer:
        given = asked.fields
        new = NewModel(
            experiment_id=given.text("experiment_id"),
            name=given.text("name", default=""),
            run_id=given.text("source_run_id", default=""),
            type=given.text("model_type", default="")[:500],
            params=pairs(given.objects("params", _MOST_VALUES)),
            tags=pairs(given.objects("tags", _MOST_VALUES)),
            maker=asked.maker,
        )
        return {"model": model_document(self._models.create(new))}

    def _get(self, asked: Asked) -> Answer:
        found = self._models.get(asked.names["model_id"], allow_deleted=asked.fields.is_true("allow_deleted"))
        return {"model": model_document(found)}

    def _finalize(self, asked: Asked) -> Answer:
        found = self._models.finalize(self._own(asked, "FinalizeLoggedModel"), asked.fields.text("status"))
        return {"model": model_document(found)}

    def _delete(self, asked: Asked) -> Answer:
        self._models.delete(self._own(asked, "DeleteLoggedModel"))
        return {}

    def _set_tags(self, asked: Asked) -> Answer:
        tags = pairs(asked.fields.objects("tags", _MOST_VALUES))
        found = self._models.add(self._own(asked, "SetLoggedModelTags"), "tags", tags)
        return {"model": model_document(found)}

    def _delete_tag(self, asked: Asked) -> Answer:
        self._models.delete_tag(self._own(asked, "DeleteLoggedModelTag"), asked.names["key"])
        return {}

    def _log_params(self, asked: Asked) -> Answer:
        params = pairs(asked.fields.objects("params", _MOST_VALUES))
        self._models.add(self._own(asked, "LogLoggedModelParams"), "params", params)
        return {}

    def _search(self, asked: Asked) -> Answer:
        given = asked.fields
        if given.objects("datasets", _MOST_VALUES):
            raise MlflowError(
                "NOT_IMPLEMENTED",
                "Stepmill does not search logged models by datasets.",
                where="datasets",
                mend="Filter by metrics, params, tags and attributes.",
            )
        conditions = read_filter(given.text("filter", default=""), OF_MODELS)
        wished: list[str] = []
        for one in given.objects("order_by", _MOST_VALUES):
            if one.text("dataset_name", default=""):
                raise MlflowError(
                    "NOT_IMPLEMENTED", "Stepmill does not order logged models by datasets.", where="order_by"
                )
            direction = "ASC" if one.is_true("ascending", default=True) else "DESC"
            wished.append(f"{one.text('field_name')} {direction}")
        orders = read_orders([*wished, *_NEWEST_FIRST], OF_MODELS)
        kept: list[tuple[Subject, LoggedModel]] = []
        for experiment in dict.fromkeys(given.texts("experiment_ids")):
            for model in self._models.within(experiment):
                subject = _subject(model)
                if all(condition.holds(subject) for condition in conditions):
                    kept.append((subject, model))
        found, token = page_of(arranged(kept, orders), given, most=_LARGEST_PAGE, usual=_USUAL_PAGE)
        models: list[Json] = [model_document(one) for one in found]
        return {"models": models, **token}

    def _own(self, asked: Asked, action: str) -> str:
        model_id = asked.names["model_id"]
        if not model_id:
            raise MlflowError(INVALID, "Missing value for required parameter 'model_id'.")
        self._bounds.hold(asked, action, lambda: self._models.get(model_id).maker)
        return model_id


def _subject(model: LoggedModel) -> Subject:
    return Subject(
        {
            "name": model.name,
            "model_id": model.id,
            "model_type": model.type,
            "status": model.status.removeprefix("LOGGED_MODEL_"),
            "source_run_id": model.run_id,
            "experiment_id": model.experiment_id,
            "creation_timestamp": model.created_ms,
            "last_updated_timestamp": model.changed_ms,
        },
        {str(one["key"]): float(str(one["value"])) for one in model.metrics},
        model.params,
        model.tags,
    )
