"""Indexes that answer the counts, and PostgreSQL's upkeep of the tables that change with every job."""

from alembic import op

from editqueue.adapters.job_store.opening.steps import create_index, steps

revision = "0002"
down_revision = "0001"

_BUSY = ("edit_jobs", "files")


def upgrade() -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    # A SQLite that may be full goes on to 0005, which drops two of these, and nobody writes while one is made there.
    is_for_good = steps() is None or not is_sqlite
    if is_for_good:
        create_index("jobs_done", "edit_jobs", ["status"], where="status = 'done'")
    create_index("jobs_failed", "edit_jobs", ["id"], where="status = 'failed'")
    if steps() is None:
        op.drop_index("files_by_order_status", table_name="files")
    if is_for_good:
        create_index("files_by_order_status", "files", ["order_id", "status"], where="deleted_at IS NULL")
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
