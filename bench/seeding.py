"""Many rows at once, in the database's own words: making them is not what is measured."""

import asyncio
from dataclasses import dataclass

import psycopg
from pgqueuer.queries import Queries
from procrastinate.types import JSONDict

from bench.pgqueuer_app import ENTRYPOINT, connect, enqueue
from bench.procrastinate_app import make_app
from devtools.databases import run_statements

START_MS = 1_790_000_000_000
"""September 2026: before any bench runs."""
PER_FILE = 100
"""Finished jobs of one file: a million of them need only ten thousand files."""
USERS = 50
ID_LENGTH = 36
"""Characters of every id of ours."""
PER_ORDER = 100
"""Marked files of one order."""
SUBMITTER = "user-0"
"""Whose they are. Jobs of one customer start in the order in which they were submitted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """How many jobs there are before the measurement begins."""

    queued: int
    finished: int = 0
    extension: str = "jpg"
    told: bool = False
    """Finished jobs have their notifications, and their files a time to expire, as in a real database."""


def object_key(number: int, extension: str) -> str:
    """Of the file of queued job `number`."""
    owner = number % USERS
    return f"user/user-{owner}/orders/order-{owner}/raw/new-{number}.{extension}"


def seed(url: str, rows: Rows) -> None:
    """Fill a fresh database of ours. Deterministic."""
    run_statements(url, _statements(rows, url))
    if url.startswith("postgresql"):
        _vacuum(url)


def add_marked_files(url: str, *, orders: int, prefix: str) -> None:
    """Orders with a hundred marked files each, by `marked_order` and `marked_file`, and no job yet."""
    order = _numbered(f"{prefix}order-", f"(n / {PER_ORDER})")
    made = f"""INSERT INTO orders (id, user_id, title, shootcode, last_index, created_at)
    SELECT {_numbered(f"{prefix}order-", "n")}, '{SUBMITTER}', '', 'BENCH1', {PER_ORDER}, 0
    FROM {series(url, orders)}"""
    filled = f"""INSERT INTO files (id, order_id, user_id, object_key, name, mime, bytes, position, ver, status, locked,
      marked, approved, created_at, updated_at)
    SELECT {_numbered(prefix, "n")}, {order}, '{SUBMITTER}',
      'user/{SUBMITTER}/orders/' || {order} || '/raw/{prefix}' || n || '.jpg', 'bild.jpg', 'image/jpeg', 1,
      n % {PER_ORDER} + 1, 1, 'uploaded', FALSE, TRUE, FALSE, {START_MS}, {START_MS}
    FROM {series(url, orders * PER_ORDER)}"""
    run_statements(url, [made, filled])


def marked_file(prefix: str, number: int) -> str:
    """The id, as long as a real one: what a database writes down for a job depends on it."""
    return f"{prefix}{number:0{ID_LENGTH - len(prefix)}}"


def marked_order(prefix: str, number: int) -> str:
    return marked_file(f"{prefix}order-", number)


def _numbered(prefix: str, number: str) -> str:
    """`marked_file` in the words of either database; `number` is an expression."""
    zeros = "0" * (ID_LENGTH - len(prefix))
    return f"'{prefix}' || substr('{zeros}' || {number}, length('{zeros}' || {number}) - {len(zeros) - 1})"


def series(url: str, count: int) -> str:
    """A table of one column, `n`: the numbers from 0, at least one of them."""
    return (_POSTGRES_SERIES if url.startswith("postgresql") else _SQLITE_SERIES).format(last=count - 1)


async def seed_procrastinate(url: str, rows: Rows) -> None:
    """procrastinate's own tables, its jobs deferred by itself; finished ones go straight into its table."""
    app = make_app(url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await asyncio.to_thread(_finished_procrastinate, url, rows.finished)
        for start in range(0, rows.queued, 1000):
            numbers = range(start, min(start + 1000, rows.queued))
            calls: list[JSONDict] = [{"number": number} for number in numbers]
            await app.configure_task("noop").batch_defer_async(*calls)
    await asyncio.to_thread(_vacuum, url)


async def seed_pgqueuer(url: str, rows: Rows) -> None:
    """pgqueuer's own tables, its jobs enqueued by itself; finished ones go straight into its log."""
    connection = await connect(url)
    try:
        queries = Queries.from_asyncpg_connection(connection)
        await queries.install()
        await connection.execute(
            "INSERT INTO pgqueuer_log (job_id, status, priority, entrypoint)"
            f" SELECT n, 'successful', 0, '{ENTRYPOINT}' FROM generate_series(1, {rows.finished}) AS numbers(n)"
        )
        for start in range(0, rows.queued, 1000):
            await enqueue(queries, range(start, min(start + 1000, rows.queued)))
    finally:
        await connection.close(timeout=5)
    await asyncio.to_thread(_vacuum, url)


def _finished_procrastinate(url: str, count: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER")
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, attempts)"
            f" SELECT 'default', 'noop', '{{}}', 'succeeded', 1 FROM generate_series(1, {count})".encode()
        )
        connection.execute("ALTER TABLE procrastinate_jobs ENABLE TRIGGER USER")


