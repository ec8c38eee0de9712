"""Write aws-operations.md from the services themselves::

    python docs/reference/make_operations.py

A test holds the page and the program equal.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from botocore.session import Session, get_session

from stepmill.aws.service import Service
from stepmill.aws.services.all import services_of
from stepmill.platform import Platform, load_settings

PAGE = Path(__file__).with_name("aws-operations.md")

HEAD = """\
# AWS operations

*For whoever wants to know whether a call of a script is answered.*

This page is made from the program by `python docs/reference/make_operations.py`; a test holds the two equal.

`stepmill serve` answers these operations to `boto3`, the `aws` command, both generations of the `sagemaker`
SDK, and any other client of AWS. Requests are held against AWS's own models of the services; errors carry
AWS's codes. An operation that is not on this page is refused with `UnsupportedOperation` and its name, and so
is every other service: nothing pretends to have been done.
"""


def page() -> str:
    """Return the text of the page."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        settings = load_settings(Path(folder), {"STEPMILL_HOME": str(home)})
        with Platform(settings, remark=lambda _text: None) as platform:
            services = sorted(services_of(platform), key=lambda service: _full_name(service).lower())
            rows = [f"| [{_full_name(one)}](#{_anchor(one)}) | {len(one.handlers)} |" for one in services]
            table = "\n".join(["| Service | Operations |", "|---|---|", *rows])
            return "\n".join([HEAD, table, *(line for one in services for line in _section(one))])


def _section(service: Service) -> Iterator[str]:
    yield f"\n## {_full_name(service)}\n"
    yield f"`boto3.client({service.name!r})`\n".replace("'", '"')
    for operation in sorted(service.handlers):
        held = " (answered to waiting clients as soon as there is news)" if operation in service.waits else ""
        yield f"- `{operation}`{held}"


def _full_name(service: Service) -> str:
    return _name(service.name)


@cache
def _name(service: str) -> str:
    return str(_botocore().get_service_model(service).metadata["serviceFullName"])


@cache
def _botocore() -> Session:
    return get_session()


def _anchor(service: Service) -> str:
    return _full_name(service).lower().replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(page() + "\n", encoding="utf-8")
