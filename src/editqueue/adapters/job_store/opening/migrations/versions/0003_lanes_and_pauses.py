"""A count of the jobs that start while express jobs and others wait, and which consumers wait for what, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "consumer_pauses",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer"),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE job_starts")
        return
    op.create_table(
        "job_starts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO job_starts (id, starts) VALUES (1, 0)")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE job_starts")
    else:
        op.drop_table("job_starts")
    op.drop_table("consumer_pauses")
