"""The feature store for notebooks and scripts on this machine: no server, no client, no wire."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias, overload

from stepmill.core.clock import aware
from stepmill.core.errors import InvalidInputError, UnsupportedError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from stepmill.catalog.features.group import FeatureGroup
    from stepmill.catalog.features.offline.ingest import Ingested
    from stepmill.catalog.features.offline.reads import Bounds
    from stepmill.platform.platform import Platform

# A job finds one of these, and no home.
_JOB_VARIABLES = ("TRAINING_JOB_NAME", "PROCESSING_JOB_NAME", "TRANSFORM_JOB_NAME")
_PREFIX = "feature-store"

Moment: TypeAlias = datetime | None
Progress: TypeAlias = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class FeaturesOf:
    """A feature group that rows are joined with.

    Args:
        group: Its name or ARN.
        features: Which of its features; empty: all but its identifier and event time.
        on: The rows' column with its identifiers; empty: it is named as the group's.
        max_age: How old a record may be at most; ``None``: any age.
        prefix: Put before the features' names in the result.
    """

    group: str
    features: Sequence[str] = ()
    on: str = ""
    max_age: timedelta | None = None
    prefix: str = ""


class FeatureStore:
    """The feature groups of a project. Safe to share between threads; close it, or use it in ``with``.

    Tables are given as a pandas or polars dataframe, an Arrow table, a sequence of mappings, or the path of a
    Parquet or CSV file (or a folder, or several of them), and come back as Arrow tables, of which
    ``.to_pandas()`` makes dataframes. A moment without a zone is UTC.

    Args:
        folder: Of the project; its home is found, or made, as the ``stepmill`` command does. Default: the
            current one.

    Raises:
        UnsupportedError: In a job, which has no home: there the SDKs' clients reach the store over the wire.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        from stepmill.platform.lookup import load_settings
        from stepmill.platform.platform import Platform
        from stepmill.storage.layout import HomeLayout

        settings = load_settings(Path.cwd() if folder is None else Path(folder), os.environ)
        is_job = any(os.environ.get(name) for name in _JOB_VARIABLES)
        if is_job and not HomeLayout(settings.home).database.is_file():
            raise UnsupportedError(
                "A job sees Stepmill only by the wire: it has no home with feature groups.",
                where="FeatureStore",
                mend="Make the training set before, and give it to the step as an input; or ask with boto3 "
                "or the SageMaker SDK.",
            )
        self._home = settings.home
        self._platform: Platform = Platform(settings, remark=lambda _remark: None)
        self._features = self._platform.features

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<FeatureStore {self._home}>"

    def close(self) -> None:
        """Let go of the home. What was written is on the disk, also without this."""
        self._platform.close()

    # Groups

    def groups(self) -> list[str]:
        """Return the names of all groups, in order."""
        return [group.name for group in self._features.groups.all()]

    def describe(self, group: str) -> dict[str, Any]:
        """Return a group as ``DescribeFeatureGroup`` tells it: features with types, stores, moments.

        Raises:
            NotFoundError: If there is none of that name or ARN.
        """
        found = self._group(group)
        return {
            **found.request,
            "FeatureGroupArn": found.arn,
            "FeatureDefinitions": found.schema.write(),
            "CreationTime": found.created_at,
        }

    def create_group(
        self,
        name: str,
        like: object,
        *,
        identifier: str,
        event_time: str,
        types: Mapping[str, str] | None = None,
        online: bool = True,
        offline: bool = True,
        uri: str = "",
        ttl: timedelta | None = None,
        description: str = "",
    ) -> dict[str, Any]:
        """Make a group with the features of a table. No row of it is written: ``ingest`` does that.

        Args:
            name: Of the group.
            like: A table. Whole numbers become ``Integral`` features, other numbers ``Fractional``; texts,
                truth values and moments ``String``; lists a ``List`` of these, or a ``Vector``.
            identifier: The column that tells whose a record is.
            event_time: The column that tells of when it is: moments, ISO 8601 texts in UTC, or seconds since
                1970.
            types: Column -> ``Integral``, ``Fractional`` or ``String``, where the guess would be wrong.
            online: Whether the newest record of each identifier is kept for ``get``.
            offline: Whether all records are kept for joins and snapshots.
            uri: Where their files are to be, an ``s3://`` address; empty: in the default bucket.
            ttl: How long a record lives online, from its event time on, at least a second; ``None``: for
                ever.
            description: For humans.

        Returns:
            What ``describe`` tells of it.

        Raises:
            ConflictError: If there is one of that name.
            InvalidInputError: If SageMaker would not take it, or the type of a column cannot be told.
        """
        from stepmill.catalog.features.offline.inference import features_of

        features = features_of(like, event_time=event_time, types=types)
        request: dict[str, Any] = {
            "FeatureGroupName": name,
            "RecordIdentifierFeatureName": identifier,
            "EventTimeFeatureName": event_time,
            "FeatureDefinitions": [feature.write() for feature in features],
            "OnlineStoreConfig": {"EnableOnlineStore": online},
        }
        if ttl is not None:
            seconds = int(ttl.total_seconds())
            request["OnlineStoreConfig"]["TtlDuration"] = {"Unit": "Seconds", "Value": seconds}
        if offline:
            request["OfflineStoreConfig"] = {"S3StorageConfig": {"S3Uri": uri or self._default_uri()}}
        if description:
            request["Description"] = description
        self._features.groups.create(request)
        return self.describe(name)

    def delete_group(self, group: str) -> None:
        """Remove a group; its files stay, with all that was acknowledged.

        Raises:
            NotFoundError: If there is none.
        """
        self._features.delete(group)

    # Tables

    def ingest(
        self,
        group: str,
        rows: object,
        *,
        ingest_id: str = "",
        online: bool = True,
        progress: Progress | None = None,
    ) -> Ingested:
        """Write all rows of a table to a group: all of them, or none.

        Args:
            group: Its name or ARN.
            rows: The table. Its columns are features of the group; those that are left out are null.
            ingest_id: Given again, nothing is written twice; empty: the same rows are the same ingest.
            online: Whether the newest records go to the online store, if the group has one.
            progress: Told ``"read"`` or ``"online"``, and how many rows that is by now; ``print`` will do.

        Returns:
            Its id, how many rows, files and identifiers online it came to, and whether it was new.

        Raises:
            InvalidRowsError: If rows are wrong. ``findings`` has all that is; nothing was written.
            InvalidInputError, NotFoundError: If there is no such group, or the table cannot be read.
            StorageError: If the disk fails; offline all was written, or nothing. Ingest the same rows again.
        """
        found = self._group(group)
        done = self._features.ingests.ingest(
            found, rows, ingest_id=ingest_id, online=online, progress=progress
        )
        self._features.tidy(found)
        return done

    def snapshot(
        self, group: str, features: Sequence[str] = (), *, as_of: Moment = None, written_by: Moment = None
    ) -> pa.Table:
        """Return the newest record of each identifier, without those that are deleted.

        Args:
            group: Its name or ARN.
            features: Which columns; empty: all.
            as_of: Only records of this event time or an earlier one: how things were then.
            written_by: Only what was written by then: what a snapshot would have told at that moment.

        Raises:
            NotFoundError, WrongStateError: If there is no such group, or it has no offline store.
            InvalidInputError: If it has no such feature.
        """
        bounds = _bounds(as_of, written_by)
        return self._features.offline.snapshot(self._group(group), features, bounds=bounds)

    def history(
        self,
        group: str,
        features: Sequence[str] = (),
        *,
        as_of: Moment = None,
        written_by: Moment = None,
        deleted: bool = False,
    ) -> pa.Table:
        """Return all records, by identifier and event time, with when each was written.

        Args:
            group: Its name or ARN.
            features: Which columns; empty: all.
            as_of: Only records of this event time or an earlier one.
            written_by: Only what was written by then.
            deleted: Also deletions, and what they took back.

        Raises:
            NotFoundError, WrongStateError, InvalidInputError: See ``snapshot``.
        """
        bounds = _bounds(as_of, written_by)
        return self._features.offline.history(
            self._group(group), features, bounds=bounds, keep_deleted=deleted
        )

    @overload
    def training_data(
        self,
        labels: pd.DataFrame,
        groups: Sequence[str | FeaturesOf],
        *,
        event_time: str,
        as_of: Moment = None,
        written_by: Moment = None,
        forget_deleted: bool = False,
    ) -> pd.DataFrame: ...

    @overload
    def training_data(
        self,
        labels: object,
        groups: Sequence[str | FeaturesOf],
        *,
        event_time: str,
        as_of: Moment = None,
        written_by: Moment = None,
        forget_deleted: bool = False,
    ) -> pa.Table: ...

    def training_data(
        self,
        labels: Any,
        groups: Sequence[str | FeaturesOf],
        *,
        event_time: str,
        as_of: Moment = None,
        written_by: Moment = None,
        forget_deleted: bool = False,
    ) -> pd.DataFrame | pa.Table:
        """Give each row the features that were known at its moment: none is from its future.

        Args:
            labels: A dataframe, an Arrow table, or the path of a Parquet or CSV file: rows with a moment, and
                with the identifiers of the groups.
            groups: What they are joined with, in the order of the result's columns: names, or ``FeaturesOf``.
            event_time: The labels' column with the moment that each row stands for.
            as_of: Only records of this event time or an earlier one.
            written_by: Only what was written by then: the training set as it would have been made then.
            forget_deleted: Rows from before the deletion of a record do not see it either.

        Returns:
            The rows as they were given, in their order, with the features; null where nothing was known. Of a
            pandas dataframe a dataframe with its index, else an Arrow table.

        Raises:
            NotFoundError, WrongStateError: If there is no such group, or it has no offline store.
            InvalidInputError: If a column or feature is not there, two would have one name, or a row has no
                moment.
        """
        from stepmill.catalog.features.offline.reading import GroupToJoin
        from stepmill.catalog.features.offline.tables import is_pandas, table_of

        if isinstance(groups, str | FeaturesOf):
            groups = [groups]
        given = [each if isinstance(each, FeaturesOf) else FeaturesOf(each) for each in groups]
        sides = [
            GroupToJoin(self._group(each.group), each.features, each.on, each.max_age, each.prefix)
            for each in given
        ]
        rows = table_of(labels)
        joined = self._features.offline.join(
            rows,
            sides,
            event_time=event_time,
            bounds=_bounds(as_of, written_by),
            forget_deleted=forget_deleted,
        )
        if not is_pandas(labels):
            return joined
        import pandas as pd

        # The labels stay as they are: a way through Arrow would change some types of theirs.
        features = joined.select(joined.column_names[rows.num_columns :]).to_pandas()
        features.index = labels.index
        return pd.concat([labels, features], axis=1)

    # Single records

    def put(self, group: str, record: Mapping[str, object]) -> None:
        """Write a record; when this returns it is on the disk.

        Args:
            group: Its name or ARN.
            record: Feature -> value: a number, a text, a moment, a list; what is ``None`` or not there is
                null.

        Raises:
            NotFoundError: If there is no such group.
            InvalidInputError: If SageMaker would not take it.
        """
        from stepmill.catalog.features.offline.wire_records import wire_record
        from stepmill.catalog.features.writing import Put

        found = self._group(group)
        self._features.writing.put(Put(found, wire_record(found.schema, record)))

    def get(self, group: str, identifier: object, features: Sequence[str] = ()) -> dict[str, Any] | None:
        """Return the newest record of an identifier, typed, from the online store; ``None`` if there is none.

        Args:
            group: Its name or ARN.
            identifier: Of the record.
            features: Only these; empty: all that the record has.

        Raises:
            NotFoundError: If there is no such group.
            InvalidInputError: If it has no online store, or no such feature.
        """
        from stepmill.catalog.features.values import typed

        found = self._group(group)
        record = self._features.reading.get(found, str(identifier), features)
        if record is None:
            return None
        return {name: typed(found.schema.by_name[name], value) for name, value in record.values.items()}

    def delete(self, group: str, identifier: object, event_time: datetime | str | float) -> None:
        """Delete a record softly: it is hidden online, and joins see it no more from that moment on.

        Args:
            group: Its name or ARN.
            identifier: Of the record.
            event_time: When it is deleted: a moment, or what the group's event times look like.

        Raises:
            NotFoundError: If there is no such group.
            InvalidInputError: If SageMaker would not take it.
        """
        from stepmill.catalog.features.offline.wire_records import wire_event_time

        found = self._group(group)
        self._features.writing.delete(found, str(identifier), wire_event_time(found.schema, event_time))

    def _group(self, name: str) -> FeatureGroup:
        if not isinstance(name, str):
            raise InvalidInputError(
                f"A feature group is named by a text, not by a {type(name).__name__}.", where="group"
            )
        return self._features.groups.get(name)

    def _default_uri(self) -> str:
        bucket = self._platform.settings.default_bucket
        self._platform.objects.create_bucket(bucket, exist_ok=True)
        return f"s3://{bucket}/{_PREFIX}"


def _bounds(as_of: Moment, written_by: Moment) -> Bounds:
    from stepmill.catalog.features.offline.reads import Bounds

    return Bounds(*(moment and aware(moment) for moment in (as_of, written_by)))
