"""demo: a sample order through the real HTTP API, from upload to preview."""

import asyncio
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from editqueue.domain.errors import SetupError
from editqueue.domain.jobs import JobStatus
from editqueue.entrypoints.commands.addresses import public_url, review_link
from editqueue.entrypoints.commands.confirming import confirm_bucket
from editqueue.entrypoints.commands.console import print_line, stop_on_signals, within_grace
from editqueue.entrypoints.commands.consuming import make_consumer
from editqueue.entrypoints.commands.counting import metrics_served
from editqueue.entrypoints.commands.demo_client import MIME_OF, OrderClient, open_client
from editqueue.entrypoints.commands.demo_photos import EDITED, ROOM_TYPES, WAITING, Room, generate_photos
from editqueue.entrypoints.commands.serving import listening, make_web_server, run_both
from editqueue.entrypoints.http.auth import issue_token
from editqueue.ports.job_store import JobQuery, JobStore
from editqueue.settings import Settings, load_settings
from editqueue.use_cases.operator.create_order import create_order
from editqueue.wiring.data_dir import jwt_secret, prepared_data_dir
from editqueue.wiring.server import open_server

USER = "demo"
HOST = "127.0.0.1"
POLL = 0.2
"""Seconds between looks at the status, as a page would."""
PATIENCE = timedelta(minutes=30)
SESSION = timedelta(days=1)
"""How long the link to the review page stays signed in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    file: dict[str, Any]
    seconds: float | None
    link: str | None
    reason: str | None = None
    """Why it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    order_id: str
    store: JobStore


async def run_demo(folder: Path | None, *, port: int, exit_at_end: bool, links: bool = True) -> None:
    """Raises SetupError when not every file was done, for a folder without photos and the like.

    `links` is False where nothing will serve them afterwards.
    """
    settings = load_settings()
    photos = None if folder is None else _photos_in(folder)
    leaves_some = photos is None and not exit_at_end
    secret = jwt_secret(settings)
    token = issue_token(USER, secret=secret, now=datetime.now(UTC), ttl=SESSION)
    with _listening_somewhere(port) as listener:
        url = public_url(settings, HOST, listener.getsockname()[1])
        stop = asyncio.Event()
        with stop_on_signals(stop):
            async with (
                _running(settings, secret, listener, url, stop) as running,
                open_client(url, token, running.order_id) as client,
            ):
                edited = await within_grace(
                    _sample_order(client, photos, leaves_some=leaves_some),
                    stop,
                    grace=timedelta(0),
                    otherwise="stopped before every file was done",
                )
                results = await _with_reasons(edited, running)
                _print_table(results)
                if links:
                    _print_links(results, url)
                    print_line("")
                if leaves_some:
                    print_line(
                        f"{len(WAITING)} more photos are uploaded and wait for you: "
                        "mark and submit them on the review page."
                    )
                if links:
                    print_line("Review page, signed in for a day:")
                    print_line(f"  {review_link(url, running.order_id, token)}")
                if exit_at_end and links:
                    again = f"editqueue serve --port {listener.getsockname()[1]}"
                    print_line(
                        f"Ending now (--exit); on the same database and bucket, `{again}` brings these links back."
                    )
                if not exit_at_end:
                    print_line("Serving until Ctrl-C.")
                    await stop.wait()
    undone = [_undone(result) for result in results if result.file["status"] != "done"]
    if undone:
        raise SetupError(f"{len(undone)} of {len(results)} files did not get done: {', '.join(undone[:5])}")


def _undone(result: Result) -> str:
    return f"{result.file['name']} ({result.reason or result.file['status']})"


def _photos_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SetupError(f"{folder}: no such folder; give one with photos, or none for generated ones")
    photos = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in MIME_OF)
    if not photos:
        raise SetupError(f"{folder}: no photos in it ({', '.join(sorted(MIME_OF))})")
    return photos


def _listening_somewhere(port: int) -> socket.socket:
    """On `port`, or on a free one if it is taken."""
    try:
        return listening(HOST, port)
    except SetupError:
        listener = listening(HOST, 0)
        print_line(f"Port {port} is taken; using {listener.getsockname()[1]} instead.")
        return listener


