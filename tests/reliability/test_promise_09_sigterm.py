"""Promise 9: SIGTERM in the middle of a batch ends a real consumer in time and costs no attempt."""

import asyncio
import io
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from editqueue.adapters.bucket.local import LocalBucket
from editqueue.adapters.bucket.signed_urls import UrlSigner
from editqueue.adapters.job_store import SqlStore, open_store
from editqueue.domain.files import File
from editqueue.ports import JobQuery
from tests.fakes import SECRET, SteppingClock, keys_of
from tests.reliability.size import sized
from tests.seeds import seed_files, seed_order, submit

pytestmark = pytest.mark.reliability
JOBS = sized(20, 100)
GRACE = 25
"""The consumer's own, in seconds."""


def _photo() -> bytes:
    body = io.BytesIO()
    Image.effect_noise((3000, 2000), 60).convert("RGB").save(body, "JPEG", quality=90)
    return body.getvalue()


def _bucket(folder: Path) -> LocalBucket:
    (folder / "bucket").mkdir(exist_ok=True)
    return LocalBucket(folder / "bucket", signer=UrlSigner(secret=SECRET.encode(), clock=SteppingClock()))


async def _seed(store: SqlStore, bucket: LocalBucket) -> list[File]:
    photo = _photo()
    files = [*await seed_files(store, await seed_order(store), JOBS, size=len(photo))]
    for file in files:
        await bucket.write(file.object_key, photo, content_type="image/jpeg")
    await submit(store, files, now=datetime.now(UTC))
    return files


async def _consume_until(folder: Path, attempts: int) -> int:
    """Start a consumer, send SIGTERM after the claim that follows `attempts` attempts; its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "editqueue.entrypoints.cli",
        "consume",
        env={**os.environ, "EDITQUEUE_DATA_DIR": str(folder)},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        seen = 0
        async for line in process.stderr:
            seen += b'"event": "attempt"' in line
            if seen >= attempts and b'"cause": "claim"' in line:
                break
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(GRACE):
            await process.stderr.read()
            return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("attempts", [0, 3])
async def test_a_consumer_ends_in_time_and_leaves_nothing_running(tmp_path: Path, attempts: int) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/editqueue.db", migrate=True)
    bucket = _bucket(tmp_path)
    files = await _seed(store, bucket)

    code = await _consume_until(tmp_path, attempts)

    jobs = await store.jobs(JobQuery(limit=1000))
    after = await store.files([one.id for one in files])
    await store.close()
    assert code == 0
    assert {(one.status, one.attempts) for one in jobs} <= {("done", 1), ("queued", 0)}
    assert "queued" in {one.status for one in jobs}, "the batch was over before the signal"
    assert sum(one.status == "done" for one in jobs) >= attempts
    assert not any(one.locked for one in after)
    for file in after:
        if file.status == "done":
            assert Image.open(io.BytesIO(await bucket.read(keys_of(file).preview))).size == (1280, 853)
