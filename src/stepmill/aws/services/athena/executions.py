"""Operations on query executions and their results.

Source: Athena API reference, StartQueryExecution, GetQueryExecution, GetQueryResults.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.athena.refusals import as_athena
from stepmill.catalog.sql.executions import Execution, QueryRequest, QueryState
from stepmill.catalog.sql.results import LARGEST_PAGE
from stepmill.catalog.sql.types import result_type
from stepmill.catalog.sql.work_groups import PRIMARY, WorkGroups
from stepmill.core.errors import NotFoundError
from stepmill.platform import Platform

ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
_LARGEST_LISTING = 50
# A query takes some tens of milliseconds, and SDKs sleep for five seconds between two questions.
_HELD = timedelta(seconds=15)
_COMMAND_LINE = "aws-cli/"


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operations."""
    # Made at the first query: it brings a parser with it.
    sql = platform.sql

    def start(call: Call) -> dict[str, Any]:
        return {"QueryExecutionId": sql.queries.start(_request_of(call, sql.work_groups)).id}

    def get(call: Call) -> dict[str, Any]:
        return {"QueryExecution": told(sql.queries.get(call.parameters["QueryExecutionId"]))}

    def batch(call: Call) -> dict[str, Any]:
        found, missing = [], []
        for id_ in call.parameters["QueryExecutionIds"]:
            try:
                found.append(told(sql.queries.get(id_)))
            except NotFoundError as error:
                missing.append(
                    {
                        "QueryExecutionId": id_,
                        "ErrorCode": "INVALID_QUERY_EXECUTION_ID",
                        "ErrorMessage": error.what,
                    }
                )
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def stop(call: Call) -> dict[str, Any]:
        sql.queries.stop(call.parameters["QueryExecutionId"])
        return {}

    def list_(call: Call) -> dict[str, Any]:
        given = call.parameters
        group = str(given.get("WorkGroup") or PRIMARY)
        sql.work_groups.get(group)
        limit = int(given.get("MaxResults") or _LARGEST_LISTING)
        page = sql.queries.executions.page(group, limit=limit, after=given.get("NextToken"))
        token = {"NextToken": page.next_token} if page.next_token else {}
        return {"QueryExecutionIds": [record.name for record in page.records], **token}

    return {
        "StartQueryExecution": as_athena(start),
        "GetQueryExecution": as_athena(get),
        "BatchGetQueryExecution": as_athena(batch),
        "StopQueryExecution": as_athena(stop),
        "ListQueryExecutions": as_athena(list_),
        **_of_results(platform),
    }


def _request_of(call: Call, groups: WorkGroups) -> QueryRequest:
    given = call.parameters
    context = given.get("QueryExecutionContext") or {}
    configuration = given.get("ResultConfiguration") or {}
    group = str(given.get("WorkGroup") or PRIMARY)
    return QueryRequest(
        query=given["QueryString"],
        database=str(context.get("Database") or ""),
        output=groups.output_of(group, str(configuration.get("OutputLocation") or "")),
        work_group=group,
        parameters=tuple(given.get("ExecutionParameters") or ()),
        catalog=str(context.get("Catalog") or ""),
        configuration=configuration,
        token=str(given.get("ClientRequestToken") or ""),
        job=call.caller.job,
    )


