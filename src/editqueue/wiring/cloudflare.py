"""The wiring of a Cloudflare Worker: bindings to adapters. With its neighbours here the only place that names them."""

import asyncio
import random
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from editqueue.adapters.bucket.cloudflare import R2Binding, R2Bucket
from editqueue.adapters.bucket.s3.sigv4 import Credentials
from editqueue.adapters.bucket.s3.urls import S3Urls, checked_endpoint, r2_endpoint
from editqueue.adapters.image_tools.cloudflare.images import BindingImages, ImagesBinding
from editqueue.adapters.job_queue.cloudflare.binding import BindingQueue, QueueBinding
from editqueue.adapters.job_store.databases.d1 import D1Binding, D1Database
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.adapters.journal.direct_output import DirectOutput
from editqueue.adapters.journal.json_lines import JsonLines
from editqueue.ports import Ports
from editqueue.settings import Settings
from editqueue.wiring.cloudflare_settings import worker_settings
from editqueue.wiring.data_dir import jwt_secret
from editqueue.wiring.system_clock import SystemClock

SETTLE_FOR = timedelta(seconds=20)
"""A batch of ten jobs has 15 minutes in all."""


class Env(Protocol):
    """The bindings of deploy/cloudflare/wrangler.jsonc; variables and secrets beside them are read by name."""

    DB: D1Binding
    BUCKET: R2Binding
    QUEUE: QueueBinding
    IMAGES: ImagesBinding


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    ports: Ports
    jwt_secret: str
    allowed_origins: tuple[str, ...]


def open_worker(env: Env) -> Worker:
    """Everything on the bindings of `env`. Raises SetupError."""
    settings = worker_settings(env)
    bucket = R2Bucket(env.BUCKET, urls=_urls(settings))
    ports = Ports(
        store=SqlStore(D1Database(env.DB)),
        bucket=bucket,
        queue=BindingQueue(env.QUEUE),
        images=BindingImages(env.IMAGES, bucket),
        clock=SystemClock(),
        chance=random.random,
        journal=JsonLines(DirectOutput(sys.stderr)),  # there are no threads
        pause=asyncio.sleep,
        limits=replace(settings.limits, settle_for=SETTLE_FOR),
    )
    return Worker(ports=ports, jwt_secret=jwt_secret(settings), allowed_origins=settings.allowed_origins)


def _urls(settings: Settings) -> S3Urls:
    return S3Urls(
        endpoint=checked_endpoint(
            settings.s3_endpoint
            or r2_endpoint(settings.cloudflare_account_id or "", jurisdiction=settings.r2_jurisdiction)
        ),
        bucket=urlsplit(settings.bucket_url).netloc,
        credentials=Credentials(
            access_key_id=settings.r2_access_key_id or "",
            secret_access_key=settings.r2_secret_access_key or "",
            region="auto",
        ),
        clock=SystemClock(),
    )
