"""A shop's database of any size, loaded in bulk: users with orders, files, jobs that ended and their notifications."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from editqueue.adapters.job_store.databases.engine import EngineDatabase
from editqueue.adapters.job_store.databases.statement import once

FILES_PER_ORDER: Final = 100
ORDERS_PER_USER: Final = 5
ATTEMPTS_PER_FAILED: Final = 8
"""Of which the last one counted."""
_NUMBERS: Final = {
    "postgresql": "SELECT i FROM generate_series(0, {count} - 1) AS numbers(i)",
    "sqlite": "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers LIMIT {count}) "
    "SELECT i FROM numbers",
}
_ID: Final = {"postgresql": "lpad(to_hex({i}), 12, '0')", "sqlite": "printf('%012x', {i})"}
_LOADS: Final = {
    "orders": """INSERT INTO orders (id, user_id, title, shootcode, last_index, created_at)
    SELECT {order}, {user}, 'Haus', 'BENCH1', {files_per_order}, {moment} FROM ({rows}) AS n""",
    "files": """INSERT INTO files (id, order_id, user_id, object_key, name, mime, bytes, position, ver, status, locked,
      marked, approved, preview_url, created_at, updated_at, finished_at)
    SELECT {file}, {order}, {user}, 'user/' || {user} || '/orders/' || {order} || '/raw/bild-' || {key} || '.jpg',
      'bild.jpg', 'image/jpeg', 9000000, i % {files_per_order} + 1, 1, 'done', FALSE, TRUE, FALSE, 'r2://b/k',
      {moment} + i, {moment} + i, {moment} + i
    FROM ({rows}) AS n""",
    "jobs": """INSERT INTO edit_jobs (id, file_id, order_id, user_id, status, created_at, run_after, turn, started_at,
      finished_at, error, attempts, token, express, bytes_copied)
    SELECT {job}, {file}, {order}, {user}, CASE WHEN i % 50 = 7 THEN 'failed' ELSE 'done' END, {moment} + i,
      {moment} + i, {moment} + i, {moment} + i, {moment} + i, NULL, 1, '{token}', FALSE, 9000000
    FROM ({rows}) AS n""",
    "notifications": """INSERT INTO notifications (id, user_id, order_id, file_id, job_id, type, message, created_at)
    SELECT {job}, {user}, {order}, {file}, {job}, 'edit_done', 'Die Datei „bild.jpg“ ist fertig.', {moment} + i
    FROM ({rows}) AS n""",
    "attempts": """INSERT INTO attempts (job_id, place, number, consumer, began_at, ended_at, ended_by, error)
    SELECT id, 1 + i, 1, 'web-1:7:abc', started_at, finished_at,
      CASE i WHEN {attempts} - 1 THEN 'fail' ELSE 'hand_back' END, 'broken_picture: no end'
    FROM edit_jobs CROSS JOIN ({rows}) AS n WHERE status = 'failed'""",
    "queue": """INSERT INTO edit_jobs (id, file_id, order_id, user_id, status, created_at, run_after, turn, attempts,
      token, express, note)
    SELECT {queued}, {file}, {order}, {user}, 'queued', {moment} + i, {moment} + i, {moment} + i, 0, '{token}',
      i % 20 = 0, NULL
    FROM ({rows}) AS n""",
    "marks": """UPDATE files SET status = 'queued'
    WHERE id IN (SELECT file_id FROM edit_jobs WHERE status = 'queued')""",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    finished: int
    """Jobs that ended, spread over the files."""
    queued: int
    """Jobs of as many files."""
    files: int


def order_id(number: int) -> str:
    """Of the order with this number, from 0."""
    return f"01000000-0000-7000-8000-{number:012x}"


async def load(database: EngineDatabase, size: Size, *, moment: int, without: Collection[str] = ()) -> None:
    """Load rows of `size` as of `moment` (ms), and gather the statistics that the database's own upkeep would. Tables
    that an old schema is `without` are left out."""
    rows = {
        "orders": -(-size.files // FILES_PER_ORDER),
        "files": size.files,
        "jobs": size.finished,
        "notifications": size.finished,
        "queue": size.queued,
        "attempts": ATTEMPTS_PER_FAILED,
    }
    kind = await database.with_connection(lambda connection: connection.dialect.name)
    loads = (_filled(statement, kind, rows, name, moment) for name, statement in _LOADS.items() if name not in without)
    await database.run(*(once(text(load)) for load in loads))
    if kind == "postgresql":
        await database.with_connection(_vacuum)


def _vacuum(connection: Connection) -> None:
    connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM (ANALYZE)"))


def _filled(statement: str, kind: str, rows: Mapping[str, int], name: str, moment: int) -> str:
    """`i` counts the rows of what is loaded; which file and order each belongs to follows from it."""
    files = rows["files"]
    file = {"orders": f"(i * {FILES_PER_ORDER})", "queue": f"(i * {max(files // max(rows['queue'], 1), 1)})"}
    file_number = file.get(name, f"(i % {files})" if name != "files" else "i")
    order_number = f"({file_number} / {FILES_PER_ORDER})"
    numbers = {"order": order_number, "file": file_number, "job": "i", "queued": f"({rows['jobs']} + i)"}
    return statement.format(
        **{id_of: f"('01000000-0000-7000-8000-' || {_ID[kind].format(i=i)})" for id_of, i in numbers.items()},
        rows=_NUMBERS[kind].format(count=rows.get(name, 0)),
        user=f"('user' || ({order_number} / {ORDERS_PER_USER}))",
        key=_ID[kind].format(i=file_number),
        token="0" * 32,
        moment=moment,
        files_per_order=FILES_PER_ORDER,
        attempts=ATTEMPTS_PER_FAILED,
    )
