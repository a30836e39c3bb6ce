"""Alembic's entry: migrates over the connection that `opening.py` hands in."""

from alembic import context

from editqueue.adapters.job_store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
)
context.run_migrations()
