"""doctor: what is wrong with this installation, and what to do about it."""

import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

import httpx

from editqueue.domain.errors import EditQueueError, SetupError
from editqueue.domain.files import File, FileStatus
from editqueue.domain.keys import ObjectKeys
from editqueue.entrypoints.commands.running import print_json, print_line
from editqueue.ports import JobStore, Ports
from editqueue.settings import Settings, load_settings
from editqueue.wiring.server import Server, image_tools, open_server

SAFE_AGE = timedelta(days=1)
"""Objects younger than this may belong to work under way; `--fix` leaves them alone."""
PAGE = 1000
SHOWN = 5
"""Examples named in a finding; the rest is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str
    remedy: str = ""


async def run_doctor(*, fix: bool, as_json: bool) -> None:
    """Print every check. Raises SetupError when something is broken."""
    checks = [check async for check in _check_all(fix=fix)]
    broken = [check.name for check in checks if not check.ok]
    if as_json:
        print_json({"healthy": not broken, "checks": [asdict(check) for check in checks]})
    else:
        _print_checks(checks)
    if broken:
        raise SetupError(f"{len(broken)} of {len(checks)} checks found something broken: {_some(broken)}")


def _print_checks(checks: Sequence[Check]) -> None:
    for check in checks:
        print_line(f"{'ok    ' if check.ok else 'BROKEN'}  {check.name}: {check.detail}")
        if check.remedy:
            print_line(f"        -> {check.remedy}")


async def _check_all(*, fix: bool) -> AsyncGenerator[Check]:
    try:
        settings = load_settings()
    except SetupError as error:
        yield Check(name="settings", ok=False, detail=str(error), remedy="set it right and run doctor again")
        return
    yield Check(name="settings", ok=True, detail=_kind(settings))
    for tool in image_tools():
        remedy = "" if tool.version else f"for {tool.reads}: {tool.remedy}"
        missing = "not installed" if tool.package != "pyvips" else "not installed: every preview is a plain copy"
        ok = tool.version is not None or tool.package != "pyvips"
        yield Check(name=f"image tool {tool.package}", ok=ok, detail=tool.version or missing, remedy=remedy)
    try:
        async with open_server(settings) as server:
            yield Check(name="database", ok=True, detail="reachable, schema up to date")
            async for check in _check_inside(server, settings, fix=fix):
                yield check
    except EditQueueError as error:
        yield Check(name="installation", ok=False, detail=str(error), remedy=_remedy(error))


async def _check_inside(server: Server, settings: Settings, *, fix: bool) -> AsyncGenerator[Check]:
    yield await _check_bucket(server)
    yield Check(name="queue", ok=True, detail=_queue_words(settings))
    yield await _check_locks(server.ports, fix=fix)
    for check in await _compare_bucket_with_books(server.ports, fix=fix):
        yield check


async def _check_bucket(server: Server) -> Check:
    """A real write, sign, read and delete."""
    bucket = server.ports.bucket
    key = f"doctor/probe-{secrets.token_hex(8)}.txt"
    body = secrets.token_bytes(64)
    try:
        await bucket.write(key, body, content_type="text/plain")
        url = await bucket.sign_get(key, expires_in=timedelta(minutes=1))
        signed = await _get(url, server)
        read = await bucket.read(key)
        await bucket.delete([key])
    except (EditQueueError, httpx.HTTPError) as error:
        return Check(
            name="bucket",
            ok=False,
            detail=str(error),
            remedy="check EDITQUEUE_BUCKET_URL, its credentials, free space and permissions",
        )
    if read != body or signed != body:
        return Check(name="bucket", ok=False, detail="what was read is not what was written")
    return Check(name="bucket", ok=True, detail=f"{bucket.name}: written, signed, read, deleted")


async def _get(url: str, server: Server) -> bytes:
    """Follow a signed URL; that of a local bucket without a running server."""
    local = server.object_app
    transport = None if local is None else httpx.ASGITransport(app=local)
    async with httpx.AsyncClient(transport=transport, timeout=10) as client:
        answer = await client.get(url if local is None else url.replace("/objects/", "/", 1))
        return answer.raise_for_status().content


async def _check_locks(ports: Ports, *, fix: bool) -> Check:
    now = ports.clock.now()
    found = (await ports.store.census(now=now)).stale_locks
    if found and fix:
        reset = await ports.store.reset_stale_locks(now=now)
        return Check(name="locks", ok=True, detail=f"{len(reset)} locks without a job were reset")
    if found:
        return Check(
            name="locks",
            ok=False,
            detail=f"{found} files are locked without a job in progress",
            remedy="editqueue doctor --fix resets them",
        )
    return Check(name="locks", ok=True, detail="every lock has its job")


async def _compare_bucket_with_books(ports: Ports, *, fix: bool) -> Sequence[Check]:
    there = {one.key: one.last_modified async for one in ports.bucket.list("user/")}
    missing: list[str] = []
    async for file in _all_files(ports.store):
        keys = ObjectKeys.from_raw(file.object_key)
        if _is_published(file) and not {keys.processed, keys.preview} <= there.keys():
            missing.append(file.id)
        for key in (keys.raw, keys.processed, keys.preview):
            there.pop(key, None)
    old = ports.clock.now() - SAFE_AGE
    stray = [key for key, modified in there.items() if modified < old]
    return [_objects_missing(missing), await _stray(stray, ports, fix=fix)]


def _objects_missing(ids: Sequence[str]) -> Check:
    if not ids:
        return Check(name="objects", ok=True, detail="every done file has its objects")
    return Check(
        name="objects",
        ok=False,
        detail=f"{len(ids)} done files lack their processed or preview object: {_some(ids)}",
        remedy="ask for a revision of these files (POST /api/files/{id}/revision); RAW is not affected",
    )


async def _stray(keys: Sequence[str], ports: Ports, *, fix: bool) -> Check:
    made = [key for key in keys if "/raw/" not in key]
    if made and fix:
        await ports.bucket.delete(made)
        return Check(name="stray objects", ok=True, detail=f"{len(made)} objects without a file were removed")
    if made:
        detail = f"{len(made)} objects under processed/ or preview/ have no file: {_some(made)}"
        return Check(
            name="stray objects", ok=False, detail=detail, remedy="editqueue doctor --fix removes those over a day old"
        )
    uploads = f"; {len(keys)} uploads were never finalized" if keys else ""
    return Check(name="stray objects", ok=True, detail=f"none{uploads}")


async def _all_files(store: JobStore) -> AsyncGenerator[File]:
    after = ""
    while page := await store.known_objects(after_key=after, limit=PAGE):
        for file in page:
            yield file
        after = page[-1].object_key


def _is_published(file: File) -> bool:
    return file.status is FileStatus.DONE and file.preview_url is not None and file.deleted_at is None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _kind(settings: Settings) -> str:
    return f"embedded in {settings.data_dir}" if settings.embedded else "database and secret of your own"


def _queue_words(settings: Settings) -> str:
    words: dict[str, str] = {
        "local": "local: wakes the consumer of the same process",
        "none": "none: the sweep alone moves the work",
    }
    return words[settings.queue]


def _remedy(error: EditQueueError) -> str:
    return "editqueue migrate" if "schema" in str(error) else "mend it and run doctor again"
