"""Where the files of a group's offline store lie, and which columns they have.

Pure. Source: SageMaker developer guide, "Amazon SageMaker Feature Store offline store data format":
``<S3Uri>/<account>/sagemaker/<region>/offline-store/<group>-<creation time>/data/year=/month=/day=/hour=/
<time of the latest event>_<16 alphanumerics>.parquet``, by the hours of event times.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from stepmill.catalog.features.schema import (
    API_INVOCATION_TIME,
    IS_DELETED,
    WRITE_TIME,
    FeatureDefinition,
    FeatureType,
    GroupSchema,
)
from stepmill.core.arns import Arns
from stepmill.storage.objects.uri import S3Uri

if TYPE_CHECKING:
    import pyarrow as pa

DATABASE = "sagemaker_featurestore"
CATALOG = "AwsDataCatalog"

_STORE = "/offline-store/"
_GROUP = re.compile(rf"s3://[^/]+/(?:.*/)?[0-9]{{12}}/sagemaker/[a-z0-9-]+{_STORE}[^/]+(?=/|$)", re.DOTALL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LABEL_LENGTH = 16
_HIVE_TYPES = {FeatureType.INTEGRAL: "bigint", FeatureType.FRACTIONAL: "double", FeatureType.STRING: "string"}
# What the offline store adds to each record, by name, as Glue types them.
EXTRA_COLUMNS = {WRITE_TIME: "timestamp", API_INVOCATION_TIME: "timestamp", IS_DELETED: "boolean"}


def data_uri(prefix: str, name: str, epoch: int, arns: Arns) -> S3Uri:
    """Return the address under which a group's files lie.

    Args:
        prefix: ``S3StorageConfig.S3Uri`` of the group.
        name: Of the group.
        epoch: When it was made, in seconds since 1970.
        arns: Of this installation.

    Raises:
        InvalidInputError: If the prefix is no address in S3, or too long.
    """
    base = S3Uri.parse(prefix)
    folder = f"{name}-{epoch}"
    parts = (arns.account, "sagemaker", arns.region, "offline-store", folder, "data")
    key = base.key.rstrip("/")
    return S3Uri(base.bucket, "/".join((key, *parts) if key else parts))


def group_address(address: str) -> str:
    """Return the part of an address that names the folder of a group's files; empty if it lies in none.

    Example:
        >>> group_address("s3://b/x/123456789012/sagemaker/us-west-2/offline-store/Shells-1593511200/data/y")
        's3://b/x/123456789012/sagemaker/us-west-2/offline-store/Shells-1593511200'
    """
    # The pattern alone would look at each slash of a long key.
    match = _GROUP.match(address) if _STORE in address else None
    return match[0] if match else ""


def table_name(name: str, epoch: int) -> str:
    """Return what the table of a group is called in the catalog of data, unless its request says otherwise.

    Example:
        >>> table_name("Customers-eu", 1593511200)
        'customers_eu_1593511200'
    """
    return f"{name}-{epoch}".lower().replace("-", "_")


def hour_folder(micros: int) -> str:
    """Return in which folder an event of that moment lies.

    Example:
        >>> hour_folder(1_593_511_200_000_000)
        'year=2020/month=06/day=30/hour=10'
    """
    moment = _EPOCH + timedelta(microseconds=micros)
    return f"year={moment.year:04}/month={moment.month:02}/day={moment.day:02}/hour={moment.hour:02}"


def file_name(latest_micros: int, label: str) -> str:
    """Return the name of a file.

    Args:
        latest_micros: Of the latest event in it.
        label: 16 letters and digits; see ``label_of``.

    Example:
        >>> file_name(1_379_400_241_000_000, "108934320012Az11")
        '20130917T064401Z_108934320012Az11.parquet'
    """
    moment = _EPOCH + timedelta(microseconds=latest_micros)
    return f"{moment.year:04}{moment:%m%dT%H%M%SZ}_{label}.parquet"


def label_of(seed: str) -> str:
    """Return 16 letters and digits that stand for a text: the same for the same one."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    letters = []
    for _ in range(_LABEL_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def arrow_schema(schema: GroupSchema) -> pa.Schema:
    """Return the Arrow schema of a group's files: its features, and what the offline store adds.

    Event times stand as they were given. The times that are added are UTC, in microseconds.
    """
    import pyarrow as pa  # heavy, and only of use where files are

    simple = {
        FeatureType.INTEGRAL: pa.int64(),
        FeatureType.FRACTIONAL: pa.float64(),
        FeatureType.STRING: pa.string(),
    }
    extra = {WRITE_TIME: pa.timestamp("us"), API_INVOCATION_TIME: pa.timestamp("us"), IS_DELETED: pa.bool_()}
    fields = [
        (each.name, simple[each.type] if each.collection is None else pa.list_(simple[each.type]))
        for each in schema.features
    ]
    return pa.schema([*fields, *extra.items()])


def hive_columns(schema: GroupSchema) -> list[tuple[str, str]]:
    """Return the columns of a group's table, (name, type) as Glue has them: names in lower case."""
    return [(each.name.lower(), hive_type(each)) for each in schema.features] + list(EXTRA_COLUMNS.items())


def hive_type(feature: FeatureDefinition) -> str:
    """Return the type of a feature's column as Glue has it.

    Example:
        >>> hive_type(FeatureDefinition("age", FeatureType.INTEGRAL))
        'bigint'
    """
    kind = _HIVE_TYPES[feature.type]
    return kind if feature.collection is None else f"array<{kind}>"
