"""What a job may do here: read and make, change what it made itself, and all else that its role allows.

What its role denies it may not do at all, not even to what it made. Whoever calls with a key of the owner's
may do everything. The names of actions are those of SageMaker's own MLflow tracking servers, so that policies
written for those hold here.

Source: AWS service authorization reference, "Amazon SageMaker with MLflow"; Amazon S3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from stepmill.catalog.permissions.circumstances import Circumstances
from stepmill.catalog.permissions.decisions import Question, Verdict, decide
from stepmill.catalog.permissions.role_policies import RolePolicies
from stepmill.core.arns import Arns
from stepmill.core.clock import as_text
from stepmill.core.errors import NotFoundError
from stepmill.mlflow_rest.asking import Asked
from stepmill.mlflow_rest.errors import FORBIDDEN, MlflowError

_SERVICE = "sagemaker-mlflow"


def _nobody() -> str:
    return ""


class Bounds:
    """Holds calls of jobs against their roles. Safe to share between threads.

    Args:
        arns: Builds ARNs.
        policies: Tells what roles may do.
        now: Tells the time.
    """

    def __init__(
        self, arns: Arns, policies: RolePolicies, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._arns = arns
        self._policies = policies
        self._now = now

    def hold_denials(self, asked: Asked, action: str) -> None:
        """Hold that no policy of a job's role denies an action.

        Args:
            asked: The call.
            action: ``CreateRun``.

        Raises:
            MlflowError: If one does.
        """
        if asked.caller.job is not None:
            self._decide(asked, f"{_SERVICE}:{action}", self._server, {}, is_own=True)

    def hold(self, asked: Asked, action: str, maker: Callable[[], str] = _nobody) -> None:
        """Hold that a caller may change something.

        Args:
            asked: The call.
            action: ``DeleteRun``.
            maker: Tells which job made what is to be changed. Errors of its are the caller's.

        Raises:
            MlflowError: If it may not.
        """
        if asked.caller.job is not None and asked.maker != maker():
            self._decide(asked, f"{_SERVICE}:{action}", self._server, {})

    def hold_object(self, asked: Asked, action: str, bucket: str, key: str, maker: Callable[[], str]) -> None:
        """Hold that a caller may reach an artifact: what it made itself unless denied, else as S3 would say.

        Args:
            asked: The call.
            action: ``s3:GetObject``; ``s3:ListBucket`` of what lies below ``key``.
            bucket: Of the artifact.
            key: Of the artifact.
            maker: See ``hold``; if nothing is there, nobody made it.

        Raises:
            MlflowError: If it may not.
        """
        if asked.caller.job is None:
            return
        try:
            made_by = maker()
        except NotFoundError:
            made_by = ""
        is_listing = action == "s3:ListBucket"
        resource = f"arn:aws:s3:::{bucket}" if is_listing else f"arn:aws:s3:::{bucket}/{key}"
        given = {"s3:prefix": (key,)} if is_listing else {}
        self._decide(asked, action, resource, given, is_own=asked.maker == made_by)

    @property
    def _server(self) -> str:
        return self._arns.sagemaker("mlflow-tracking-server", "stepmill")

    def _decide(
        self,
        asked: Asked,
        action: str,
        resource: str,
        given: Mapping[str, tuple[str, ...]],
        *,
        is_own: bool = False,
    ) -> None:
        """Refuse what a role denies, and what it does not allow, unless that ``is_own``."""
        name, _, session = asked.caller.name.partition("/")
        role = self._policies.roles.get(name)
        now, account = self._now(), (self._arns.account,)
        circumstances = Circumstances(
            {
                "aws:currenttime": (as_text(now),),
                "aws:epochtime": (str(int(now.timestamp())),),
                "aws:principalaccount": account,
                "aws:principalarn": (self._arns.role(f"{role.path[1:]}{role.name}"),),
                "aws:requestedregion": (self._arns.region,),
                "aws:resourceaccount": account,
                "aws:securetransport": ("true",),
                "aws:sourceip": ("127.0.0.1",),
                "s3:resourceaccount": account,
                **given,
            }
        )
        decision = decide(self._policies.of(role), Question(action, resource, circumstances))
        who = session or name
        if decision.verdict is Verdict.DENIED:
            raise MlflowError(
                FORBIDDEN,
                f"The job {who!r} may not: the policy {decision.policy!r} of its role {name!r} denies "
                f"{action} on {resource}.",
                mend="Take that out of the policy.",
            )
        if not decision.is_allowed and not is_own:
            raise MlflowError(
                FORBIDDEN,
                f"The job {who!r} did not make this, and its role {name!r} does not allow "
                f"{action} on {resource}.",
                mend="Let a policy of the role allow it.",
            )
