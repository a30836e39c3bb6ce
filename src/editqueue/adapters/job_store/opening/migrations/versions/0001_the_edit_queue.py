"""The edit queue: orders, uploads, files, edit jobs and notifications."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _partial_index(name: str, table: str, columns: list[Any], *, where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("type IN ('edit_done','revision_required')", name="notification_type"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id"),
    )
    op.create_index("notifications_by_user", "notifications", ["user_id", "id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("shootcode", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("last_index", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "files",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("room_type", sa.Text(), nullable=True),
        sa.Column("stack_id", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("ver", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("marked", sa.Boolean(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("preview_url", sa.Text(), nullable=True),
        sa.Column("exif_meta", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("expiring_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("NOT locked OR status = 'in_progress'", name="locked_only_in_progress"),
        sa.CheckConstraint("status IN ('uploaded','queued','in_progress','done','failed')", name="file_status"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("object_key"),
        sa.UniqueConstraint("order_id", "position", name="one_file_per_position"),
    )
    op.create_index("files_by_order_status", "files", ["order_id", "status"], unique=False)
    _partial_index("files_locked", "files", ["id"], where="locked")
    _partial_index("files_to_expire", "files", ["finished_at"], where="finished_at IS NOT NULL")
    op.create_table(
        "uploads",
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("basename", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("room_type", sa.Text(), nullable=True),
        sa.Column("stack_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.PrimaryKeyConstraint("object_key"),
        sa.UniqueConstraint("order_id", "basename", name="one_basename_per_order"),
    )
    op.create_table(
        "edit_jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("run_after", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("express", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("bytes_copied", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(status IN ('done','failed')) = (finished_at IS NOT NULL)", name="ended_has_a_time"),
        sa.CheckConstraint("status <> 'in_progress' OR started_at IS NOT NULL", name="running_has_a_start"),
        sa.CheckConstraint("status IN ('queued','in_progress','done','failed')", name="job_status"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    _partial_index("jobs_backlog", "edit_jobs", ["user_id", "express", "turn"], where="status = 'queued'")
    op.create_index("jobs_by_order", "edit_jobs", ["order_id", "id"], unique=False)
    _partial_index("jobs_claimed", "edit_jobs", ["token"], where="status = 'in_progress'", unique=True)
    _partial_index(
        "jobs_ready",
        "edit_jobs",
        [sa.literal_column("express DESC"), "turn", "id", "run_after"],
        where="status = 'queued'",
    )
    _partial_index("jobs_running", "edit_jobs", ["started_at"], where="status = 'in_progress'")
    _partial_index(
        "one_active_job_per_file", "edit_jobs", ["file_id"], where="status IN ('queued','in_progress')", unique=True
    )


def downgrade() -> None:
    for table in ("notifications", "edit_jobs", "files", "uploads", "orders"):
        op.drop_table(table)
