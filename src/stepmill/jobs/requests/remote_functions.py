"""Functions that the sagemaker SDK sends along as training jobs: ``@step`` and ``@remote``.

The entry point is the SDK's own driver, in a channel; it needs the SDK to be importable in the job, and
fetches the function over the network from S3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

CHANNEL = "sagemaker_remote_function_bootstrap"
_DRIVERS = f"/opt/ml/input/data/{CHANNEL}/"
_VERSION_ARGUMENT = "--client_sagemaker_pysdk_version"
_VERSION = re.compile(r"(?P<major>\d{1,4})(\.[0-9a-z]{1,12}){0,4}")
# From this generation on, the part that runs functions is a distribution of its own, and a light one.
_SPLIT_SINCE = 3
_CORE = "sagemaker-core>=2"


def libraries_of(entrypoint: Sequence[str], arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the distributions that a job needs beside those of its image; none if it is no such function.

    Example:
        >>> driver = "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh"
        >>> libraries_of(["/bin/bash", driver], ["--client_sagemaker_pysdk_version", "2.257.7"])
        ('sagemaker==2.257.7',)
    """
    if not any(word.startswith(_DRIVERS) for word in entrypoint):
        return ()
    given = dict(pairwise(arguments)).get(_VERSION_ARGUMENT, "")
    match = _VERSION.fullmatch(given)
    if match is None:
        return ("sagemaker",)
    return (_CORE,) if int(match["major"]) >= _SPLIT_SINCE else (f"sagemaker=={given}",)
