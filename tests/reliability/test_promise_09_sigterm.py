"""Promise 9: SIGTERM in the middle of a batch ends a real consumer in time and costs no attempt."""

import asyncio
import io
import os
import signal
import sys

import pytest
from PIL import Image

from devtools.world import keys_of
from editqueue.ports.job_store import JobQuery
from tests.reliability.report import Tally
from tests.reliability.site import Site
from tests.reliability.size import FULL, sized

pytestmark = pytest.mark.reliability
JOBS = sized(20, 100)
GRACE = 25
"""The consumer's own, in seconds."""


def _photo() -> bytes:
    body = io.BytesIO()
    Image.effect_noise((3000, 2000), 60).convert("RGB").save(body, "JPEG", quality=90)
    return body.getvalue()


async def _consume_until(site: Site, attempts: int) -> int:
    """Start a consumer, send SIGTERM after the claim that follows `attempts` attempts; its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "editqueue.entrypoints.cli",
        "consume",
        env={**os.environ, **site.environment()},
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


@pytest.mark.parametrize("attempts", [0, 3] if FULL else [2])
async def test_a_consumer_ends_in_time_and_leaves_nothing_running(site: Site, tally: Tally, attempts: int) -> None:
    async with site.open() as here:
        files = await here.submitted(JOBS, body=_photo())

        code = await _consume_until(site, attempts)

        jobs = await here.store.jobs(JobQuery(limit=1000))
        after = await here.store.files([one.id for one in files])
        assert code == 0
        assert {(one.status, one.attempts) for one in jobs} <= {("done", 1), ("queued", 0)}
        assert "queued" in {one.status for one in jobs}, "the batch was over before the signal"
        assert sum(one.status == "done" for one in jobs) >= attempts
        assert not any(one.locked for one in after)
        for file in after:
            if file.status == "done":
                assert Image.open(io.BytesIO(await here.bucket.read(keys_of(file).preview))).size == (1280, 853)
        tally.jobs += JOBS
