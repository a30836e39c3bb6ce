"""Counts that are kept, by triggers, instead of counted; and fewer indexes to write with every job.

On a filled database both tables are read once. Nobody waits meanwhile, but on D1.
"""

import sqlalchemy as sa
from alembic import op

from editqueue.adapters.job_store.opening.steps import Steps, next_step, steps

revision = "0005"
down_revision = "0004"

_COLUMNS = ("jobs_done", "jobs_failed", "files_there", "files_uploaded", "files_done", "files_failed")
_OF_FILES = {
    "files_there": "TRUE",
    "files_uploaded": "status = 'uploaded'",
    "files_done": "status = 'done'",
    "files_failed": "status = 'failed'",
}
_OF_JOBS = {"jobs_done": "status = 'done'", "jobs_failed": "status = 'failed'"}
_TABLES = {"files": (_OF_FILES, "deleted_at IS NULL"), "edit_jobs": (_OF_JOBS, "TRUE")}
_DROPPED = (
    ("jobs_done", "edit_jobs", ["status"], "status = 'done'"),
    # Was unique, and cannot be again: all claims of one statement share a token.
    ("jobs_claimed", "edit_jobs", ["token"], "status = 'in_progress'"),
    ("files_by_order_status", "files", ["order_id", "status"], "deleted_at IS NULL"),
    ("files_locked", "files", ["id"], "locked"),
)


def upgrade() -> None:
    postgres = op.get_context().dialect.name == "postgresql"
    running = steps()
    if running and sa.inspect(op.get_bind()).has_table("counts"):
        _remove_counts(postgres=postgres)  # a process was killed between the steps; the triggers came with the table
    op.create_table("counts", *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COLUMNS))
    for table in _TABLES:
        for statement in _postgres_triggers(table) if postgres else _sqlite_triggers(table):
            op.execute(statement)
    if running and not postgres:
        _count_beside_writers(running)
    else:
        next_step()
        op.execute(f"INSERT INTO counts ({', '.join(_COLUMNS)}) {_uncounted()}")
    for name, table, *_ in _DROPPED:
        next_step()
        op.drop_index(name, table_name=table, if_exists=running is not None)
    if postgres:
        # Room on every page for a file's next version: then an update that changes no indexed column writes no index.
        op.execute("ALTER TABLE files SET (fillfactor = 50)")


def downgrade() -> None:
    postgres = op.get_context().dialect.name == "postgresql"
    _remove_counts(postgres=postgres)
    if postgres:
        op.execute("ALTER TABLE files RESET (fillfactor)")
    for name, table, columns, condition in _DROPPED:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _remove_counts(*, postgres: bool) -> None:
    for table in _TABLES:
        for event in _EVENTS:
            op.execute(f"DROP TRIGGER count_{table}_{event}" + (f" ON {table}" if postgres else ""))
        if postgres:
            op.execute(f"DROP FUNCTION count_{table}()")
    op.drop_table("counts")


def _count_beside_writers(running: Steps) -> None:
    """On SQLite, where whoever counts and writes in one transaction stops all who write."""
    counts = sa.table("counts", *(sa.column(name, sa.BigInteger()) for name in _COLUMNS))
    op.execute(sa.insert(counts).values(dict.fromkeys(_COLUMNS, 0)))  # from here on the triggers count
    with running.without_a_transaction():
        uncounted = op.get_bind().execute(sa.text(_uncounted())).mappings().one()
    op.execute(sa.update(counts).values({name: counts.c[name] + uncounted[name] for name in _COLUMNS}))