def _of_results(platform: Platform) -> dict[str, Handler]:
    sql = platform.sql

    def results(call: Call) -> dict[str, Any]:
        given = call.parameters
        execution, page = sql.queries.results(
            given["QueryExecutionId"],
            str(given.get("NextToken") or ""),
            min(int(given.get("MaxResults") or LARGEST_PAGE), LARGEST_PAGE),
        )
        rows = [{"Data": [{} if one is None else {"VarCharValue": one} for one in row]} for row in page.rows]
        answer: dict[str, Any] = {
            "UpdateCount": int(execution.outcome.get("written") or 0),
            "ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": _columns(execution)}},
        }
        return {**answer, "NextToken": page.next_token} if page.next_token else answer

    def statistics(call: Call) -> dict[str, Any]:
        execution = sql.queries.get(call.parameters["QueryExecutionId"])
        timeline = {
            name: value for name, value in _statistics(execution).items() if name != "DataScannedInBytes"
        }
        rows = {
            "InputBytes": _statistics(execution).get("DataScannedInBytes", 0),
            "OutputRows": int(execution.outcome.get("rows") or 0),
        }
        return {"QueryRuntimeStatistics": {"Timeline": timeline, "Rows": rows}}

    return {
        "GetQueryResults": as_athena(results),
        "GetQueryRuntimeStatistics": as_athena(statistics),
    }


def has_ended(_: Call, answer: Mapping[str, Any]) -> bool:
    """Return whether there is nothing left to wait for."""
    return QueryState(answer["QueryExecution"]["Status"]["State"]).is_final


def patience(platform: Platform, call: Call) -> timedelta:
    """Return for how long a client that asks how a query stands is kept waiting for its end.

    SageMaker's SDKs ask with a plain client of boto3's, so nobody can be told from them; whoever types at the
    command line wants to see how things stand.
    """
    agent = call.request.headers.get("user-agent", "")
    return timedelta(0) if platform.settings.parity or agent.startswith(_COMMAND_LINE) else _HELD


def told(execution: Execution) -> dict[str, Any]:
    """Return an execution as Athena tells it."""
    request, outcome = execution.request, execution.outcome
    status: dict[str, Any] = {
        "State": str(execution.state),
        "SubmissionDateTime": execution.submitted,
    }
    if execution.ended:
        status["CompletionDateTime"] = execution.ended
    if reason := outcome.get("reason"):
        status["StateChangeReason"] = reason
    if execution.state is QueryState.FAILED:
        status["AthenaError"] = {
            "ErrorCategory": int(outcome.get("category") or 2),
            "ErrorType": _error_type(str(reason or "")),
            "Retryable": bool(outcome.get("isRetryable")),
            "ErrorMessage": str(reason or ""),
        }
    context = {
        name: value for name, value in (("Database", request.database), ("Catalog", request.catalog)) if value
    }
    answer: dict[str, Any] = {
        "QueryExecutionId": execution.id,
        "Query": request.query,
        "StatementType": execution.kinds[0],
        "SubstatementType": execution.kinds[1],
        "ResultConfiguration": {**(request.configuration or {}), "OutputLocation": execution.location},
        "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": context,
        "Status": status,
        "Statistics": _statistics(execution),
        "WorkGroup": request.work_group,
        "EngineVersion": ENGINE,
    }
    if request.parameters:
        answer["ExecutionParameters"] = list(request.parameters)
    return answer


def _statistics(execution: Execution) -> dict[str, Any]:
    found = execution.outcome.get("statistics") or {}
    return {**found, "ResultReuseInformation": {"ReusedPreviousResult": False}} if found else {}


def _error_type(reason: str) -> int:
    # Of Athena's catalog of errors: what is said most often of queries of users.
    for beginning, number in (
        ("Query exhausted", 401),
        ("Query timeout", 1005),
        ("HIVE_", 1101),
        ("FAILED:", 1301),
    ):
        if reason.startswith(beginning):
            return number
    return 1006


def _columns(execution: Execution) -> list[dict[str, Any]]:
    is_query = execution.kinds[1] == "SELECT"
    return [
        {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": name,
            "Label": name,
            "Type": kind.name if is_query else "string",
            "Precision": kind.precision if is_query else 0,
            "Scale": kind.scale,
            "Nullable": "UNKNOWN",
            "CaseSensitive": is_query and kind.name == "varchar",
        }
        for name, kind in (
            (str(name), result_type(str(kind))) for name, kind in execution.outcome.get("columns") or ()
        )
    ]
