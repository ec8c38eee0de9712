"""What conditions of policies can ask of a call.

Source: IAM user guide, "AWS global condition context keys"; service authorization reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from stepmill.aws.authorization.targets import Target
from stepmill.aws.service import Call
from stepmill.catalog.permissions.circumstances import Circumstances
from stepmill.catalog.roles import Role
from stepmill.core.arns import Arns
from stepmill.core.clock import as_text

_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):")
_OF_LISTINGS = {"s3:prefix": "Prefix", "s3:delimiter": "Delimiter", "s3:max-keys": "MaxKeys"}


def circumstances_of(
    call: Call, target: Target, role: Role, session: str, arns: Arns, now: datetime
) -> Circumstances:
    """Return the values of the keys that are known of a call.

    Args:
        call: It.
        target: Which part of it is asked about.
        role: Of the caller.
        session: What its session of that role is called.
        arns: Tells region and account.
        now: The moment.
    """
    account = _ACCOUNT.match(target.resource)
    owner = (account[1] if account else arns.account,)
    tags = dict(_tags(call.parameters))
    given: dict[str, tuple[str, ...]] = {
        "aws:currenttime": (as_text(now),),
        "aws:epochtime": (str(int(now.timestamp())),),
        "aws:principalaccount": (arns.account,),
        "aws:principalarn": (arns.role(f"{role.path[1:]}{role.name}"),),
        "aws:principalisawsservice": ("false",),
        "aws:principaltype": ("AssumedRole",),
        "aws:requestedregion": (arns.region,),
        "aws:resourceaccount": owner,
        # Jobs run on this machine, and what they send does not leave it.
        "aws:securetransport": ("true",),
        "aws:sourceip": ("127.0.0.1",),
        "aws:tagkeys": tuple(tags),
        "aws:useragent": _header(call, "user-agent"),
        "aws:userid": (f"{role.id}:{session}",),
        "aws:viaawsservice": ("false",),
        "s3:resourceaccount": owner,
        "sts:rolesessionname": (session,),
        **{key: _member(call.parameters, member) for key, member in _OF_LISTINGS.items()},
        **target.given,
    }
    return Circumstances(
        given,
        {
            "aws:principaltag/": lambda name: _one(role.tags, name),
            "aws:requesttag/": lambda name: _one(tags, name),
            "s3:x-amz-": lambda name: _header(call, f"x-amz-{name.lower()}"),
        },
    )


def _header(call: Call, name: str) -> tuple[str, ...]:
    value = call.request.headers.get(name)
    return () if value is None else (value,)


def _member(parameters: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = parameters.get(name)
    return () if value is None else (str(value),)


def _one(tags: Mapping[str, str], name: str) -> tuple[str, ...]:
    # Keys of tags are the same in any case, as those of conditions.
    return next(((value,) for key, value in tags.items() if key.lower() == name.lower()), ())


def _tags(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the tags that a call gives: a list of pairs, or a map."""
    for member in ("Tags", "tags"):
        tags = parameters.get(member)
        if isinstance(tags, Mapping):
            yield from ((str(key), str(value)) for key, value in tags.items())
        elif isinstance(tags, list | tuple):
            for tag in tags:
                if isinstance(tag, Mapping):
                    key, value = tag.get("Key", tag.get("key")), tag.get("Value", tag.get("value", ""))
                    yield str(key), str(value)
