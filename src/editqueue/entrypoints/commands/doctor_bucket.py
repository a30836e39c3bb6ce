"""What doctor finds out about the bucket and its objects."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import httpx
from starlette.types import ASGIApp

from editqueue.domain.errors import EditQueueError
from editqueue.ports.bucket import Bucket
from editqueue.ports.job_store import JobStore
from editqueue.settings import Settings
from editqueue.use_cases.operator.check_objects import SAFE_AGE, Finding, ObjectReport, check_objects
from editqueue.wiring.server import DEFAULT_BASE_URL, confirm_bucket_folder, is_bucket_made, look_at_bucket, open_bucket
from editqueue.wiring.system_clock import SystemClock


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str
    remedy: str = ""


async def check_bucket(
    settings: Settings, store: JobStore | None, stack: AsyncExitStack
) -> tuple[Bucket | None, Check]:
    """A real write, sign, read and delete."""
    try:
        if store is not None:
            await confirm_bucket_folder(settings, store)
        elif not await is_bucket_made(settings):
            detail = "not made yet: the database must say first whether it is new, or a disk that is not mounted"
            return None, Check(name="bucket", ok=True, detail=detail)
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


async def remove_leftovers(bucket: Bucket) -> Check:
    removed = await bucket.remove_leftovers(before=SystemClock().now() - SAFE_AGE, thorough=True)
    return Check(name="leftovers", ok=True, detail=f"{removed} pieces of writes that died were removed")


async def check_stored_objects(bucket: Bucket, store: JobStore, *, fix: bool) -> AsyncGenerator[Check]:
    try:
        found = await check_objects(bucket=bucket, store=store, clock=SystemClock(), remove=fix)
    except EditQueueError as error:
        remedy = "see the findings above and run doctor again"
        yield Check(name="objects", ok=False, detail=str(error), remedy=remedy)
        return
    yield _objects_missing(found.missing)
    yield _stray(found, fixed=fix)


def _objects_missing(missing: Finding) -> Check:
    if not missing.count:
        return Check(name="objects", ok=True, detail="every done file has its objects")
    return Check(
        name="objects",
        ok=False,
        detail=f"{missing.count} done files lack their processed or preview object: {examples_of(missing)}",
        remedy="ask for a revision of these files (POST /api/files/{id}/revision); RAW is not affected",
    )


def _stray(found: ObjectReport, *, fixed: bool) -> Check:
    count = found.stray.count
    if count and fixed:
        return Check(name="stray objects", ok=True, detail=f"{count} objects without a file were removed")
    if count:
        detail = f"{count} objects under processed/ or preview/ have no file: {examples_of(found.stray)}"
        return Check(
            name="stray objects", ok=False, detail=detail, remedy="editqueue doctor --fix removes those over a day old"
        )
    uploads = f"; {found.unfinished} uploads were never finalized" if found.unfinished else ""
    return Check(name="stray objects", ok=True, detail=f"none{uploads}")


def examples_of(finding: Finding) -> str:
    return ", ".join(finding.examples) + (", ..." if finding.count > len(finding.examples) else "")
