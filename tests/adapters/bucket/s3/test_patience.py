"""A server that cuts, hangs or dawdles is given up in time, and said to be away."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.domain.errors import StorageUnavailable
from editqueue.ports import Limits
from editqueue.settings.model import LONGEST
from editqueue.wiring.patience import RETRIES, consumers_client, workers_readers
from tests.adapters.bucket.s3.conftest import Opens
from tests.adapters.bucket.s3.scripted_server import ScriptedServer, client_at

KEY = "user/1/orders/2/raw/a.jpg"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: 1\r\nLast-Modified: Fri, 01 May 2026 00:00:00 GMT\r\n\r\n"


class May:
    def now(self) -> datetime:
        return datetime(2026, 5, 1, tzinfo=UTC)


def client_within(job_timeout: timedelta, port: int = 1) -> S3Client:
    return consumers_client(client_at(port), job_timeout)


def bucket_at(server: ScriptedServer, job_timeout: timedelta) -> S3Bucket:
    return S3Bucket(client_within(job_timeout, server.port), clock=May(), system=May())


@given(st.floats(min_value=0.001, max_value=LONGEST))
def test_a_call_at_its_worst_leaves_half_of_the_jobs_time(seconds: float) -> None:
    job_timeout = timedelta(seconds=seconds)

    client = client_within(job_timeout)

    assert client.timeout > timedelta(0)
    assert (1 + RETRIES) * client.timeout + RETRIES * client.longest_pause == client.longest_call
    assert client.longest_call <= job_timeout / 2 + timedelta(microseconds=3)


@given(st.floats(min_value=0.001, max_value=LONGEST))
def test_a_workers_waits_leave_a_fifth_of_the_jobs_time(seconds: float) -> None:
    job_timeout = timedelta(seconds=seconds)

    assert workers_readers(client_at(1), job_timeout).longest <= job_timeout * 0.8 + timedelta(microseconds=3)


def test_with_the_usual_limits_a_request_has_48_seconds() -> None:
    client = client_within(Limits().job_timeout)

    assert round(client.timeout.total_seconds(), 1) == 48.7
    assert round(client.longest_call.total_seconds(), 1) == 150


@pytest.mark.parametrize("verb", ["head", "read", "write", "copy"])
async def test_a_server_that_never_answers_is_given_up_within_half_the_jobs_time(
    server: ScriptedServer, opens: Opens, verb: str
) -> None:
    server.raw, server.hangs = b"", True
    job_timeout = timedelta(seconds=1.5)
    bucket = opens(client_within(job_timeout, server.port), May())
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
    assert 1 <= len(server.asked) <= 1 + RETRIES


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_body_that_is_cut_short_is_transient_never_a_short_object(server: ScriptedServer, hangs: bool) -> None:
    server.raw, server.hangs = HEAD + b"x" * 300, hangs

    with pytest.raises(StorageUnavailable):
        await bucket_at(server, timedelta(seconds=1.5)).read(KEY)


async def test_an_answer_that_is_no_http_is_transient(server: ScriptedServer) -> None:
    server.raw = b"SSH-2.0-OpenSSH_9.2\r\n"

    with pytest.raises(StorageUnavailable):
        await bucket_at(server, timedelta(seconds=1.5)).head(KEY)
