"""What one photo leaves in the database, from its upload to its end, and the WAL that PostgreSQL writes for it."""

import asyncio
import sqlite3
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.figures import Figure
from bench.side_by_side import changed_settings
from bench.sizes import size
from devtools.databases import KINDS, Kind, new_postgres, new_sqlite
from devtools.scratch import in_memory
from devtools.seeds import NOON, URL, claim, seed_files, seed_order, submit
from editqueue.adapters.job_store.opening.open_store import open_store

PHOTOS = size("PHOTOS", 1_000)
PER_ORDER = 100
SETTLING = 1.5
"""Seconds until the server has counted what was done."""


async def measure() -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(dir=in_memory()) as folder,
        ExitStack() as stack,
        changed_settings(full_page_writes="off"),
    ):
        new = stack.enter_context(new_postgres())
        return [await _photos(kind, new_sqlite(Path(folder)) if kind == "sqlite" else new()) for kind in KINDS]


async def _photos(kind: Kind, url: str) -> Figure:
    store = await open_store(url)
    try:
        before, wal = _bytes(url), _wal(url)
        started, used = time.perf_counter(), time.process_time()
        for _ in range(PHOTOS // PER_ORDER):
            files = await seed_files(store, await seed_order(store), PER_ORDER, size=4_500_000)
            await submit(store, files)
            for _ in files:
                await store.finish(await claim(store), preview_url=URL, bytes_copied=4_500_000, now=NOON)
        took, cpu = time.perf_counter() - started, time.process_time() - used
        await asyncio.sleep(SETTLING)
        after, wal = _bytes(url), _wal(url) - wal
    finally:
        await store.close()
    facts = {"wal_b": wal / PHOTOS} if kind == "postgresql" else {}
    return Figure(
        promise=0,
        what=f"{kind}: bytes that one photo leaves in tables and indexes, {PHOTOS:,} photos",
        measured=(after - before) / PHOTOS,
        unit="B",
        facts={**facts, "client_cpu_ms": cpu / PHOTOS * 1000, "ms": took / PHOTOS * 1000},
    )


def _bytes(url: str) -> int:
    if url.startswith("postgresql"):
        return _asked(url, "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
                           " AND relnamespace = 'public'::regnamespace")  # fmt: skip
    with sqlite3.connect(make_url(url).database or "") as connection:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        [page] = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    return int(pages) * int(page)


def _wal(url: str) -> int:
    return _asked(url, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')") if url.startswith("postgresql") else 0


def _asked(url: str, question: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(question.encode()).fetchone()
    assert found is not None
    return int(found[0])
