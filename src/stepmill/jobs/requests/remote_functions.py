"""Functions that the sagemaker SDK sends along as training jobs: ``@step`` and ``@remote``.

The entry point is the SDK's own driver, in a channel; it needs the SDK to be importable in the job, and
fetches the function over the network from S3. The function is pickled: only the Python that made it, by
major and minor version, can read it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from stepmill.images.needs import NO_NEEDS, Needs

CHANNEL = "sagemaker_remote_function_bootstrap"
_DRIVERS = f"/opt/ml/input/data/{CHANNEL}/"
_VERSION_ARGUMENT = "--client_sagemaker_pysdk_version"
_PYTHON_ARGUMENT = "--client_python_version"
_PYTHON = re.compile(r"3\.\d{1,2}")
_VERSION = re.compile(r"(?P<major>\d{1,4})(\.[0-9a-z]{1,12}){0,4}")
# From this generation on, the part that runs functions is a distribution of its own, and a light one.
_SPLIT_SINCE = 3
_CORE = "sagemaker-core>=2"


def needs_of(entrypoint: Sequence[str], arguments: Sequence[str]) -> Needs:
    """Return what a job needs beside what its image has; nothing if it is no such function.

    Example:
        >>> driver = "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh"
        >>> needs_of(["/bin/bash", driver], ["--client_sagemaker_pysdk_version", "2.257.7"])
        Needs(python='', libraries=('sagemaker==2.257.7',))
    """
    if not any(word.startswith(_DRIVERS) for word in entrypoint):
        return NO_NEEDS
    given = dict(pairwise(arguments))
    python = given.get(_PYTHON_ARGUMENT, "")
    return Needs(python if _PYTHON.fullmatch(python) else "", (_sdk(given.get(_VERSION_ARGUMENT, "")),))


def _sdk(version: str) -> str:
    match = _VERSION.fullmatch(version)
    if match is None:
        return "sagemaker"
    return _CORE if int(match["major"]) >= _SPLIT_SINCE else f"sagemaker=={version}"
