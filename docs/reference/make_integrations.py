# ruff: noqa: E501  (the lines of the page are as long as those of other pages)
"""Write integrations.md from the integrations themselves::

    python docs/reference/make_integrations.py

A test holds the page and the program equal.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from stepmill.aws.inside import services_inside
from stepmill.jobs.integrations.services import ELSEWHERE, OPTIMIZED, SDK
from stepmill.language.states.resources import Pattern
from stepmill.platform import Platform, load_settings

PAGE = Path(__file__).with_name("integrations.md")

HEAD = """\
# Integrations of state machines

*For whoever wants to know what the Resource of a Task can be, and what comes back.*

This page is made from the program by `python docs/reference/make_integrations.py`; a test holds the two equal.

A Task state's parameters are the request of an operation of AWS, every name with a capital. The service that
answers clients on the wire answers it, too. What is not on this page is refused when the machine is created, by
name; so are patterns that AWS does not offer.

## Functions

`arn:aws:lambda:REGION:ACCOUNT:function:NAME` calls a function with the state's input; its result is the output.
`arn:aws:states:::lambda:invoke` gives `Payload` beside `StatusCode` and `ExecutedVersion`. A function that raises
fails the task: the error is named after the exception, the cause is Lambda's document as text. A task calls its
function once, also when the server was killed meanwhile.

## Activities

`arn:aws:states:REGION:ACCOUNT:activity:NAME` waits until a worker fetches the task by `GetActivityTask` and
answers by `SendTaskSuccess` or `SendTaskFailure`. Tasks that wait are kept on the disk.

## Optimized integrations

`arn:aws:states:::SERVICE:ACTION` ends with the answer, `.sync` with what was begun, `.waitForTaskToken` when
somebody sends the token. Answers have `SdkHttpMetadata` and `SdkResponseMetadata` beside their members.
"""

SYNC = """
With `.sync` the output is the description of the job or the execution, its moments in milliseconds since 1970. A
job that fails, or that somebody else stops, fails the task with `States.TaskFailed`; the description is the cause,
as text. A task that is stopped or times out stops its job. `states:startExecution.sync` gives input and output of
the execution as text, `.sync:2` as JSON. A task that is handed over again after a crash goes on with what it had
begun: nothing is begun twice.

What is added to the parameters: `events:putEvents` names the execution and its machine in `Resources`;
`batch:submitJob` sets the variable `MANAGED_BY_AWS`; an execution without a `Name` gets one.
"""

SDK_HEAD = """
## Integrations of the AWS SDK

`arn:aws:states:::aws-sdk:SERVICE:ACTION`, also with `.waitForTaskToken`. Outputs are the members of the answer,
moments as text in ISO 8601. The body of an object is text in the output; in the parameters it is text or JSON.
Actions are the operations on [AWS operations](aws-operations.md), with a small first letter: `getObject`.
"""

ERRORS = """
## Errors

| | Optimized | AWS SDK |
|---|---|---|
| an error that the service's model has | `DynamoDB.ConditionalCheckFailedException` | `DynamoDb.ConditionalCheckFailedException` |
| any other | `SageMaker.AmazonSageMakerException` | `SageMaker.SageMakerException` |
| the cause | `MESSAGE (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: CODE; Request ID: ID; Proxy: null)` | `MESSAGE (Service: DynamoDb, Status Code: 400, Request ID: ID)` |

Parameters that are not those of the operation (a field that it does not have, one that is missing, a value of
another kind) fail the execution with `States.Runtime`. An entry that `events:putEvents` could not put fails the
task with `EventBridge.FailedEntry`.
"""

_SUFFIXES = {
    Pattern.REQUEST_RESPONSE: "",
    Pattern.SYNC: "`.sync`",
    Pattern.WAIT_FOR_TASK_TOKEN: "`.waitForTaskToken`",
}


def page() -> str:
    """Return the text of the page."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(Path(folder), {"STEPMILL_HOME": str(Path(folder, "home"))})
        with Platform(settings, remark=lambda _text: None) as platform:
            platform.make_api_calls = lambda: services_inside(platform)
            offered = platform.integrations.offered()
    parts = [HEAD, *_optimized(offered), SYNC, *_missing(offered), SDK_HEAD, *_sdk(offered), ERRORS]
    return "\n".join(parts).rstrip()


def _optimized(offered: Mapping[str, frozenset[Pattern]]) -> Iterator[str]:
    yield "| Integration | Also with |"
    yield "|---|---|"
    for name, patterns in sorted(offered.items()):
        if not name.startswith("aws-sdk:"):
            also = sorted(filter(None, (_SUFFIXES[pattern] for pattern in patterns)))
            more = ["`.sync:2`"] if name == "states:startExecution" else []
            yield f"| `{name}` | {', '.join([*also, *more])} |"


def _missing(offered: Mapping[str, frozenset[Pattern]]) -> Iterator[str]:
    known = {f"{name}:{action}" for name, service in OPTIMIZED.items() for action in service.actions}
    if missing := sorted(known - offered.keys()):
        yield f"Not offered yet: {', '.join(f'`{name}`' for name in missing)}.\n"
    yield f"Not offered: {', '.join(f'`{name}`' for name in sorted(ELSEWHERE))}."


def _sdk(offered: Mapping[str, frozenset[Pattern]]) -> Iterator[str]:
    services = sorted({name.split(":")[1] for name in offered if name.startswith("aws-sdk:")})
    yield "| Service | Actions |"
    yield "|---|---|"
    for service in services:
        known = SDK[service].service
        yield f'| `aws-sdk:{service}` | all that are listed for `boto3.client("{known}")` |'


if __name__ == "__main__":
    PAGE.write_text(page() + "\n", encoding="utf-8")
