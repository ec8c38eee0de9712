"""Which actions on which resources a call is, in the words of policies.

A call is one action on one resource mostly; a copy reads one object and writes another. The names of
services, operations and parameters tell nearly all: what is left is a table. What has no resource here is
asked for as ``*``, which only a policy for all resources allows.

Source: service authorization reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepmill.aws.authorization import s3
from stepmill.core.arns import Arns

ALL = "*"
# Services whose actions begin with another word than their own.
_PREFIXES = {
    "sagemaker-featurestore-runtime": "sagemaker",
    "sagemaker-metrics": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "stepfunctions": "states",
}
_ACTIONS = {
    "lambda:Invoke": "InvokeFunction",
    "sns:PublishBatch": "Publish",
    "sqs:ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "DeleteMessage",
    "sqs:SendMessageBatch": "SendMessage",
}
_VERB = re.compile(r"[A-Z][a-z]+")
_WORD = re.compile(r"(?<!^)(?=[A-Z])")
# They join two things, and are called for one.
_OF_TWO = ("AssociateTrialComponent", "DisassociateTrialComponent")
_KINDS = {"trial": "experiment-trial", "trial-component": "experiment-trial-component"}


@dataclass(frozen=True)
class Target:
    """An action on a resource.

    Args:
        action: ``s3:GetObject``.
        resource: Its ARN, or ``*``.
        given: Values of condition keys that belong to it alone, keys in lower case.
    """

    action: str
    resource: str = ALL
    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_Resources = Callable[[str, Mapping[str, Any], Arns], Iterable[str]]


def targets_of(service: str, operation: str, parameters: Mapping[str, Any], arns: Arns) -> list[Target]:
    """Return what a call does; all of it must be allowed.

    Args:
        service: As botocore names it.
        operation: ``GetObject``.
        parameters: Members, as a botocore client takes them.
        arns: Builds the ARNs of this installation.
    """
    if service == "s3":
        return [Target(f"s3:{action}", resource) for action, resource in s3.acts_of(operation, parameters)]
    prefix = _PREFIXES.get(service, service)
    if service == "dynamodb" and operation in _TRANSACTIONS:
        return _transaction(operation, parameters, arns)
    action = f"{prefix}:{_ACTIONS.get(f'{service}:{operation}', operation)}"
    find = _RESOURCES.get(service)
    resources = list(dict.fromkeys(find(operation, parameters, arns))) if find else []
    return [Target(action, resource) for resource in resources or [ALL]]


def _text(parameters: Mapping[str, Any], *names: str) -> str:
    """Return the first of some members that is there."""
    return next((str(parameters[name]) for name in names if parameters.get(name)), "")


def _is_arn(text: str) -> bool:
    return text.startswith("arn:")


def _sagemaker(operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    if resource := _text(parameters, "ResourceArn"):
        return [resource]
    verb = _VERB.match(operation)
    noun = operation[verb.end() :] if verb else operation
    if verb and verb[0] == "Batch":
        return _batched(parameters, arns)
    found = [] if operation in _OF_TWO else list(_named(parameters, noun, arns))
    if found or (verb and verb[0] in ("List", "Search")):
        return found
    # The operation is not called for what it is about: everything that it names, then.
    members = (name for name in parameters if name.endswith(("Name", "Arn")))
    return [one for name in members for one in _named(parameters, name.removesuffix("Name"), arns)]


def _named(parameters: Mapping[str, Any], noun: str, arns: Arns) -> Iterable[str]:
    noun = noun.removesuffix("Arn")
    text = _text(parameters, f"{noun}Arn", f"{noun}Name")
    if not text:
        return
    kind = _WORD.sub("-", noun).lower()
    yield text if _is_arn(text) else arns.sagemaker(_KINDS.get(kind, kind), text)


def _batched(parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    if component := _text(parameters, "TrialComponentName"):
        return [arns.sagemaker("experiment-trial-component", component)]
    packages = parameters.get("ModelPackageArnList", ())
    groups = [
        _text(one, "FeatureGroupName")
        for name in ("Identifiers", "Entries")
        for one in parameters.get(name, ())
    ]
    return [*packages, *(_feature_group(name, arns) for name in groups if name)]


def _feature_group(name: str, arns: Arns) -> str:
    return name if _is_arn(name) else arns.sagemaker("feature-group", name)


def _lambda(operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    if resource := _text(parameters, "Resource"):
        return [resource]
    if operation == "ListFunctions" or not (name := _text(parameters, "FunctionName")):
        return []
    # A name, an ARN, or the end of one, with a qualifier or without.
    parts = name.split(":")
    start = parts.index("function") + 1 if "function" in parts else 0
    qualifier = _text(parameters, "Qualifier") or ":".join(parts[start + 1 :])
    arn = arns.function(parts[start])
    return [f"{arn}:{qualifier}" if qualifier else arn]


def _sqs(_operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    name = _text(parameters, "QueueName") or _text(parameters, "QueueUrl").rpartition("/")[2]
    return [arns.queue(name)] if name else []


def _sns(_operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    if arn := _text(parameters, "TopicArn", "TargetArn", "ResourceArn"):
        return [arn]
    if subscription := _text(parameters, "SubscriptionArn"):
        return [subscription.rpartition(":")[0]]
    return [arns.topic(name)] if (name := _text(parameters, "Name")) else []


def _dynamodb(_operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    if arn := _text(parameters, "ResourceArn"):
        return [arn]
    if isinstance(tables := parameters.get("RequestItems"), Mapping):
        return [_table(str(name), arns) for name in tables]
    if not (name := _text(parameters, "TableName")):
        return []
    table, index = _table(name, arns), _text(parameters, "IndexName")
    return [f"{table}/index/{index}" if index else table]


def _table(name: str, arns: Arns) -> str:
    return name if _is_arn(name) else arns.table(name)


_TRANSACTIONS = ("TransactGetItems", "TransactWriteItems")
_TRANSACTED = {
    "ConditionCheck": "ConditionCheckItem", "Delete": "DeleteItem", "Get": "GetItem", "Put": "PutItem",
    "Update": "UpdateItem",
}  # fmt: skip


def _transaction(operation: str, parameters: Mapping[str, Any], arns: Arns) -> list[Target]:
    acts = [
        Target(f"dynamodb:{action}", _table(_text(item[kind], "TableName"), arns))
        for item in parameters.get("TransactItems", ())
        for kind, action in _TRANSACTED.items()
        if item.get(kind)
    ]
    return acts or [Target(f"dynamodb:{operation}")]


def _batch(operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    if operation.startswith(("Describe", "ListJobs")):
        return
    if arn := _text(parameters, "resourceArn"):
        yield arn
    members = (
        ("jobQueue", "job-queue"), ("jobQueueName", "job-queue"), ("jobDefinition", "job-definition"),
        ("jobDefinitionName", "job-definition"), ("jobId", "job"),
        ("computeEnvironment", "compute-environment"), ("computeEnvironmentName", "compute-environment"),
    )  # fmt: skip
    for member, kind in members:
        if name := _text(parameters, member):
            yield name if _is_arn(name) else arns.batch(kind, name)


def _events(operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    if arn := _text(parameters, "ResourceARN"):
        return [arn]
    if operation == "PutEvents":
        buses = [_text(entry, "EventBusName") or "default" for entry in parameters.get("Entries", ())]
        return [_bus(bus, arns) for bus in buses]
    if operation.startswith("List") and "Rule" not in parameters:
        return []
    bus = _text(parameters, "EventBusName").rpartition("/")[2] or "default"
    if operation.endswith("EventBus"):
        return [_bus(_text(parameters, "Name") or "default", arns)]
    if not (rule := _text(parameters, "Rule", "Name")):
        return []
    return [arns.event("rule", rule if bus == "default" else f"{bus}/{rule}")]


def _bus(name: str, arns: Arns) -> str:
    return name if _is_arn(name) else arns.event("event-bus", name)


def _states(operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    members = (
        "stateMachineArn", "executionArn", "activityArn", "mapRunArn", "resourceArn", "stateMachineAliasArn",
        "stateMachineVersionArn",
    )  # fmt: skip
    if arn := _text(parameters, *members):
        return [arn]
    kind = {"CreateStateMachine": "stateMachine", "CreateActivity": "activity"}.get(operation)
    name = _text(parameters, "name")
    return [f"arn:aws:states:{arns.region}:{arns.account}:{kind}:{name}"] if kind and name else []


def _logs(_operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    identifier = _text(parameters, "logGroupIdentifier")
    name = _text(parameters, "logGroupName") or identifier.rpartition(":log-group:")[2].partition(":")[0]
    if not name:
        return []
    stream = _text(parameters, "logStreamName")
    group = arns.log_group(name)
    return [f"{group}:log-stream:{stream}" if stream else f"{group}:*"]


def _iam(_operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    if name := _text(parameters, "RoleName"):
        return [arns.role(name)]
    if arn := _text(parameters, "PolicyArn", "PolicySourceArn"):
        return [arn]
    name = _text(parameters, "PolicyName")
    return [f"arn:aws:iam::{arns.account}:policy/{name}"] if name else []


def _athena(operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    if operation.startswith("List") and "WorkGroup" not in parameters:
        return []
    group = _text(parameters, "WorkGroup") or "primary"
    return [f"arn:aws:athena:{arns.region}:{arns.account}:workgroup/{group}"]


def _glue(_operation: str, parameters: Mapping[str, Any], arns: Arns) -> Iterable[str]:
    def name(member: str) -> str:
        inner = parameters.get(f"{member}Input")
        inside = _text(inner, "Name") if isinstance(inner, Mapping) else ""
        return _text(parameters, f"{member}Name") or inside

    start = f"arn:aws:glue:{arns.region}:{arns.account}"
    database, table = name("Database") or _text(parameters, "Name"), name("Table")
    if table or "DatabaseName" in parameters:
        table = table or _text(parameters, "Name")
        database = _text(parameters, "DatabaseName")
    if table:
        return [f"{start}:table/{database}/{table}"]
    return [f"{start}:database/{database}" if database else f"{start}:catalog"]


def _sts(_operation: str, parameters: Mapping[str, Any], _arns: Arns) -> Sequence[str]:
    return [arn] if (arn := _text(parameters, "RoleArn")) else []


_RESOURCES: Mapping[str, _Resources] = {
    "athena": _athena,
    "batch": _batch,
    "dynamodb": _dynamodb,
    "events": _events,
    "glue": _glue,
    "iam": _iam,
    "lambda": _lambda,
    "logs": _logs,
    "sagemaker": _sagemaker,
    "sagemaker-featurestore-runtime": _sagemaker,
    "sagemaker-metrics": _sagemaker,
    "sagemaker-runtime": _sagemaker,
    "sns": _sns,
    "sqs": _sqs,
    "stepfunctions": _states,
    "sts": _sts,
}
