"""The attempts at jobs that did not make them done, and the orders of a customer by an index."""

import sqlalchemy as sa
from alembic import op

from editqueue.adapters.job_store.opening.steps import create_index

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_index("orders_by_user", "orders", ["user_id"])
    op.create_table(
        "attempts",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=True),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("run_after", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("ended_by IN ('retry','fail','hand_back','stale','taken_over')", name="attempt_end"),
        sa.ForeignKeyConstraint(["job_id"], ["edit_jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "place"),
    )
    op.create_index("attempts_by_end", "attempts", ["ended_at"], unique=False)


def downgrade() -> None:
    op.drop_index("orders_by_user", table_name="orders")
    op.drop_index("attempts_by_end", table_name="attempts")
    op.drop_table("attempts")
