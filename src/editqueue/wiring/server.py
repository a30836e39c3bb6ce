"""The wiring of a server: settings to adapters. With its neighbours here the only place that names them."""

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.folder import LocalFolder
from editqueue.adapters.bucket.local.server import Report, create_object_app
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.adapters.bucket.reader import ObjectReaders
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.adapters.bucket.s3.urls import r2_endpoint
from editqueue.adapters.image_tools.available import Tool, available_tools
from editqueue.adapters.image_tools.copy_only import CopyOnly
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.processes.limits import WorkerLimits
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.adapters.journal.metrics import Metrics
from editqueue.domain.errors import SetupError, StorageUnavailable
from editqueue.ports import Ports
from editqueue.ports.bucket import Bucket
from editqueue.ports.image_tools import ImageTools
from editqueue.ports.job_store import OperatorStore, Schema
from editqueue.ports.journal import Journal
from editqueue.ports.time import Clock
from editqueue.settings import Settings
from editqueue.wiring.bucket_folder import bucket_folder, confirm_database, confirm_folder, is_bucket
from editqueue.wiring.data_dir import jwt_secret, prepared_data_dir
from editqueue.wiring.database_clock import running_clock
from editqueue.wiring.database_file import database_file
from editqueue.wiring.database_session import open_database_session
from editqueue.wiring.job_queue import open_queue
from editqueue.wiring.job_store import open_holder_of, open_store_of
from editqueue.wiring.journal import open_metered_journal
from editqueue.wiring.patience import consumers_client, workers_readers
from editqueue.wiring.system_clock import SystemClock
from editqueue.wiring.traces import open_traces

START_PATIENCE = 20
"""Seconds in which a bucket must answer when a program starts."""
DEFAULT_BASE_URL = "http://127.0.0.1:8787"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """The ports, and what only a server needs besides."""

    ports: Ports
    metrics: Metrics
    object_app: ASGIApp | None
    """Serves the signed URLs of a local bucket; None for S3, which serves its own."""
    preview_origin: str
    """Scheme, host and port of signed preview URLs."""
    traced: Callable[[ASGIApp], ASGIApp] | None = None
    """Around an API, makes traces of its requests; None where there are none."""


@asynccontextmanager
async def open_server(
    settings: Settings, *, base_url: str | None = None, log: TextIO | None = None, for_good: bool = False
) -> AsyncGenerator[Server]:
    """Open everything the settings name, and close it in reverse order. Raises SetupError.

    `base_url` is that of the API in this process. Without one it serves nothing, and needs no JWT_SECRET.
    The log goes to `log`, else to stderr. `for_good` is for a process that does nothing else until it ends: whatever
    Python and its libraries have to say becomes a line of the log as well.
    """
    if settings.embedded:
        prepared_data_dir(settings)
        await confirm_database(database_file(settings), bucket_folder(settings))
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(open_metered_journal(metrics, log=log, for_good=for_good))
        tracing = stack.enter_context(open_traces(settings, journal))
        store = await open_store_of(settings, traceparent=tracing and tracing.traceparent)
        stack.push_async_callback(store.close)
        if store.schema is not None:
            _tell_of_another_schema(store.schema, journal)
        if tracing is not None and not store.joins_traces:
            journal.warning("traces_not_joined", remedy="run `editqueue migrate`, then restart this")
        await confirm_bucket_folder(settings, store)
        clock = await stack.enter_async_context(
            running_clock(store.probe, journal=journal, report=metrics.skew.labels(against="database").set)
        )
        bucket, object_app = open_bucket(settings, base_url=base_url, report=partial(journal.error, None), clock=clock)
        stack.push_async_callback(bucket.close)
        session = open_database_session(settings, journal)
        if session is not None:
            stack.push_async_callback(session.close)
        queue = open_queue(settings, session)
        stack.push_async_callback(queue.close)
        images = _open_images(settings, bucket)
        stack.push_async_callback(images.close)
        ports = Ports(
            store=store,
            bucket=bucket,
            queue=queue,
            images=images,
            clock=clock,
            chance=random.random,
            journal=journal if tracing is None else tracing.journal(journal),
            pause=asyncio.sleep,
            limits=settings.limits,
            holder=open_holder_of(settings, session, journal),
        )
        yield Server(
            ports=ports,
            metrics=metrics,
            traced=tracing and tracing.requests,
            object_app=object_app,
            preview_origin=_origin(_endpoint(settings) if object_app is None else base_url or DEFAULT_BASE_URL),
        )


def _tell_of_another_schema(schema: Schema, journal: Journal) -> None:
    if schema.is_older:
        journal.warning("schema_is_older", revision=schema.revision, newest=schema.newest)
    if schema.is_newer:
        journal.warning("schema_is_newer", revision=schema.revision, newest=schema.newest)


