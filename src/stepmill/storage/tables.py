"""The tables. Each change here needs a migration beside it; a test compares the two.

Moments are stored as integers, microseconds since 1970-01-01T00:00Z: they sort, and both SQLite and
PostgreSQL keep them exactly. Documents are JSON text.

Which rows an index has on PostgreSQL is said in the migration alone: here it would load that dialect, which
costs every command a tenth of a second.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

# Everything that SageMaker's API calls a resource: jobs, models, model packages and their groups,
# pipelines and their versions, functions, callbacks. One shape, so that listing, sorting and paging
# are written once.
records = Table(
    "records",
    metadata,
    Column("kind", String(64), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("parent", String(512), nullable=False, default=""),
    Column("number", Integer, nullable=False, default=0),
    Column("status", String(64), nullable=False, default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False, default=1),
    Column("body", Text, nullable=False),
    Index("records_by_creation", "kind", "created_at", "name"),
    Index("records_by_change", "kind", "modified_at", "name"),
    Index("records_by_number", "kind", "parent", "number"),
    sqlite_with_rowid=False,
)

# Records that are in any number of groups, which are records too: trial components in trials.
members = Table(
    "members",
    metadata,
    Column("group_kind", String(64), primary_key=True),
    Column("group_name", String(512), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("name", String(512), primary_key=True),
    Index("members_by_name", "kind", "name"),
    sqlite_with_rowid=False,
)

# What all points of a measured series together say. Not a number is NULL here.
series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("owner", String(512), nullable=False),  # name of the trial component
    Column("name", String(512), nullable=False),  # of the metric
    Column("count", BigInteger, nullable=False),
    Column("last", Float),  # the newest value
    Column("last_at", BigInteger, nullable=False),
    Column("last_step", BigInteger),
    Column("top", Float),  # the value of the highest step
    Column("top_at", BigInteger, nullable=False),
    Column("top_step", BigInteger),
    Column("least", Float),
    Column("greatest", Float),
    Column("mean", Float),
    Column("squares", Float),  # sum of the squared distances from the mean
    Index("series_by_owner", "owner", "name", unique=True),
    Index("series_by_value", "name", "last"),
)

# The points of a series in the order in which they came, so many in a row; all rows but the last are full.
series_points = Table(
    "series_points",
    metadata,
    Column("series", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("points", LargeBinary, nullable=False),  # of each: moment, step, value; see storage/series.py
    sqlite_with_rowid=False,
)

buckets = Table(
    "buckets",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
)

objects = Table(
    "objects",
    metadata,
    Column("bucket", String(63), primary_key=True),
    Column("key", String(1024), primary_key=True),
    Column("blob", String(64), nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False, default=""),  # empty: not computed yet
    Column("inode", BigInteger, nullable=False, default=0, index=True),  # of the blob's file; only a hint
    Column("body", Text, nullable=False, default="{}"),  # ETag, checksums, all that is said of the object
    sqlite_with_rowid=False,
)

# What is set for a bucket, each under a name of its own: its tags, whom to tell of its changes.
bucket_settings = Table(
    "bucket_settings",
    metadata,
    Column("bucket", String(63), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

# Objects that arrive in parts, until they are assembled or given up. Each part is a blob.
uploads = Table(
    "uploads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("bucket", String(63), nullable=False),
    Column("key", String(1024), nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("body", Text, nullable=False),  # all that is said of the object, checksums asked for
    Index("uploads_by_key", "bucket", "key", "id"),
    sqlite_with_rowid=False,
)

parts = Table(
    "parts",
    metadata,
    Column("upload", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("blob", String(64), nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # ETag, checksums
    sqlite_with_rowid=False,
)

# The documents that executions run, each text once. Beside the executions, not in them: a row that is
# rewritten with every event must stay small.
definitions = Table(
    "definitions",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the text
    Column("body", Text, nullable=False),
)

executions = Table(
    "executions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("pipeline", String(256), nullable=False),
    Column("status", String(32), nullable=False),
    Column("owner", String(64), nullable=False, default=""),  # the engine that drives it
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False, default=0),  # of the last history event
    Column("body", Text, nullable=False),  # definition reference, parameters, options, reason
    Column("language", String(16), nullable=False, default="pipelines", server_default="pipelines"),
    Column("parent", String(256), nullable=False, default="", server_default=""),  # ARN of a Map Run
    Index("executions_by_pipeline", "language", "pipeline", "created_at"),
    Index("executions_by_parent", "parent", "created_at"),
    Index("executions_by_status", "status"),
)

frames = Table(
    "frames",
    metadata,
    Column("execution", String(64), primary_key=True),
    Column("frame", String(256), primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

history = Table(
    "history",
    metadata,
    Column("execution", String(64), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("step", String(256), nullable=False, default=""),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

# The outbox and what became of it: a task stays here until its final report is committed.
tasks = Table(
    "tasks",
    metadata,
    Column("id", String(256), primary_key=True),
    Column("execution", String(64), nullable=False, index=True),
    Column("stopping", Integer, nullable=False, default=0),
    Column("body", Text, nullable=False),
    Index(
        "tasks_stopping",
        "execution",
        sqlite_where=text("stopping = 1"),
    ),
    sqlite_with_rowid=False,
)

timers = Table(
    "timers",
    metadata,
    Column("execution", String(64), primary_key=True),
    Column("timer", String(256), primary_key=True),
    Column("due_at", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# Events from other processes and other doors, waiting for the engine that drives the execution.
inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("execution", String(64), nullable=False, index=True),
    Column("body", Text, nullable=False),
)

cache = Table(
    "cache",
    metadata,
    Column("scope", String(256), primary_key=True),  # "<pipeline>/<step>"
    Column("key", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("source", String(512), nullable=False),  # ARN of the execution that made it
    Column("body", Text, nullable=False),  # output, metadata, the parts of the key
    Index("cache_by_key", "key", "created_at"),
    Index("cache_by_scope", "scope", "created_at"),
    sqlite_with_rowid=False,
)

# The items of DynamoDB's tables. Keys are encoded so that their bytes sort as the table's keys do.
table_items = Table(
    "table_items",
    metadata,
    Column("table", String(64), primary_key=True),  # the table's id: one made anew under its name has another
    Column("partition", LargeBinary, primary_key=True),
    Column("place", LargeBinary, primary_key=True),
    Column("size_bytes", Integer, nullable=False),  # as DynamoDB counts
    Column("body", LargeBinary, nullable=False),  # MessagePack: attributes may be binary
    sqlite_with_rowid=False,
)

# Where their items lie in a table's indexes.
table_entries = Table(
    "table_entries",
    metadata,
    Column("index", String(512), primary_key=True),  # "<table's id>/<index>"
    Column("partition", LargeBinary, primary_key=True),
    Column("place", LargeBinary, primary_key=True),
    Column("item_partition", LargeBinary, primary_key=True),
    Column("item_place", LargeBinary, primary_key=True),
    sqlite_with_rowid=False,
)

# The online store of feature groups: of each record identifier the record with the newest event time.
feature_records = Table(
    "feature_records",
    metadata,
    Column("group", String(64), primary_key=True),  # the group's id: one made anew has another
    Column("identifier", Text, primary_key=True),
    Column("event_time", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=True),
    Column("is_deleted", Integer, nullable=False, default=0),  # softly: it only keeps older ones away
    Column("body", LargeBinary, nullable=False),  # MessagePack
    Index(
        "feature_records_by_expiry",
        "expires_at",
        sqlite_where=text("expires_at IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

# Records on their way to the offline store, in the order in which they were acknowledged.
feature_journal = Table(
    "feature_journal",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("group", String(64), nullable=False),
    Column("event_time", BigInteger, nullable=False),
    Column("invoked_at", BigInteger, nullable=False),
    Column("is_deleted", Integer, nullable=False, default=0),
    Column("body", LargeBinary, nullable=False),  # as in the online store
    Index("feature_journal_by_group", "group", "position"),
    sqlite_autoincrement=True,
)

# Up to which position a group's journal is being written to files: those rows together give the same files
# again and again, until they are removed.
feature_claims = Table(
    "feature_claims",
    metadata,
    Column("group", String(64), primary_key=True),
    Column("last", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What came of what: artifacts, actions, contexts, and trial components as far as lineage knows them.
lineage_entities = Table(
    "lineage_entities",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("arn", String(256), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),  # Artifact, Action, Context, TrialComponent
    Column("type", String(256), nullable=False),  # DataSet, Model, Approval ...
    Column("name", String(256), nullable=False),
    Column("source_uri", String(2048), nullable=False),
    Column("place", String(2048), nullable=False),  # the address without what makes no other place of it
    Column("digest", String(80), nullable=False, default=""),  # of the content; empty: not known
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # properties, description, how the source is told apart
    Index("lineage_by_creation", "kind", "created_at", "id"),
    Index("lineage_by_name", "kind", "name", "id"),
    Index("lineage_by_type", "kind", "type", "created_at", "id"),
    Index("lineage_by_source", "source_uri", "kind", "created_at", "id"),
    Index("lineage_by_place", "place", "created_at", "id"),
    Index("lineage_by_digest", "digest", "created_at", "id"),
)

lineage_edges = Table(
    "lineage_edges",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("destination", Integer, primary_key=True, autoincrement=False),
    Column("type", String(16), nullable=False, default=""),
    Column("created_at", BigInteger, nullable=False),
    Index("lineage_edges_back", "destination", "source"),
    Index("lineage_edges_by_creation", "created_at", "source", "destination"),
    sqlite_with_rowid=False,
)

# Which records lineage has been written of, and as of which change of theirs.
lineage_marks = Table(
    "lineage_marks",
    metadata,
    Column("kind", String(64), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("stamp", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