def _uncounted() -> str:
    """What there is, less what the triggers have counted of it by now. The difference is the same at any later moment:
    one statement sees both as of one moment."""
    jobs = ", ".join(
        f"(SELECT count(*) FROM edit_jobs WHERE {is_one}) AS {name}"  # noqa: S608  # each by an index of its own
        for name, is_one in _OF_JOBS.items()
    )
    files = ", ".join(
        f"COALESCE(sum(CASE WHEN {is_one} THEN 1 END), 0) AS {name}" for name, is_one in _OF_FILES.items()
    )
    counted = ", ".join(f"COALESCE(sum({name}), 0) AS counted_{name}" for name in _COLUMNS)
    return (
        f"SELECT {', '.join(f'{name} - counted_{name} AS {name}' for name in _COLUMNS)}"  # noqa: S608  # our own names
        f" FROM (SELECT {jobs}) AS of_jobs, (SELECT {files} FROM files WHERE deleted_at IS NULL) AS of_files,"
        f" (SELECT {counted} FROM counts) AS counted"
    )


_EVENTS = {"insert": ("new",), "update": ("new", "old"), "delete": ("old",)}
"""What a trigger sees."""


def _sqlite_triggers(table: str) -> list[str]:
    """For each row, and only where a count changes: D1 bills every row that is written. No line ends within a body, for
    whoever takes a semicolon there for the end of the statement."""
    columns, there = _TABLES[table]
    made: list[str] = []
    for event, seen in _EVENTS.items():

        def share(condition: str, seen: tuple[str, ...] = seen) -> str:
            of = {row: f"({_of_row(there, row)} AND {_of_row(condition, row)})" for row in seen}
            return " ".join(("+ " if row == "new" else "- ") + of[row] for row in seen)

        changes = ", ".join(f"{name} = {name} {share(condition)}" for name, condition in columns.items())
        differs = " OR ".join(f"0 {share(condition)} <> 0" for condition in columns.values())
        of = " OF status, deleted_at" if table == "files" else " OF status"
        made.append(
            f"CREATE TRIGGER count_{table}_{event} AFTER {event.upper()}{of if event == 'update' else ''} ON {table}\n"  # noqa: S608
            f"WHEN {differs}\nBEGIN UPDATE counts SET {changes}; END"
        )
    return made


def _of_row(condition: str, row: str) -> str:
    return condition.replace("status", f"{row}.status").replace("deleted_at", f"{row}.deleted_at")


def _postgres_triggers(table: str) -> list[str]:
    """For each statement a row of what it changed: an update of one row would make all others wait."""
    columns, there = _TABLES[table]
    names = ", ".join([*columns, *(name for name in _COLUMNS if name not in columns)])
    sums = ", ".join(
        f"COALESCE(sum(sign) FILTER (WHERE {there} AND {condition}), 0) AS {name}"
        for name, condition in columns.items()
    )
    zeros = ", 0" * (len(_COLUMNS) - len(columns))
    kept = "status, deleted_at" if table == "files" else "status"

    def insert(rows: str) -> str:
        return (
            f"INSERT INTO counts ({names}) SELECT changes.*{zeros} FROM (SELECT {sums} FROM ({rows}) AS seen)"  # noqa: S608
            f" AS changes WHERE {' OR '.join(f'{name} <> 0' for name in columns)};"
        )

    plus, minus = f"SELECT 1 AS sign, {kept} FROM new_rows", f"SELECT -1 AS sign, {kept} FROM old_rows"  # noqa: S608
    function = (
        f"CREATE FUNCTION count_{table}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n"
        f"  IF TG_OP = 'UPDATE' THEN\n    {insert(f'{plus} UNION ALL {minus}')}\n"
        f"  ELSIF TG_OP = 'INSERT' THEN\n    {insert(plus)}\n"
        f"  ELSE\n    {insert(minus)}\n  END IF;\n  RETURN NULL;\nEND $$"
    )
    triggers = [
        f"CREATE TRIGGER count_{table}_{event} AFTER {event.upper()} ON {table}"
        f" REFERENCING {' '.join(f'{row.upper()} TABLE AS {row}_rows' for row in seen)}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION count_{table}()"
        for event, seen in _EVENTS.items()
    ]
    return [function, *triggers]
