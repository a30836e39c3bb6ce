"""The tables. Alembic migrations are the source; a test holds that both are equal.

Times are integers, milliseconds since 1970 UTC: one type that SQLite, PostgreSQL and D1 order alike.
Partial indexes are matched only by literal conditions, so statements use the literals below, never bound
parameters, where an index depends on them.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from editqueue.domain.jobs import JobStatus

metadata = MetaData()
Time = BigInteger


def _partial_index(name: str, *columns: ColumnElement[Any], where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("shootcode", Text, nullable=False),
    Column("notes", Text),
    Column("last_index", Integer, nullable=False),
    Column("created_at", Time, nullable=False),
)
# By which a customer's jobs are found, too: orders are few, jobs are not.
Index("orders_by_user", orders.c.user_id)

uploads = Table(
    "uploads",
    metadata,
    Column("object_key", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("basename", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("mime", Text, nullable=False),
    Column("room_type", Text),
    Column("stack_id", Text),
    Column("created_at", Time, nullable=False),
    # IMG_1.CR2 and IMG_1.JPG would share preview/IMG_1.jpg: refused before the object exists.
    UniqueConstraint("order_id", "basename", name="one_basename_per_order"),
)

files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("object_key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("mime", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("room_type", Text),
    Column("stack_id", Text),
    Column("position", Integer, nullable=False),
    Column("ver", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("marked", Boolean, nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("preview_url", Text),
    Column("exif_meta", Text),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("deleted_at", Time),
    # Of the last job that ended; where none has, of the deletion or the reset of the lock that an attempt left behind.
    # Retention counts from here. NULL when there is nothing to expire.
    Column("finished_at", Time),
    # Set while the sweep removes the file's objects: no job of it is claimed meanwhile.
    Column("expiring_at", Time),
    UniqueConstraint("order_id", "position", name="one_file_per_position"),
    CheckConstraint("status IN ('uploaded','queued','in_progress','done','failed')", name="file_status"),
    CheckConstraint("NOT locked OR status = 'in_progress'", name="locked_only_in_progress"),
)
FILE_COLUMNS = tuple(column for column in files.c if column.name != "exif_meta")
"""What every statement reads of a file. `exif_meta` is kept for others; of a thousand files it may be a gigabyte."""
# No index on what changes when a job is submitted or claimed, see docs/decisions/0110.
_partial_index("files_to_expire", files.c.finished_at, where="finished_at IS NOT NULL")

jobs = Table(
    "edit_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("file_id", Text, ForeignKey("files.id"), nullable=False),
    Column("order_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("run_after", Time, nullable=False),
    Column("turn", Time, nullable=False),
    Column("started_at", Time),
    Column("finished_at", Time),
    Column("error", Text),
    Column("attempts", Integer, nullable=False),
    Column("token", Text, nullable=False),
    Column("express", Boolean, nullable=False),
    Column("note", Text),
    Column("bytes_copied", BigInteger),
    # The consumer that claimed it last, by its name. In no index, so that a claim may be a HOT update one day.
    Column("holder", Text),
    CheckConstraint("status IN ('queued','in_progress','done','failed')", name="job_status"),
    CheckConstraint("(status IN ('done','failed')) = (finished_at IS NOT NULL)", name="ended_has_a_time"),
    CheckConstraint("status <> 'in_progress' OR started_at IS NOT NULL", name="running_has_a_start"),
)

QUEUED = jobs.c.status == literal_column("'queued'")
IN_PROGRESS = jobs.c.status == literal_column("'in_progress'")
# Word for word the condition of the index below: SQLite compares the two, it does not reason.
ACTIVE = jobs.c.status.in_([literal_column("'queued'"), literal_column("'in_progress'")])
DONE = jobs.c.status == literal_column("'done'")
FAILED = jobs.c.status == literal_column("'failed'")
OF_STATUS = {
    JobStatus.QUEUED: QUEUED,
    JobStatus.IN_PROGRESS: IN_PROGRESS,
    JobStatus.DONE: DONE,
    JobStatus.FAILED: FAILED,
}
"""Each with the condition of the partial index that answers it, word for word."""
LOCKED = text("files.locked")

_partial_index("one_active_job_per_file", jobs.c.file_id, where="status IN ('queued','in_progress')", unique=True)
# In the order of the claim; run_after is there so that jobs not yet due are skipped inside the index.
_partial_index("jobs_ready", jobs.c.express.desc(), jobs.c.turn, jobs.c.id, jobs.c.run_after, where="status = 'queued'")
_partial_index("jobs_backlog", jobs.c.user_id, jobs.c.express, jobs.c.turn, where="status = 'queued'")
_partial_index("jobs_running", jobs.c.started_at, where="status = 'in_progress'")
_partial_index("jobs_failed", jobs.c.id, where="status = 'failed'")
Index("jobs_by_order", jobs.c.order_id, jobs.c.id)

# Only those that did not make their job done: that one stands in the job itself.
attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Text, ForeignKey("edit_jobs.id", ondelete="CASCADE"), nullable=False),
    # From 1, in their order. The number is no key: an attempt that was handed back has that of the next one.
    Column("place", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("consumer", Text),
    Column("began_at", Time, nullable=False),
    Column("ended_at", Time, nullable=False),
    Column("ended_by", Text, nullable=False),
    Column("error", Text),
    # NULL when the job ended with it.
    Column("run_after", Time),
    PrimaryKeyConstraint("job_id", "place"),
    CheckConstraint("ended_by IN ('retry','fail','hand_back','stale','taken_over')", name="attempt_end"),
)
Index("attempts_by_end", attempts.c.ended_at)

# Of jobs that were made while traces were on: the request that made them.
traces = Table(
    "traces",
    metadata,
    Column("job_id", Text, ForeignKey("edit_jobs.id", ondelete="CASCADE"), primary_key=True),
    # W3C Trace Context, version 00.
    Column("traceparent", Text, nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("file_id", Text, nullable=False),
    # One notification for one ended job, whatever happens twice.
    Column("job_id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    CheckConstraint("type IN ('edit_done','revision_required')", name="notification_type"),
)
Index("notifications_by_user", notifications.c.user_id, notifications.c.id)

# On SQLite and D1 only, where it is one row. On PostgreSQL it is a sequence of the same name: for a row, claims would
# wait for each other.
job_starts = Table(
    "job_starts",
    metadata,
    Column("id", Integer, primary_key=True),
    # Jobs that started while express jobs and others waited.
    Column("starts", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

# Kept by triggers, with every change of the rows that are counted. One row on SQLite and D1; on PostgreSQL a row for
# each statement that changed a count. Together they are the counts, and the sweep adds them up to one row again.
counts = Table(
    "counts",
    metadata,
    Column("jobs_done", BigInteger, nullable=False),
    Column("jobs_failed", BigInteger, nullable=False),
    # Without the deleted, like those below.
    Column("files_there", BigInteger, nullable=False),
    Column("files_uploaded", BigInteger, nullable=False),
    Column("files_done", BigInteger, nullable=False),
    Column("files_failed", BigInteger, nullable=False),
)

consumer_pauses = Table(
    "consumer_pauses",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("ground", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Time, nullable=False),
    Column("seen_at", Time, nullable=False),
)

# Those that may hold jobs, on PostgreSQL: each has an advisory lock while it lives. On SQLite a locked file stands for
# it, and on D1 nothing does: there the table stays empty.
consumers = Table("consumers", metadata, Column("name", Text, primary_key=True))

# One row: the oldest program that works on this schema, by the newest revision that it knows. A program that is older
# than the schema asks here whether it may work.
schema_compatibility = Table("schema_compatibility", metadata, Column("oldest_program", Text, primary_key=True))
