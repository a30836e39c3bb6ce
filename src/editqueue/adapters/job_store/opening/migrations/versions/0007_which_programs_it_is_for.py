"""Which programs work on the schema: one that is older than it cannot know by itself whether it does."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
oldest_program = "0007"


def upgrade() -> None:
    op.create_table(
        "schema_compatibility",
        sa.Column("oldest_program", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("oldest_program"),
    )
    op.execute(f"INSERT INTO schema_compatibility (oldest_program) VALUES ('{oldest_program}')")  # noqa: S608  # a constant


def downgrade() -> None:
    op.drop_table("schema_compatibility")
