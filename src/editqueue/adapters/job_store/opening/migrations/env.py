"""Alembic's entry: migrates over the connection that `opening/migrate.py` hands in, or writes the SQL for D1."""

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script.base import Script

from editqueue.adapters.job_store.schema import metadata


def _mark(ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]) -> None:
    """Write down from which program on the schema works now, where that is another than before this migration."""
    del heads, run_args
    before, after = _oldest_program(step.source_revisions), _oldest_program(step.destination_revisions)
    if before is not None and after is not None and before != after:
        ctx.execute(f"UPDATE schema_compatibility SET oldest_program = '{after}'")  # noqa: S608  # of the migration's file


def _oldest_program(revisions: tuple[object, ...]) -> str | None:
    """None before 0007, which makes the table and its row."""
    for script in revisions:
        if isinstance(script, Script):
            return getattr(script.module, "oldest_program", None)
    return None


if context.is_offline_mode():
    context.configure(
        dialect_name="sqlite",
        literal_binds=True,
        target_metadata=metadata,
        transactional_ddl=False,
        on_version_apply=_mark,
    )
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=False,
        on_version_apply=_mark,
    )
context.run_migrations()