def _vacuum(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


_NOTIFICATIONS = f"""INSERT INTO notifications (id, user_id, order_id, file_id, job_id, type, message, created_at)
SELECT id, user_id, order_id, file_id, id, 'edit_done', 'Die Datei „bild.jpg“ ist fertig.', {START_MS}
FROM edit_jobs WHERE status = 'done'"""
_POSTGRES_SERIES = "generate_series(0, {last}) AS numbers(n)"
_SQLITE_SERIES = (
    "(WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})"
    " SELECT n FROM numbers) AS numbers"
)


def _statements(rows: Rows, url: str) -> list[str]:
    done_files = -(-rows.finished // PER_FILE)

    def numbers(count: int) -> str:
        return series(url, count)

    made = [f"INSERT INTO orders SELECT 'order-' || n, 'user-' || n, '', 'BENCH1', NULL, 0, 0 FROM {numbers(USERS)}"]
    if rows.finished:
        made += [_files("old", "done", numbers(done_files)), _finished_jobs(numbers(rows.finished))]
    if rows.told:
        made += [_NOTIFICATIONS, f"UPDATE files SET finished_at = {START_MS} WHERE status = 'done'"]
    return [*made, _files("new", "queued", numbers(rows.queued), rows.extension), _queued_jobs(numbers(rows.queued))]


def _files(kind: str, status: str, numbers: str, extension: str = "jpg") -> str:
    number = f"{0 if kind == 'new' else 1_000_000} + n"
    owner = f"'order-' || (n % {USERS}), 'user-' || (n % {USERS})"
    key = f"'user/user-' || (n % {USERS}) || '/orders/order-' || (n % {USERS}) || '/raw/{kind}-' || n || '.{extension}'"
    return (
        "INSERT INTO files (id, order_id, user_id, object_key, name, mime, bytes, position, ver, status, locked,"
        f" marked, approved, created_at, updated_at) SELECT '{kind}-' || n, {owner}, {key}, 'bild.jpg', 'image/jpeg',"
        f" 1, {number}, 1, '{status}', FALSE, TRUE, FALSE, {START_MS}, {START_MS} FROM {numbers}"
    )


def _finished_jobs(numbers: str) -> str:
    user = f"((n / {PER_FILE}) % {USERS})"
    return (
        "INSERT INTO edit_jobs (id, file_id, order_id, user_id, status, created_at, run_after, turn, started_at,"
        " finished_at, attempts, token, express, bytes_copied)"
        f" SELECT 'old-' || n, 'old-' || (n / {PER_FILE}), 'order-' || {user}, 'user-' || {user}, 'done', {START_MS},"
        f" {START_MS}, {START_MS}, {START_MS}, {START_MS}, 1, 'done-' || n, FALSE, 1 FROM {numbers}"
    )


def _queued_jobs(numbers: str) -> str:
    return (
        "INSERT INTO edit_jobs (id, file_id, order_id, user_id, status, created_at, run_after, turn, attempts, token,"
        f" express) SELECT 'new-' || n, 'new-' || n, 'order-' || (n % {USERS}), 'user-' || (n % {USERS}), 'queued',"
        f" {START_MS}, {START_MS}, {START_MS} + n, 0, 'queued-' || n, FALSE FROM {numbers}"
    )