@asynccontextmanager
async def _running(
    settings: Settings, secret: str, listener: socket.socket, url: str, stop: asyncio.Event
) -> AsyncGenerator[Running]:
    """The system with a fresh order, its logs in a file so that the screen stays readable."""
    log_path = prepared_data_dir(settings) / "demo.log"
    with log_path.open("a", encoding="utf-8") as log:
        async with open_server(settings, base_url=url, log=log) as server, metrics_served(server, settings):
            await confirm_bucket(server, working=True)
            ports = server.ports
            order = await create_order(user_id=USER, title="Musterhaus", store=ports.store, clock=ports.clock)
            print_line(f"Order {order.id} on {url}, logs in {log_path}")
            web, consumer = make_web_server(server, settings, secret), make_consumer(server, settings, stop)
            work = asyncio.create_task(run_both(web, consumer, listener, stop))
            try:
                yield Running(order_id=order.id, store=ports.store)
            finally:
                stop.set()
                await work


async def _sample_order(client: OrderClient, photos: list[Path] | None, *, leaves_some: bool) -> Sequence[Result]:
    """`leaves_some` uploads more photos at the end, for whoever opens the review page to mark and submit."""
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        if photos is None:
            ids = await _upload_drawn(client, progress, EDITED)
        else:
            ids = await _upload(client, progress, iter(photos), len(photos))
        seconds = await _edit(client, progress, ids)
        results = [
            Result(file=file, seconds=seconds.get(file["id"]), link=await client.preview_link(file["id"]))
            for file in await client.files()
        ]
        if leaves_some:
            await _upload_drawn(client, progress, WAITING)
    return results


async def _upload_drawn(client: OrderClient, progress: Progress, rooms: Sequence[Room]) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        return await _upload(client, progress, generate_photos(Path(scratch), rooms), len(rooms), ROOM_TYPES)


async def _upload(
    client: OrderClient,
    progress: Progress,
    photos: Iterator[Path],
    count: int,
    room_types: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    bar = progress.add_task("uploading", total=count)
    ids: list[str] = []
    while (photo := await asyncio.to_thread(next, photos, None)) is not None:
        ids.append(await client.upload(photo, room_types.get(photo.name)))
        progress.advance(bar)
    return ids


async def _edit(client: OrderClient, progress: Progress, ids: list[str]) -> dict[str, float]:
    """Submit the files and wait until every one has ended; the seconds each was waited for."""
    waiting = await client.submit(ids)
    started = datetime.now(UTC)
    bar = progress.add_task("editing", total=len(waiting))
    seconds: dict[str, float] = {}
    while len(seconds) < len(waiting):
        passed = datetime.now(UTC) - started
        if passed > PATIENCE:
            raise SetupError(f"not finished after {PATIENCE}; see `editqueue status` and the log")
        for file in await client.files():
            if file["status"] in {"done", "failed"}:
                seconds.setdefault(file["id"], passed.total_seconds())
        progress.update(bar, completed=len(seconds))
        await asyncio.sleep(POLL)
    return seconds


async def _with_reasons(results: Sequence[Result], running: Running) -> Sequence[Result]:
    """The API words a failure for customers; whoever runs the demo reads what the job says of it."""
    query = JobQuery(status=JobStatus.FAILED, order_id=running.order_id, limit=10_000)
    errors = {job.file_id: job.error for job in await running.store.jobs(query)}
    return [replace(result, reason=errors.get(result.file["id"])) for result in results]


def _print_table(results: Sequence[Result]) -> None:
    table = Table(title="The order, edited")
    table.add_column("file")
    table.add_column("status")
    table.add_column("seconds", justify="right")
    table.add_column("bytes", justify="right")
    if any(result.reason for result in results):
        table.add_column("why")
    for result in results:
        took = "-" if result.seconds is None else f"{result.seconds:.1f}"
        facts = (escape(result.file["name"]), result.file["status"], took, f"{result.file['bytes']:,}")
        table.add_row(*facts, *([escape(result.reason)] if result.reason else []))
    Console().print(table)


def _print_links(results: Sequence[Result], url: str) -> None:
    print_line("Previews (each link works for five minutes):")
    for result in results:
        print_line(f"  {result.file['name']}: {result.link or 'none'}")
    print_line(f"API: {url}/openapi.json")
