"""Which consumer holds a job, and which consumers there are."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("edit_jobs", sa.Column("holder", sa.Text()))
    op.create_table("consumers", sa.Column("name", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("name"))


def downgrade() -> None:
    op.drop_table("consumers")
    op.drop_column("edit_jobs", "holder")
