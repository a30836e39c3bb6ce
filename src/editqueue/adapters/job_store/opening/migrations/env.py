"""Alembic's entry: migrates over the connection that `opening/migrate.py` hands in, or writes the SQL for D1."""

from alembic import context

from editqueue.adapters.job_store.schema import metadata

if context.is_offline_mode():
    context.configure(dialect_name="sqlite", literal_binds=True, target_metadata=metadata, transactional_ddl=False)
else:
    context.configure(
        connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False
    )
context.run_migrations()