async def confirm_bucket_folder(settings: Settings, store: OperatorStore) -> None:
    """Before a local bucket is opened, which makes it. Raises SetupError if its disk seems not to be mounted."""
    folder = bucket_folder(settings)
    if folder is not None:
        await confirm_folder(folder, store)


async def is_bucket_made(settings: Settings) -> bool:
    """Whether opening the bucket would make nothing. Raises SetupError."""
    folder = bucket_folder(settings)
    return folder is None or await is_bucket(folder)


def open_bucket(
    settings: Settings, *, base_url: str | None = None, report: Report | None = None, clock: Clock | None = None
) -> tuple[Bucket, ASGIApp | None]:
    """The bucket, and the app that serves the signed URLs of a local one at `base_url`. Raises SetupError.

    `clock` is for signed URLs; without one it is the system's, by which all requests of ours are signed.
    """
    system = SystemClock()
    clock = clock or system
    folder = bucket_folder(settings)
    if folder is None:
        client = consumers_client(_s3_client(settings), settings.limits.job_timeout)
        return S3Bucket(client, clock=clock, system=system), None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"EDITQUEUE_BUCKET_URL: cannot make {folder}: {error.strerror}; give a folder you may write"
        ) from error
    # Who serves nothing hands out no links: what it would sign with this throw-away secret, nobody accepts.
    secret = secrets.token_hex(32) if base_url is None else jwt_secret(settings)
    signer = UrlSigner(secret=secret, clock=clock)
    bucket = LocalBucket(folder, signer=signer, base_url=f"{base_url or DEFAULT_BASE_URL}/objects")
    return bucket, create_object_app(bucket, signer, allowed_origins=settings.allowed_origins, report=report)


def _s3_client(settings: Settings) -> S3Client:
    return S3Client(
        bucket=urlsplit(settings.bucket_url).netloc,
        endpoint=_endpoint(settings),
        access_key_id=settings.r2_access_key_id or "",
        secret_access_key=settings.r2_secret_access_key or "",
    )


async def look_at_bucket(bucket: Bucket) -> None:
    """Ask the bucket something harmless. Raises PermanentError and StorageUnavailable, naming the setting."""
    try:
        async with asyncio.timeout(START_PATIENCE):
            async for _ in bucket.list("is-it-there"):
                break
    except TimeoutError as error:
        raise StorageUnavailable(
            f"bucket {bucket.name!r} did not answer within {START_PATIENCE} s: check EDITQUEUE_BUCKET_URL and, "
            "if it is given, EDITQUEUE_S3_ENDPOINT"
        ) from error


def _endpoint(settings: Settings) -> str:
    return settings.s3_endpoint or r2_endpoint(
        settings.cloudflare_account_id or "", jurisdiction=settings.r2_jurisdiction
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _open_images(settings: Settings, bucket: Bucket) -> ImageTools:
    readers = object_readers(settings, bucket)
    if find_spec("pyvips") is None:
        return CopyOnly(readers)
    return WorkerPool(readers, size=settings.concurrency, limits=worker_limits(settings))


def worker_limits(settings: Settings) -> WorkerLimits:
    """What one picture may cost an image worker."""
    return WorkerLimits(
        memory_bytes=settings.image_memory * 1024 * 1024,
        wall_seconds=settings.image_timeout,
        cpu_seconds=settings.image_cpu,
        jobs_per_worker=settings.image_jobs,
        pixels=PixelLimits(
            streamed=settings.image_megapixels * 1_000_000,
            whole=settings.image_megapixels_whole * 1_000_000,
            heif=settings.image_megapixels_heif * 1_000_000,
            clip=settings.image_megapixels_clip * 1_000_000,
        ),
    )


def object_readers(settings: Settings, bucket: Bucket) -> ObjectReaders:
    """How an image worker process reads the bucket for itself."""
    if isinstance(bucket, LocalBucket):
        return ObjectReaders(backend=bucket.folder)
    return workers_readers(_s3_client(settings), settings.limits.job_timeout)


def open_local_images(settings: Settings, folder: Path) -> ImageTools:
    """Image tools on the files of a folder, with the consumer's limits. Raises SetupError without an image library."""
    if find_spec("pyvips") is None:
        raise SetupError("no image library is installed: pip install pyvips pyvips-binary")
    return WorkerPool(ObjectReaders(backend=LocalFolder(path=folder)), limits=worker_limits(settings))


def image_tools() -> tuple[Tool, ...]:
    """Which image libraries are installed, and how to get the others."""
    return available_tools()
