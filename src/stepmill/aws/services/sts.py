"""STS: who calls, and keys for a while.

Source: STS API reference, GetCallerIdentity, AssumeRole, GetSessionToken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from stepmill.aws.services.identity import caller_arn
from stepmill.core.endpoint import AccessKey
from stepmill.platform import Platform

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/(?:[\x21-\x7e]+/)?(?P<name>[\w+=,.@-]{1,64})")
_DEFAULT_SESSION = timedelta(hours=12)
_DEFAULT_ROLE_SESSION = timedelta(hours=1)


def sts(platform: Platform) -> Service:
    """Return the service over a platform."""
    account = platform.settings.account

    def get_caller_identity(call: Call) -> dict[str, Any]:
        arn = caller_arn(call.caller.name, account)
        return {"Account": account, "Arn": arn, "UserId": f"{call.caller.access_key}:{call.caller.name}"}

    def assume_role(call: Call) -> dict[str, Any]:
        given = call.parameters
        match = _ROLE_ARN.fullmatch(given["RoleArn"])
        if match is None:
            raise ApiError("ValidationError", f"{given['RoleArn'][:200]} is invalid", where="RoleArn")
        name = f"{match['name']}/{given['RoleSessionName']}"
        key = platform.keys.create_session(name, _lasting(given, _DEFAULT_ROLE_SESSION))
        user = {"AssumedRoleId": f"{key.id}:{given['RoleSessionName']}", "Arn": caller_arn(name, account)}
        return {"Credentials": _credentials(key), "AssumedRoleUser": user}

    def get_session_token(call: Call) -> dict[str, Any]:
        key = platform.keys.create_session(call.caller.name, _lasting(call.parameters, _DEFAULT_SESSION))
        return {"Credentials": _credentials(key)}

    return Service(
        "sts",
        {
            "AssumeRole": assume_role,
            "GetCallerIdentity": get_caller_identity,
            "GetSessionToken": get_session_token,
        },
    )


def _lasting(given: Mapping[str, Any], default: timedelta) -> timedelta:
    seconds = given.get("DurationSeconds")
    return default if seconds is None else timedelta(seconds=seconds)


def _credentials(key: AccessKey) -> dict[str, Any]:
    return {
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
        "Expiration": key.expires_at,
    }
