"""doctor: what is wrong with this installation, and what to do about it."""

import secrets
from collections.abc import AsyncGenerator, Awaitable, Container, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import httpx
from starlette.types import ASGIApp

from editqueue.domain.errors import EditQueueError, ObjectMissing, SetupError
from editqueue.domain.files import File, FileStatus
from editqueue.domain.keys import ObjectKeys
from editqueue.entrypoints.commands.console import print_json, print_line
from editqueue.ports.bucket import Bucket
from editqueue.ports.job_store import JobStore
from editqueue.settings import Settings, load_settings
from editqueue.use_cases.operator.release_locks import release_locks
from editqueue.wiring.data_dir import jwt_secret, prepared_data_dir
from editqueue.wiring.job_queue import look_at_queue
from editqueue.wiring.server import DEFAULT_BASE_URL, Tool, image_tools, look_at_bucket, open_bucket, open_job_store
from editqueue.wiring.system_clock import SystemClock

SAFE_AGE = timedelta(days=1)
"""Objects younger than this may belong to work under way; `--fix` leaves them alone."""
PAGE = 1000
_QUEUE_WORDS: Mapping[str, str] = {
    "local": "local: wakes the consumer of the same process",
    "none": "none: the sweep alone moves the work",
}
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
        for check in checks:
            print_line(f"{'ok    ' if check.ok else 'BROKEN'}  {check.name}: {check.detail}")
            if check.remedy:
                print_line(f"        -> {check.remedy}")
    if broken:
        raise SetupError(f"{len(broken)} of {len(checks)} checks found something broken: {_some(broken)}")


async def _check_all(*, fix: bool) -> AsyncGenerator[Check]:
    """One after the other; what is broken does not hide what else is."""
    try:
        settings = load_settings()
        jwt_secret(settings)
        if settings.embedded:
            prepared_data_dir(settings)
    except SetupError as error:
        yield Check(name="settings", ok=False, detail=str(error), remedy="set it right and run doctor again")
        return
    kind = f"embedded in {settings.data_dir}" if settings.embedded else "database and secret of your own"
    yield Check(name="settings", ok=True, detail=kind)
    for tool in image_tools():
        yield _check_tool(tool)
    yield await _check_queue(settings)
    async for check in _check_stores(settings, fix=fix):
        yield check


def _check_tool(tool: Tool) -> Check:
    needed = tool.package == "pyvips"
    missing = "not installed: every preview is a plain copy" if needed else "not installed"
    return Check(
        name=f"image tool {tool.package}",
        ok=tool.version is not None or not needed,
        detail=tool.version or missing,
        remedy="" if tool.version else f"for {tool.reads}: {tool.remedy}",
    )


async def _check_queue(settings: Settings) -> Check:
    found = await look_at_queue(settings)
    if found is None:
        return Check(name="queue", ok=True, detail=_QUEUE_WORDS[settings.queue])
    return Check(name="queue", ok=found.ok, detail=found.detail, remedy=found.remedy)


async def _check_stores(settings: Settings, *, fix: bool) -> AsyncGenerator[Check]:
    async with AsyncExitStack() as stack:
        bucket, check = await _check_bucket(settings, stack)
        yield check
        store, check = await _check_database(settings, stack)
        yield check
        if store is not None:
            yield await _guarded("locks", _check_locks(store, fix=fix))
        if bucket is not None and fix:
            yield await _guarded("leftovers", _remove_leftovers(bucket))
        if bucket is not None and store is not None:
            there = {one.key: one.last_modified async for one in bucket.list("user/")}
            yield await _guarded("objects", _check_objects(there, bucket, store))
            yield await _guarded("stray objects", _check_stray(there, bucket, store, fix=fix))


async def _guarded(name: str, work: Awaitable[Check]) -> Check:
    try:
        return await work
    except EditQueueError as error:
        return Check(name=name, ok=False, detail=str(error), remedy="see the findings above and run doctor again")


async def _check_database(settings: Settings, stack: AsyncExitStack) -> tuple[JobStore | None, Check]:
    try:
        store = await stack.enter_async_context(open_job_store(settings))
        await store.queue_stats(now=SystemClock().now())
    except EditQueueError as error:
        remedy = "editqueue migrate" if "schema" in str(error) else "check EDITQUEUE_DATABASE_URL and its server"
        return None, Check(name="database", ok=False, detail=str(error), remedy=remedy)
    return store, Check(name="database", ok=True, detail="reachable, schema up to date")


