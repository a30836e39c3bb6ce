"""The API under eight clients while a consumer works: a real server process, its embedded database and folder."""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Awaitable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import jwt

from bench.figures import Figure
from bench.seeding import Rows, object_key, seed
from devtools.databases import new_sqlite
from devtools.pictures.samples import encoded, scene
from devtools.scratch import in_memory
from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.wiring.system_clock import SystemClock

CLIENTS = 8
SECRET = "0123456789abcdef0123456789abcdef"
ORDER, USER = "order-0", "user-0"
UPLOADS = "uploads"
"""The order of what is uploaded."""
BACKLOG = 3000
"""Queued jobs: more than the consumer gets through while it is measured."""
REQUESTS = {
    "status": 400,
    "list": 400,
    "preview": 400,
    "upload of 100 kB": 200,
    "submit 1": 200,
    "submit 100": 40,
    "submit 1,000": 8,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    client: httpx.AsyncClient
    folder: Path


async def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        await _prepare(Path(folder))
        async with _served(Path(folder)) as served:
            return [await _one(name, served) for name in REQUESTS]


async def _prepare(folder: Path) -> None:
    url = new_sqlite(folder, "editqueue")
    await asyncio.to_thread(seed, url, Rows(queued=BACKLOG))
    await asyncio.to_thread(_add_marked_files, folder)
    (folder / "bucket").mkdir()
    signer = UrlSigner(secret=SECRET, clock=SystemClock())
    bucket = LocalBucket(folder / "bucket", signer=signer, base_url="http://127.0.0.1")
    picture = encoded(scene(1600, 1000))
    for number in range(BACKLOG):
        await bucket.write(object_key(number, "jpg"), picture, content_type="image/jpeg")
    await bucket.close()


def _add_marked_files(folder: Path) -> None:
    """Orders of 1, 100 and 1,000 marked files, one for each request; their jobs wait behind the backlog. And an empty
    one for uploads."""
    with sqlite3.connect(folder / "editqueue.db") as connection:
        connection.execute("INSERT INTO orders VALUES (?, ?, '', 'BENCH1', NULL, 0, 0)", (UPLOADS, USER))
        for name, count in REQUESTS.items():
            size = _size(name)
            for number in range(count if size else 0):
                order = f"{name}-{number}"
                connection.execute("INSERT INTO orders VALUES (?, ?, '', 'BENCH1', NULL, ?, 0)", (order, USER, size))
                connection.executemany(
                    "INSERT INTO files (id, order_id, user_id, object_key, name, mime, bytes, position, ver, status,"
                    " locked, marked, approved, created_at, updated_at)"
                    " VALUES (?, ?, ?, ?, 'bild.jpg', 'image/jpeg', 1, ?, 1, 'uploaded', 0, 1, 0, 0, 0)",
                    [(f"{order}-{n}", order, USER, f"user/{USER}/orders/{order}/raw/{n}.jpg", n) for n in range(size)],
                )
        # One file with a preview.
        connection.execute(
            "UPDATE files SET status = 'done', preview_url = 'r2://piximmo-media/user/user-0/orders/order-0/preview/x.jpg'"
            " WHERE id = 'new-0'"
        )
        connection.execute("UPDATE edit_jobs SET status = 'done', finished_at = 1 WHERE id = 'new-0'")
    connection.close()


def _size(name: str) -> int:
    """Files of a submit; 0 for the other requests."""
    return int(name.split()[1].replace(",", "")) if name.startswith("submit") else 0


@asynccontextmanager
async def _served(folder: Path) -> AsyncGenerator[Served]:
    """`editqueue serve` with its consumer, in a process of its own."""
    environment = {
        **os.environ,
        "EDITQUEUE_DATA_DIR": str(folder),
        "EDITQUEUE_DATABASE_URL": f"sqlite:///{folder}/editqueue.db",
        "EDITQUEUE_BUCKET_URL": f"file://{folder}/bucket",
        "JWT_SECRET": SECRET,
    }
    command = (str(Path(sys.executable).parent / "editqueue"), "serve", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        base = next(word for word in line.split() if word.startswith("http"))
        token = _token()
        limits = httpx.Limits(max_connections=CLIENTS)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=base, headers=headers, limits=limits, timeout=60) as client:
            await _until_working(client)
            yield Served(client=client, folder=folder)
    finally:
        process.terminate()
        await process.wait()


def _token() -> str:
    claims: dict[str, object] = {"sub": USER, "exp": int(time.time()) + 3600}
    return jwt.encode(claims, SECRET, algorithm="HS256")  # pyright: ignore[reportUnknownMemberType]  # its key type


async def _until_working(client: httpx.AsyncClient) -> None:
    """The consumer has finished jobs of the order besides the one that was done before."""
    for _ in range(600):
        if (await client.get(f"/api/orders/{ORDER}/status")).json()["done"] > 1:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the consumer beside the API finished nothing in a minute")


async def _one(name: str, served: Served) -> Figure:
    numbers = iter(range(REQUESTS[name]))
    before = await _done(served)
    started = time.perf_counter()
    lists = await asyncio.gather(*(_client(name, served, numbers) for _ in range(CLIENTS)))
    took = time.perf_counter() - started
    taken = sorted(one for each in lists for one in each)
    return Figure(
        promise=19,
        what=f"API beside a working consumer, {CLIENTS} clients: {name}, p50",
        measured=taken[len(taken) // 2],
        unit="ms",
        facts={
            "p99_ms": taken[max(0, int(len(taken) * 0.99) - 1)],
            "requests_per_s": len(taken) / took,
            "jobs_done_meanwhile": await _done(served) - before,
        },
    )


async def _client(name: str, served: Served, numbers: Iterator[int]) -> list[float]:
    """Takes the next number as long as there is one; milliseconds of each request."""
    taken: list[float] = []
    for number in numbers:
        started = time.perf_counter()
        answer = await _request(name, number, served.client)
        taken.append((time.perf_counter() - started) * 1000)
        assert answer.is_success, f"{name}: {answer.status_code} {answer.text}"
    return taken


def _request(name: str, number: int, client: httpx.AsyncClient) -> Awaitable[httpx.Response]:
    if name == "status":
        return client.get(f"/api/orders/{ORDER}/status")
    if name == "list":
        return client.get(f"/api/orders/{ORDER}/files", params={"limit": 50})
    if name == "preview":
        return client.get("/api/files/new-0/preview")
    if name == "upload of 100 kB":
        return _upload(f"{number}.jpg", bytes(100_000), client)
    order = f"{name}-{number}"
    return client.post(
        f"/api/orders/{quote(order)}/submit-edits", json={"files": [f"{order}-{n}" for n in range(_size(name))]}
    )


async def _upload(filename: str, body: bytes, client: httpx.AsyncClient) -> httpx.Response:
    """Intent, PUT and finalize, one after the other as a browser does."""
    wanted = {"filename": filename, "mime": "image/jpeg", "order_id": UPLOADS}
    intent = (await client.post("/api/uploads/intent", json=wanted)).raise_for_status().json()
    put = await client.put(intent["signed_url"], content=body, headers=intent["headers"])
    put.raise_for_status()
    made = {"object_key": intent["object_key"], "bytes": len(body)}
    return await client.post("/api/uploads/finalize", json=made)


async def _done(served: Served) -> int:
    """Jobs finished so far, in the whole database."""
    return await asyncio.to_thread(_count_done, served.folder / "editqueue.db")


def _count_done(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM edit_jobs WHERE status = 'done'").fetchone()[0])
