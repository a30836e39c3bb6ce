"""A server that cuts, hangs or dawdles is given up in time, and said to be away."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.domain.errors import StorageUnavailable
from editqueue.ports import Limits
from editqueue.settings import LONGEST
from editqueue.wiring.patience import RETRIES, patience_within

KEY = "user/1/orders/2/raw/a.jpg"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: 1\r\nLast-Modified: Fri, 01 May 2026 00:00:00 GMT\r\n\r\n"


class May:
    def now(self) -> datetime:
        return datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class BadServer:
    """Says `answer`, then closes the connection, or keeps it open and says no more."""

    answer: bytes = b""
    hangs: bool = False
    port: int = 0
    asked: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        writer.write(self.answer)
        await writer.drain()
        if self.hangs:
            await self.over.wait()
        writer.close()


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[BadServer]:
    bad = BadServer()
    async with await asyncio.start_server(bad.serve, "127.0.0.1", 0) as listening:
        bad.port = int(listening.sockets[0].getsockname()[1])
        yield bad
        bad.over.set()


def bucket_at(server: BadServer, job_timeout: timedelta) -> S3Bucket:
    patience = patience_within(job_timeout)
    return S3Bucket(
        name="media",
        endpoint=f"http://127.0.0.1:{server.port}",
        access_key_id="id",
        secret_access_key="secret",
        clock=May(),
        timeout=patience.request,
        max_retries=patience.retries,
        longest_pause=patience.pause,
    )


@given(st.floats(min_value=0.001, max_value=LONGEST))
def test_a_call_at_its_worst_leaves_half_of_the_jobs_time(seconds: float) -> None:
    job_timeout = timedelta(seconds=seconds)

    patience = patience_within(job_timeout)

    assert patience.request > timedelta(0)
    assert (1 + RETRIES) * patience.request + RETRIES * patience.pause == patience.longest_call
    assert patience.longest_call <= job_timeout / 2 + timedelta(microseconds=3)


def test_with_the_usual_limits_a_request_has_48_seconds() -> None:
    patience = patience_within(Limits().job_timeout)

    assert round(patience.request.total_seconds(), 1) == 48.7
    assert round(patience.longest_call.total_seconds(), 1) == 150


@pytest.mark.parametrize("verb", ["head", "read", "write", "copy"])
async def test_a_server_that_never_answers_is_given_up_within_half_the_jobs_time(server: BadServer, verb: str) -> None:
    server.hangs = True
    job_timeout = timedelta(seconds=1.5)
    bucket = bucket_at(server, job_timeout)
    calls = {
        "head": lambda: bucket.head(KEY),
        "read": lambda: bucket.read(KEY),
        "write": lambda: bucket.write(KEY, b"x", content_type="image/jpeg"),
        "copy": lambda: bucket.copy(KEY, "user/1/orders/2/processed/a.jpg"),
    }
    started = time.monotonic()

    with pytest.raises(StorageUnavailable, match=str(server.port)):
        await asyncio.wait_for(calls[verb](), job_timeout.total_seconds())

    assert time.monotonic() - started < job_timeout.total_seconds()
    assert 1 <= server.asked <= 1 + RETRIES


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_body_that_is_cut_short_is_transient_never_a_short_object(server: BadServer, hangs: bool) -> None:
    server.answer, server.hangs = HEAD + b"x" * 300, hangs

    with pytest.raises(StorageUnavailable):
        await bucket_at(server, timedelta(seconds=1.5)).read(KEY)


async def test_an_answer_that_is_no_http_is_transient(server: BadServer) -> None:
    server.answer = b"SSH-2.0-OpenSSH_9.2\r\n"

    with pytest.raises(StorageUnavailable):
        await bucket_at(server, timedelta(seconds=1.5)).head(KEY)