async def _check_bucket(settings: Settings, stack: AsyncExitStack) -> tuple[Bucket | None, Check]:
    """A real write, sign, read and delete."""
    try:
        bucket, app = open_bucket(settings, base_url=DEFAULT_BASE_URL)
        stack.push_async_callback(bucket.close)
        await look_at_bucket(bucket)  # before a write: there are servers that make a bucket of it
        same = await _probe(bucket, app)
    except (EditQueueError, httpx.HTTPError) as error:
        remedy = "check EDITQUEUE_BUCKET_URL, its credentials, free space and permissions"
        return None, Check(name="bucket", ok=False, detail=str(error) or type(error).__name__, remedy=remedy)
    if not same:
        remedy = "look for something between editqueue and the bucket that changes what passes through"
        return None, Check(name="bucket", ok=False, detail="what was read is not what was written", remedy=remedy)
    return bucket, Check(name="bucket", ok=True, detail=f"{bucket.name}: written, signed, read, deleted")


async def _probe(bucket: Bucket, app: ASGIApp | None) -> bool:
    """True if both ways of reading gave what was written."""
    key = f"doctor/probe-{secrets.token_hex(8)}.txt"
    body = secrets.token_bytes(64)
    await bucket.write(key, body, content_type="text/plain")
    try:
        signed = await _get(await bucket.sign_get(key, expires_in=timedelta(minutes=1)), app)
        return await bucket.read(key) == body == signed
    finally:
        await bucket.delete([key])


async def _get(url: str, app: ASGIApp | None) -> bytes:
    """Follow a signed URL; that of a local bucket without a running server."""
    transport = None if app is None else httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, timeout=10) as client:
        answer = await client.get(url if app is None else url.replace("/objects/", "/", 1))
        return answer.raise_for_status().content


async def _check_locks(store: JobStore, *, fix: bool) -> Check:
    clock = SystemClock()
    if fix and (released := await release_locks(store=store, clock=clock)):
        return Check(name="locks", ok=True, detail=f"{len(released)} locks without a job were reset")
    if found := (await store.queue_stats(now=clock.now())).stale_locks:
        return Check(
            name="locks",
            ok=False,
            detail=f"{found} files are locked without a job in progress",
            remedy="editqueue doctor --fix resets them",
        )
    return Check(name="locks", ok=True, detail="every lock has its job")


async def _remove_leftovers(bucket: Bucket) -> Check:
    removed = await bucket.remove_leftovers(before=SystemClock().now() - SAFE_AGE)
    return Check(name="leftovers", ok=True, detail=f"{removed} pieces of writes that died were removed")


async def _check_objects(there: Container[str], bucket: Bucket, store: JobStore) -> Check:
    published = [file async for file in _all_files(store) if _is_published(file)]
    missing = [file.id for file in published if not await _has_objects(file, there, bucket)]
    return _objects_missing(missing)


async def _has_objects(file: File, there: Container[str], bucket: Bucket) -> bool:
    """Asks again for what the listing lacks: the file may have been finished since."""
    keys = ObjectKeys.from_raw(file.object_key)
    try:
        for key in (keys.processed, keys.preview):
            if key not in there:
                await bucket.head(key)
    except ObjectMissing:
        return False
    return True


async def _check_stray(there: Mapping[str, datetime], bucket: Bucket, store: JobStore, *, fix: bool) -> Check:
    old = SystemClock().now() - SAFE_AGE
    stray = {key for key, modified in there.items() if modified < old}
    async for file in _all_files(store):
        keys = ObjectKeys.from_raw(file.object_key)
        stray -= {keys.raw, keys.processed, keys.preview}
    return await _stray(sorted(stray), bucket, fix=fix)


def _objects_missing(ids: Sequence[str]) -> Check:
    if not ids:
        return Check(name="objects", ok=True, detail="every done file has its objects")
    return Check(
        name="objects",
        ok=False,
        detail=f"{len(ids)} done files lack their processed or preview object: {_some(ids)}",
        remedy="ask for a revision of these files (POST /api/files/{id}/revision); RAW is not affected",
    )


async def _stray(keys: Sequence[str], bucket: Bucket, *, fix: bool) -> Check:
    made = [key for key in keys if "/raw/" not in key]
    if made and fix:
        await bucket.delete(made)
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
