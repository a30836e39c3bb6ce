"""demo: a sample order through the real HTTP API, from upload to preview."""

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from editqueue.domain.errors import SetupError
from editqueue.entrypoints.commands.console import print_line, stop_on_signals
from editqueue.entrypoints.commands.demo_photos import EDITED, ROOM_TYPES, WAITING, Room, generate_photos
from editqueue.entrypoints.commands.serving import (
    base_url,
    confirm_bucket,
    listening,
    metrics_served,
    review_link,
    run_both,
)
from editqueue.entrypoints.http.auth import issue_token
from editqueue.settings import Settings, load_settings
from editqueue.use_cases.operator.create_order import create_order
from editqueue.wiring.server import open_server

USER = "demo"
HOST = "127.0.0.1"
MIME_OF = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".avif": "image/avif",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".heic": "image/heic", ".heif": "image/heif",
    ".dng": "image/x-adobe-dng", ".cr2": "image/x-canon-cr2", ".cr3": "image/x-canon-cr3",
    ".nef": "image/x-nikon-nef", ".arw": "image/x-sony-arw", ".raf": "image/x-fuji-raf",
    ".orf": "image/x-olympus-orf", ".rw2": "image/x-panasonic-rw2", ".pef": "image/x-pentax-pef",
    ".srw": "image/x-samsung-srw", ".mp4": "video/mp4", ".mov": "video/quicktime",
}  # fmt: skip
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


async def run_demo(folder: Path | None, *, port: int, exit_at_end: bool) -> None:
    """Raises SetupError when not every file was done, for a folder without photos and the like."""
    settings = load_settings()
    if folder is not None:
        _photos_in(folder)
    with _listening_somewhere(port) as listener:
        url = base_url(HOST, listener.getsockname()[1])
        stop = asyncio.Event()
        with stop_on_signals(stop):
            async with _running(settings, listener, url, stop) as order_id, _client(settings, url) as client:
                leaves_some = folder is None and not exit_at_end
                work = _sample_order(client, order_id, folder, leaves_some=leaves_some)
                results = await _unless(stop, _answered(work))
                if results is None:
                    raise SetupError("stopped before every file was done")
                _print_results(results, url)
                _print_review_link(settings, url, order_id, waiting=len(WAITING) if leaves_some else 0)
                if exit_at_end:
                    again = f"editqueue serve --port {listener.getsockname()[1]}"
                    print_line(
                        f"Ending now (--exit); on the same database and bucket, `{again}` brings these links back."
                    )
                else:
                    print_line("Serving until Ctrl-C.")
                    await stop.wait()
    undone = [str(one.file["name"]) for one in results if one.file["status"] != "done"]
    if undone:
        raise SetupError(f"{len(undone)} of {len(results)} files did not get done: {', '.join(undone[:5])}")


@asynccontextmanager
async def _running(settings: Settings, listener: socket.socket, url: str, stop: asyncio.Event) -> AsyncGenerator[str]:
    """The system with a fresh order, its logs in a file so that the screen stays readable."""
    log_path = settings.prepared_data_dir() / "demo.log"
    with log_path.open("a", encoding="utf-8") as log:
        async with open_server(settings, base_url=url, log=log) as server, metrics_served(server, settings):
            await confirm_bucket(server, working=True)
            ports = server.ports
            order = await create_order(user_id=USER, title="Musterhaus", store=ports.store, clock=ports.clock)
            print_line(f"Order {order.id} on {url}, logs in {log_path}")
            work = asyncio.create_task(run_both(server, settings, listener, stop=stop, with_consumer=True))
            try:
                yield order.id
            finally:
                stop.set()
                await work


async def _answered(work: Awaitable[Sequence[Result]]) -> Sequence[Result]:
    try:
        return await work
    except httpx.HTTPError as error:
        raise SetupError(f"the demo's server does not answer ({type(error).__name__}: {error}); see its log") from error


async def _sample_order(
    client: httpx.AsyncClient, order_id: str, folder: Path | None, *, leaves_some: bool
) -> Sequence[Result]:
    """`leaves_some` uploads more photos at the end, for whoever opens the review page to mark and submit."""
    with _progress() as progress:
        upload = _Uploads(client, order_id, progress)
        ids = await (upload.drawn(EDITED) if folder is None else upload.found(_photos_in(folder)))
        results = await _edit(client, order_id, progress, ids)
        if leaves_some:
            await upload.drawn(WAITING)
    return results


@dataclass(frozen=True, slots=True)
class _Uploads:
    client: httpx.AsyncClient
    order_id: str
    progress: Progress

    async def found(self, photos: Sequence[Path]) -> list[str]:
        return await self._each(iter(photos), len(photos))

    async def drawn(self, rooms: Sequence[Room]) -> list[str]:
        with tempfile.TemporaryDirectory() as scratch:
            return await self._each(generate_photos(Path(scratch), rooms), len(rooms), ROOM_TYPES)

    async def _each(
        self, photos: Iterator[Path], count: int, room_types: Mapping[str, str] = MappingProxyType({})
    ) -> list[str]:
        bar = self.progress.add_task("uploading", total=count)
        ids: list[str] = []
        while (photo := await asyncio.to_thread(next, photos, None)) is not None:
            room_type = room_types.get(photo.name)
            ids.append(await _upload(self.client, self.order_id, photo, room_type))
            self.progress.advance(bar)
        return ids


