"""One table of errors: whatever a server does, the consumer's bucket and a worker's reader call it the same."""

import asyncio
import pickle
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import obstore
import pytest

from devtools.patience import PATIENCE
from editqueue.adapters.bucket.reader import ObjectReaders
from editqueue.adapters.bucket.s3.bucket import S3Bucket
from editqueue.domain.errors import EditQueueError, ObjectMissing, PermanentError, StorageUnavailable
from tests.adapters.bucket.s3.conftest import Opens
from tests.adapters.bucket.s3.scripted_server import ScriptedServer, client_at

KEY = "user/1/orders/2/raw/a.jpg"
NO_BUCKET = "<Error><Code>NoSuchBucket</Code></Error>"
NO_KEY = "<Error><Code>NoSuchKey</Code></Error>"
CASES: dict[str, tuple[dict[str, Any], type[EditQueueError]]] = {
    "400": ({"status": "400 Bad Request"}, PermanentError),
    "401": ({"status": "401 Unauthorized"}, PermanentError),
    "403": ({"status": "403 Forbidden"}, PermanentError),
    "403, the clock is off": (
        {"status": "403 Forbidden", "body": "<Error><Code>RequestTimeTooSkewed</Code></Error>"},
        StorageUnavailable,
    ),
    "403, the signature is too old": (
        {"status": "403 Forbidden", "body": "<Error><Code>RequestExpired</Code></Error>"},
        StorageUnavailable,
    ),
    "404": ({"status": "404 Not Found", "body": NO_KEY}, ObjectMissing),
    "no such bucket": ({"status": "404 Not Found", "body": NO_BUCKET}, PermanentError),
    "408": ({"status": "408 Request Timeout"}, StorageUnavailable),
    "409": ({"status": "409 Conflict"}, PermanentError),
    "412": ({"status": "412 Precondition Failed"}, StorageUnavailable),
    "429": ({"status": "429 Too Many Requests"}, StorageUnavailable),
    "500": ({"status": "500 Internal Server Error"}, StorageUnavailable),
    "501": ({"status": "501 Not Implemented"}, PermanentError),
    "503": ({"status": "503 Slow Down"}, StorageUnavailable),
    "silence": ({"raw": b"", "hangs": True}, StorageUnavailable),
    "half a body": ({"raw": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}, StorageUnavailable),
    "no HTTP": ({"raw": b"SSH-2.0-OpenSSH_9.2\r\n"}, StorageUnavailable),
    "reset": ({"resets": True}, StorageUnavailable),
}


class May:
    def now(self) -> datetime:
        return datetime(2026, 5, 1, tzinfo=UTC)


async def error_of(call: Awaitable[object]) -> type[EditQueueError] | None:
    try:
        await call
    except EditQueueError as error:
        return type(error)
    return None


@pytest.mark.parametrize("case", CASES)
async def test_reads_copies_and_workers_raise_the_same_error(server: ScriptedServer, opens: Opens, case: str) -> None:
    said, expected = CASES[case]
    for name, value in said.items():
        setattr(server, name, value)
    client = client_at(server.port, timeout=timedelta(seconds=0.5 if server.hangs else PATIENCE), max_retries=0)
    bucket, readers = opens(client, May()), ObjectReaders(backend=client)

    assert await error_of(bucket.read(KEY)) is expected
    assert await error_of(asyncio.to_thread(readers.open(KEY).read, 0, 9)) is expected
    assert await error_of(bucket.copy(KEY, "user/1/orders/2/processed/a.jpg", etag='"1"')) is expected
    assert await error_of(bucket.head(KEY)) is await error_of(asyncio.to_thread(readers.open(KEY).size))


async def test_a_clock_that_is_off_is_named(server: ScriptedServer, opens: Opens) -> None:
    server.status, server.body = "403 Forbidden", "<Error><Code>RequestTimeTooSkewed</Code></Error>"
    bucket = opens(client_at(server.port), May())

    for asked in (bucket.read(KEY), bucket.copy(KEY, "user/1/orders/2/processed/a.jpg")):
        with pytest.raises(StorageUnavailable, match="the clock of this machine is off"):
            await asked


async def test_a_type_error_inside_the_worker_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object, **__: object) -> None:
        raise TypeError("a defect of ours")

    monkeypatch.setattr(obstore, "get", defect)
    monkeypatch.setattr(obstore, "get_async", defect)
    client = client_at(1)

    with pytest.raises(TypeError, match="of ours"):
        ObjectReaders(backend=client).open(KEY).read(0, 9)
    with pytest.raises(TypeError, match="of ours"):
        await S3Bucket(client, clock=May(), system=May()).read(KEY)


async def test_a_value_error_that_is_no_key_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object, **__: object) -> None:
        raise ValueError("Unexpected input for byte range.")

    monkeypatch.setattr(obstore, "get", defect)

    with pytest.raises(ValueError, match="byte range"):
        ObjectReaders(backend=client_at(1)).open(KEY).read(0, 9)


def test_a_key_that_obstore_cannot_take_is_permanent() -> None:
    with pytest.raises(PermanentError, match="not a valid object key"):
        ObjectReaders(backend=client_at(1)).open("a/../b").size()


def test_readers_travel_to_other_processes_and_print_no_secret() -> None:
    readers = ObjectReaders(backend=client_at(8333))

    assert pickle.loads(pickle.dumps(readers)) == readers  # our own
    assert "secret'" not in repr(readers)
