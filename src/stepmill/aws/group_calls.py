"""Which feature groups a call has written and read, for whoever records what came of what.

Source: SageMaker feature store runtime API reference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from stepmill.aws.service import Call
from stepmill.catalog.features.offline.layout import group_address
from stepmill.jobs.lineage.touches import GroupTouches, Way

_RUNTIME = "sagemaker-featurestore-runtime"
_GROUP = "FeatureGroupName"


class GroupWitness:
    """Notes which groups the calls of jobs have written and read. See ``aws.admission.Witness``.

    What queries read is noted where it is known: by whoever runs them.

    Args:
        touches: Where it is noted.
    """

    def __init__(self, touches: Callable[[], GroupTouches]) -> None:
        self._touches = touches

    def saw(self, service: str, call: Call, answer: Mapping[str, Any]) -> None:
        """Note what a call has done that was answered. Of whoever is no job nothing is noted."""
        way = _WAYS.get((service, call.operation))
        if way is None or call.caller.job is None:
            return
        groups = (
            _of_object(call.parameters)
            if service == "s3"
            else _groups(call.operation, call.parameters, answer)
        )
        if groups:
            self._touches().saw(call.caller.job, groups, way)


_WAYS = {
    (_RUNTIME, "PutRecord"): Way.WRITTEN,
    (_RUNTIME, "UpdateRecord"): Way.WRITTEN,
    (_RUNTIME, "DeleteRecord"): Way.WRITTEN,
    (_RUNTIME, "BatchWriteRecord"): Way.WRITTEN,
    (_RUNTIME, "GetRecord"): Way.READ,
    (_RUNTIME, "ListRecords"): Way.READ,
    (_RUNTIME, "BatchGetRecord"): Way.READ,
    # The files of the offline store: data frames are read from them, and Spark writes them.
    ("s3", "GetObject"): Way.READ,
    ("s3", "PutObject"): Way.WRITTEN,
    ("s3", "CompleteMultipartUpload"): Way.WRITTEN,
}


def _of_object(given: Mapping[str, Any]) -> Collection[str]:
    folder = group_address(f"s3://{given['Bucket']}/{given['Key']}")
    return (folder,) if folder else ()


def _groups(operation: str, given: Mapping[str, Any], answer: Mapping[str, Any]) -> Collection[str]:
    if operation == "BatchWriteRecord":
        # Of a batch each record is taken or refused for itself.
        refused = Counter(one["Entry"][_GROUP] for one in answer["Errors"])
        return (Counter(one[_GROUP] for one in given["Entries"]) - refused).keys()
    if operation == "BatchGetRecord":
        # A record that is not there was looked for in a group that may well be.
        refused = Counter(one[_GROUP] for one in answer["Errors"])
        asked = Counter[str]()
        for one in given["Identifiers"]:
            asked[one[_GROUP]] += len(one["RecordIdentifiersValueAsString"])
        return (asked - refused).keys()
    return (given[_GROUP],)