async def _edit(client: httpx.AsyncClient, order_id: str, progress: Progress, ids: list[str]) -> Sequence[Result]:
    await _call(client, "POST", "/api/files/bulk-mark", {"ids": ids, "marked": True})
    jobs = await _call(client, "POST", f"/api/orders/{order_id}/submit-edits", {"files": ids})
    seconds = await _watch(client, order_id, progress, {job["file_id"] for job in jobs["jobs"]})
    return [await _result(client, file, seconds) for file in await _files(client, order_id)]


async def _upload(client: httpx.AsyncClient, order_id: str, photo: Path, room_type: str | None) -> str:
    mime = MIME_OF[photo.suffix.lower()]
    wish = {"filename": photo.name, "mime": mime, "order_id": order_id, "room_type": room_type}
    intent = await _call(client, "POST", "/api/uploads/intent", wish)
    body = await asyncio.to_thread(photo.read_bytes)
    put = await client.put(intent["signed_url"], content=body, headers=intent["headers"])
    _check(put)
    done = {"object_key": intent["object_key"], "bytes": len(body)}
    return str((await _call(client, "POST", "/api/uploads/finalize", done))["file_id"])


async def _watch(client: httpx.AsyncClient, order_id: str, progress: Progress, waiting: set[str]) -> dict[str, float]:
    """Wait until every file has ended; the seconds each was waited for."""
    started = datetime.now(UTC)
    bar = progress.add_task("editing", total=len(waiting))
    seconds: dict[str, float] = {}
    while len(seconds) < len(waiting):
        passed = datetime.now(UTC) - started
        if passed > PATIENCE:
            raise SetupError(f"not finished after {PATIENCE}; see `editqueue status` and the log")
        for file in await _files(client, order_id):
            if file["status"] in {"done", "failed"}:
                seconds.setdefault(file["id"], passed.total_seconds())
        progress.update(bar, completed=len(seconds))
        await asyncio.sleep(POLL)
    return seconds


async def _files(client: httpx.AsyncClient, order_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await _call(client, "GET", f"/api/orders/{order_id}/files?limit=200{cursor}")
        found += page["files"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def _result(client: httpx.AsyncClient, file: dict[str, Any], seconds: dict[str, float]) -> Result:
    answer = await client.get(f"/api/files/{file['id']}/preview")
    link = str(answer.json()["url"]) if answer.status_code == 200 else None
    return Result(file=file, seconds=seconds.get(file["id"]), link=link)


async def _call(client: httpx.AsyncClient, method: str, path: str, body: object = None) -> Any:
    answer = await client.request(method, path, json=body)
    _check(answer)
    return answer.json()


def _check(answer: httpx.Response) -> None:
    if answer.is_error:
        request = f"{answer.request.method} {answer.request.url.path}"
        raise SetupError(f"{request} answered {answer.status_code}: {_detail(answer)}")


def _detail(answer: httpx.Response) -> str:
    """What the problem says, or the beginning of whatever else came back."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, LookupError, TypeError):
        return answer.text[:300]


def _client(settings: Settings, url: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {_token(settings)}"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=120, trust_env=False)


def _token(settings: Settings) -> str:
    return issue_token(USER, secret=settings.jwt_secret(), now=datetime.now(UTC), ttl=SESSION)


def _photos_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SetupError(f"{folder}: no such folder; give one with photos, or none for generated ones")
    photos = sorted(one for one in folder.iterdir() if one.is_file() and one.suffix.lower() in MIME_OF)
    if not photos:
        raise SetupError(f"{folder}: no photos in it ({', '.join(sorted(MIME_OF))})")
    return photos


@contextmanager
def _listening_somewhere(port: int) -> Generator[socket.socket]:
    """On `port`, or on a free one if it is taken."""
    with contextlib.ExitStack() as stack:
        try:
            listener = stack.enter_context(listening(HOST, port))
        except SetupError:
            listener = stack.enter_context(listening(HOST, 0))
            print_line(f"Port {port} is taken; using {listener.getsockname()[1]} instead.")
        yield listener


async def _unless(stop: asyncio.Event, work: Any) -> Any:
    """The result of `work`, or None when Ctrl-C came first."""
    task: asyncio.Task[Any] = asyncio.ensure_future(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait([task])
    return None


def _progress() -> Progress:
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(file=sys.stderr))


def _print_results(results: Iterable[Result], url: str) -> None:
    table = Table(title="The order, edited")
    for column, justify in (("file", "left"), ("status", "left"), ("seconds", "right"), ("bytes", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    rows = list(results)
    for one in rows:
        took = "-" if one.seconds is None else f"{one.seconds:.1f}"
        table.add_row(one.file["name"], one.file["status"], took, f"{one.file['bytes']:,}")
    Console().print(table)
    print_line("Previews (each link works for five minutes):")
    for one in rows:
        print_line(f"  {one.file['name']}: {one.link or 'none'}")
    print_line(f"API: {url}/openapi.json")


def _print_review_link(settings: Settings, url: str, order_id: str, *, waiting: int) -> None:
    print_line("")
    if waiting:
        print_line(f"{waiting} more photos are uploaded and wait for you: mark and submit them on the review page.")
    print_line("Review page, signed in for a day:")
    print_line(f"  {review_link(url, order_id, _token(settings))}")
