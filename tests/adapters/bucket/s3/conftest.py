"""The server that every test of this folder may script, and buckets that end with the test."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.ports.time import Clock
from tests.adapters.bucket.s3.scripted_server import ScriptedServer, scripted_server


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as server:
        yield server


Opens = Callable[[S3Client, Clock], S3Bucket]


@pytest.fixture(name="opens")
async def _opens() -> AsyncIterator[Opens]:
    """Opens buckets, and closes them at the end."""
    async with AsyncExitStack() as stack:

        def opened(client: S3Client, clock: Clock) -> S3Bucket:
            bucket = S3Bucket(client, clock=clock, system=clock)
            stack.push_async_callback(bucket.close)
            return bucket

        yield opened
