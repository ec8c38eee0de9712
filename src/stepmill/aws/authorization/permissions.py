"""Holds what a job calls against what it needs and what its role may do.

Whoever calls with a key of the owner's may do everything: these are asked nothing here.

Source: IAM user guide, "Troubleshoot access denied error messages", for the words.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from stepmill.aws.authorization.circumstances import circumstances_of
from stepmill.aws.authorization.passing import passed_roles
from stepmill.aws.authorization.targets import Target, targets_of
from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call
from stepmill.aws.services.identity import session_arn
from stepmill.catalog.permissions.decisions import Decision, Policy, Question, Verdict, decide
from stepmill.catalog.permissions.role_policies import RolePolicies
from stepmill.core.arns import Arns
from stepmill.jobs.grants import grants_of_role
from stepmill.jobs.sessions import JobSessions

_FORBIDDEN = 403
# Services whose refusals are called otherwise, and their status.
_CODES = {
    "cloudwatch": ("AccessDenied", _FORBIDDEN),
    "iam": ("AccessDenied", _FORBIDDEN),
    "s3": ("AccessDenied", _FORBIDDEN),
    "sns": ("AuthorizationError", _FORBIDDEN),
    "sqs": ("AccessDenied", _FORBIDDEN),
    "sts": ("AccessDenied", _FORBIDDEN),
}
# Those with the REST protocol say it by the status, too.
_FORBIDDING = frozenset(
    {
        "batch",
        "lambda",
        "sagemaker-featurestore-runtime",
        "sagemaker-metrics",
        "sagemaker-runtime",
        "scheduler",
    }
)
# STS API reference, GetCallerIdentity: no permission is needed, and none can take it away.
_ALWAYS = frozenset({"sts:GetCallerIdentity"})
# What makes keys: such a key would be no job's, and know no bounds.
_NEVER = frozenset({"sts:AssumeRole", "sts:GetSessionToken", "iam:CreateAccessKey"})
_OWN = "what the job itself needs"


class JobPermissions:
    """Checks calls of jobs. See ``aws.admission.Permissions``. Safe to share between threads.

    Args:
        arns: Builds ARNs.
        sessions: Tells what a job needs.
        policies: Tells what its role may do.
        now: Tells the time.
    """

    def __init__(
        self,
        arns: Arns,
        sessions: JobSessions,
        policies: RolePolicies,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._arns = arns
        self._sessions = sessions
        self._policies = policies
        self._now = now

    def check(self, service: str, call: Call) -> None:
        """Hold that a job may do what it calls.

        Raises:
            ApiError: If it may not: AccessDenied, in AWS's words.
        """
        if call.caller.job is None:
            return
        targets = targets_of(service, call.operation, call.parameters, self._arns)
        self._hold(service, call, [*targets, *passed_roles(service, call.parameters, self._arns)])

    def check_missing(self, service: str, call: Call) -> None:
        """Hold that a job may learn that there is no such object: on AWS only who may list the bucket does.

        Raises:
            ApiError: If it may not.
        """
        bucket, key = call.parameters.get("Bucket"), call.parameters.get("Key")
        if service == "s3" and bucket and key and call.caller.job is not None:
            given = {"s3:prefix": (str(key),)}
            self._hold(service, call, [Target("s3:ListBucket", f"arn:aws:s3:::{bucket}", given)])

    def _hold(self, service: str, call: Call, targets: list[Target]) -> None:
        assert call.caller.job is not None
        name, _, session = call.caller.name.partition("/")
        role = self._policies.roles.get(name)
        granted = (
            *self._sessions.grants(call.caller.job),
            grants_of_role(self._arns, f"{role.path[1:]}{name}"),
        )
        policies = (Policy(_OWN, granted), *self._policies.of(role))
        now = self._now()
        for target in targets:
            if target.action in _ALWAYS:
                continue
            if target.action in _NEVER:
                decision = Decision(Verdict.NOT_ALLOWED)
            else:
                given = circumstances_of(call, target, role, session, self._arns, now)
                decision = decide(policies, Question(target.action, target.resource, given))
            if not decision.is_allowed:
                raise _refused(service, session_arn(name, session, self._arns.account), target, decision)


def _refused(service: str, who: str, target: Target, decision: Decision) -> ApiError:
    """Return the error of what is not allowed, in AWS's words."""
    # S3 alone quotes what it is about.
    resource = f'"{target.resource}"' if target.action.startswith("s3:") else target.resource
    why = (
        "with an explicit deny in an identity-based policy"
        if decision.verdict is Verdict.DENIED
        else f"because no identity-based policy allows the {target.action} action"
    )
    code, status = _CODES.get(
        service, ("AccessDeniedException", _FORBIDDEN if service in _FORBIDDING else ApiError("", "").status)
    )
    mend = ""
    if target.action in _NEVER:
        mend = "A job makes no keys."
    elif decision.unknown:
        mend = (
            f"Stepmill does not know {', '.join(decision.unknown)[:400]}, which policies of this role name."
        )
    return ApiError(
        code,
        f"User: {who} is not authorized to perform: {target.action} on resource: {resource} {why}",
        status=status,
        mend=mend,
    )
