"""Many rows at once, in the database's own words: making them is not what is measured."""

import asyncio
import sqlite3
from dataclasses import dataclass

import psycopg
from procrastinate.types import JSONDict
from sqlalchemy import make_url

from bench.procrastinate_app import make_app

START_MS = 1_790_000_000_000
"""September 2026: before any bench runs."""
PER_FILE = 100
"""Finished jobs of one file: a million of them need only ten thousand files."""
USERS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """How many jobs there are before the measurement begins."""

    queued: int
    finished: int = 0
    extension: str = "jpg"


def object_key(number: int, extension: str) -> str:
    """Of the file of queued job `number`."""
    owner = number % USERS
    return f"user/user-{owner}/orders/order-{owner}/raw/new-{number}.{extension}"


def seed(url: str, rows: Rows) -> None:
    """Fill a fresh database of ours. Deterministic."""
    statements = _statements(rows, series=_POSTGRES_SERIES if url.startswith("postgresql") else _SQLITE_SERIES)
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            for one in statements:
                connection.execute(one.encode())
            connection.execute("VACUUM ANALYZE")
        return
    with sqlite3.connect(make_url(url).database or "") as connection:
        for one in statements:
            connection.execute(one)
    connection.close()


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


_POSTGRES_SERIES = "generate_series(0, {last}) AS numbers(n)"
_SQLITE_SERIES = (
    "(WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})"
    " SELECT n FROM numbers) AS numbers"
)


def _statements(rows: Rows, *, series: str) -> list[str]:
    done_files = -(-rows.finished // PER_FILE)

    def numbers(count: int) -> str:
        return series.format(last=count - 1)

    made = [f"INSERT INTO orders SELECT 'order-' || n, 'user-' || n, '', 'BENCH1', NULL, 0, 0 FROM {numbers(USERS)}"]
    if rows.finished:
        made += [_files("old", "done", numbers(done_files)), _finished_jobs(numbers(rows.finished))]
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
