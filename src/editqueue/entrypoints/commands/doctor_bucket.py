"""What doctor finds out about the bucket and its objects."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx
from starlette.types import ASGIApp

from editqueue.domain.errors import EditQueueError, StorageUnavailable
from editqueue.entrypoints.commands.check import Check, broken, good
from editqueue.ports.bucket import Bucket
from editqueue.ports.job_store import JobStore
from editqueue.settings import Settings
from editqueue.use_cases.operator.check_objects import SAFE_AGE, Finding, ObjectReport, check_objects
from editqueue.wiring.bucket_folder import bucket_folder
from editqueue.wiring.places import shown_bucket
from editqueue.wiring.server import confirm_bucket_folder, is_bucket_made, look_at_bucket, open_bucket
from editqueue.wiring.system_clock import SystemClock


async def check_bucket(
    settings: Settings, store: JobStore | None, stack: AsyncExitStack
) -> tuple[Bucket | None, Check]:
    """A real write, sign, read and delete, in a bucket that is there: none is made."""
    try:
        if store is not None:
            await confirm_bucket_folder(settings, store)
        absent = await _absent(settings)
        if absent is not None:
            return None, absent
        bucket, app = open_bucket(settings)
        stack.push_async_callback(bucket.close)
        await look_at_bucket(bucket)  # before a write: there are servers that make a bucket of it
        same = await _probe(bucket, app)
    except (EditQueueError, httpx.HTTPError) as error:
        return None, broken("bucket", str(error) or type(error).__name__, _remedy(settings, error))
    if not same:
        remedy = "look for something between editqueue and the bucket that changes what passes through"
        return None, broken("bucket", "what was read is not what was written", remedy)
    return bucket, good("bucket", f"{shown_bucket(settings, bucket)}: written, signed, read, deleted")


async def _absent(settings: Settings) -> Check | None:
    """What to say of a local bucket that is not there; None where there is one. Raises SetupError."""
    folder = bucket_folder(settings)
    if folder is None or await is_bucket_made(settings) or folder.is_dir():
        return None
    if settings.given_bucket_url is None:
        return good("bucket", f"{folder}: not made yet; the first `editqueue serve` or `consume` makes it")
    remedy = f"mount its disk, or mend EDITQUEUE_BUCKET_URL; if it is new, make it: mkdir -p {folder}"
    return broken("bucket", f"there is no folder {folder}", remedy)


def _remedy(settings: Settings, error: Exception) -> str:
    folder = bucket_folder(settings)
    if folder is not None:
        return f"check EDITQUEUE_BUCKET_URL, free space and permissions of {folder}"
    if not isinstance(error, (StorageUnavailable, httpx.HTTPError)):
        return "check EDITQUEUE_BUCKET_URL, R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY"
    if settings.s3_endpoint is None:
        return "check the network, CLOUDFLARE_ACCOUNT_ID and R2_JURISDICTION, from which R2's address follows"
    return f"check EDITQUEUE_S3_ENDPOINT={settings.s3_endpoint}, that its server runs and can be reached from here"


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
    return good("leftovers", f"{removed} pieces of writes that died were removed")


async def check_stored_objects(bucket: Bucket, store: JobStore, *, fix: bool) -> AsyncGenerator[Check]:
    try:
        found = await check_objects(bucket=bucket, store=store, clock=SystemClock(), remove=fix)
    except EditQueueError as error:
        remedy = "see the findings above and run doctor again"
        yield broken("objects", str(error), remedy)
        return
    yield _objects_missing(found.missing)
    yield _stray(found, fixed=fix)


def _objects_missing(missing: Finding) -> Check:
    if not missing.count:
        return good("objects", "every done file has its objects")
    return broken(
        "objects",
        f"{missing.count} done files lack their processed or preview object: {examples_of(missing)}",
        "ask for a revision of these files (POST /api/files/{id}/revision); RAW is not affected",
    )


def _stray(found: ObjectReport, *, fixed: bool) -> Check:
    count = found.stray.count
    if count and fixed:
        return good("stray objects", f"{count} objects without a file were removed")
    if count:
        detail = f"{count} objects under processed/ or preview/ have no file: {examples_of(found.stray)}"
        return broken("stray objects", detail, "editqueue doctor --fix removes those over a day old")
    uploads = f"; {found.unfinished} uploads were never finalized" if found.unfinished else ""
    return good("stray objects", f"none{uploads}")


def examples_of(finding: Finding) -> str:
    return ", ".join(finding.examples) + (", ..." if finding.count > len(finding.examples) else "")
