"""Indexes that answer the counts, and PostgreSQL's upkeep of the tables that change with every job."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_DONE = sa.text("status = 'done'")
_FAILED = sa.text("status = 'failed'")
_THERE = sa.text("deleted_at IS NULL")
_BUSY = ("edit_jobs", "files")


def upgrade() -> None:
    op.create_index("jobs_done", "edit_jobs", ["status"], unique=False, sqlite_where=_DONE, postgresql_where=_DONE)
    op.create_index("jobs_failed", "edit_jobs", ["id"], unique=False, sqlite_where=_FAILED, postgresql_where=_FAILED)
    op.drop_index("files_by_order_status", table_name="files")
    op.create_index(
        "files_by_order_status",
        "files",
        ["order_id", "status"],
        unique=False,
        sqlite_where=_THERE,
        postgresql_where=_THERE,
    )
    if op.get_context().dialect.name == "postgresql":
        _keep_tidy()


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        for table in _BUSY:
            op.execute(f"ALTER TABLE {table} RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor)")
    op.drop_index("jobs_done", table_name="edit_jobs")
    op.drop_index("jobs_failed", table_name="edit_jobs")
    op.drop_index("files_by_order_status", table_name="files")
    op.create_index("files_by_order_status", "files", ["order_id", "status"], unique=False)


def _keep_tidy() -> None:
    """By default a table of a million rows is tidied after 200,000 changes, and a claim steps over what is dead at
    the head of its index until then. Every run reads all indexes, so not much more often than every 20,000."""
    for table in _BUSY:
        op.execute(f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02)")
        op.execute(f"ALTER TABLE {table} SET (autovacuum_analyze_scale_factor = 0.02)")
