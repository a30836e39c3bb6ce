"""Promise 21: whatever a consumer stands on may fail. Jobs wait; none fails, none spends an attempt for it."""

import asyncio
import os
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene
from editqueue.domain.files import File
from editqueue.ports.job_store import JobQuery
from tests.reliability.audit import audit, audit_books
from tests.reliability.fates import FATES
from tests.reliability.report import Tally
from tests.reliability.running import ENDS_WITHIN, Running, event, held, running
from tests.reliability.site import Opened, Site
from tests.reliability.size import FULL, sized

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(180, 1800))]
JOBS = sized(6, 100)
KILLS = sized(4, 200)
OUTAGES = sized(1, 10)
AWAY = sized(1, 4)
"""Seconds of an outage."""
BACK_WITHIN = 5
"""Seconds after the ground is there again, work goes on."""
PHOTO = encoded(scene(640, 480))


async def unharmed(here: Opened, files: Sequence[File]) -> list[str]:
    """What is not as if nothing had ever failed."""
    jobs = await here.store.jobs(JobQuery(limit=100_000))
    spent = [f"job {job.id} took {job.attempts} attempts: {job.error}" for job in jobs if job.attempts != 1]
    return spent + await audit(here, files, FATES[""]) + await audit_books(here)


async def all_done(consumer: Running, count: int, *, after: int = 0, within: float = PATIENCE) -> int:
    """Until the log tells of so many more, each within so many seconds; returns the number of its next line."""
    for _ in range(count):
        after = await consumer.wait_for(event("attempt", result="done"), after=after, within=within)
    return after


class TestImageProcesses:
    async def test_killed_at_any_moment_cost_nothing(self, site: Site, tally: Tally) -> None:
        """Workers, their fork server and the resource tracker, idle and at work."""
        chance = random.Random(21)
        async with site.open() as here:
            files = await here.submitted(1, body=PHOTO)
            async with running(site, "consume") as consumer:
                told = await all_done(consumer, 1)
                for _ in range(KILLS):
                    await asyncio.sleep(chance.random() / 4)  # idle, or in the middle of the next job
                    for victim in chance.sample(consumer.children(), 1):
                        with suppress(psutil.NoSuchProcess):
                            victim.kill()
                            tally.kills += 1
                    files += await here.submitted(1, body=PHOTO)
                    told = await all_done(consumer, 1, after=told)
                await consumer.end()

            assert await unharmed(here, files) == []
        tally.jobs += len(files)

    async def test_that_cannot_be_started_are_waited_for(self, site: Site, tally: Tally) -> None:
        """No descriptor is left for a worker: the consumer pauses, and goes on when there are some again."""
        async with site.open() as here:
            async with running(site, "consume") as consumer:
                files = await here.submitted(1, body=PHOTO)
                await all_done(consumer, 1)
                before = psutil.Process(consumer.process.pid).num_fds()
                _, hard = _limit_files(consumer, before)
                for child in consumer.children():
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
                files += await here.submitted(JOBS, body=PHOTO)
                await consumer.wait_for(event("consumer_paused"))
                _limit_files(consumer, hard)
                async with asyncio.timeout(BACK_WITHIN + 10):
                    await consumer.wait_for(event("consumer_resumed"))
                await all_done(consumer, 1 + JOBS)
                await consumer.end()

            assert await unharmed(here, files) == []
        tally.jobs += len(files)


def _limit_files(consumer: Running, soft: int) -> tuple[int, int]:
    """Set the soft limit of open files; returns what it was, and the hard one."""
    process = psutil.Process(consumer.process.pid)
    old, hard = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))
    return old, hard


class TestLog:
    @pytest.mark.parametrize("trouble", ["full", "closed", "stalled"] if FULL else ["stalled"])
    async def test_that_cannot_be_written_stops_nothing(self, site: Site, tally: Tally, trouble: str) -> None:
        jobs = sized(20, 500) if trouble == "stalled" else JOBS
        async with site.open() as here:
            with _spoiled_log(trouble) as stderr:
                files = await here.submitted(jobs, body=PHOTO)
                async with running(site, "consume", stderr=stderr) as consumer:
                    await _until_idle(here)
                    await consumer.end()

            assert await unharmed(here, files) == []
        tally.jobs += jobs


class _spoiled_log:  # noqa: N801  # a context manager
    """A descriptor for stderr: of a full disk, of a pipe whose reader is gone, of one that nobody reads."""

    def __init__(self, trouble: str) -> None:
        self._trouble = trouble
        self._open: list[int] = []

    def __enter__(self) -> int:
        if self._trouble == "full":
            self._open = [os.open("/dev/full", os.O_WRONLY)]
            return self._open[0]
        reader, writer = os.pipe()
        self._open = [writer, reader]
        if self._trouble == "closed":
            os.close(self._open.pop())
        else:
            os.set_blocking(writer, False)
            with suppress(BlockingIOError):
                while True:
                    os.write(writer, b"x" * 4096)
            os.set_blocking(writer, True)
        return writer

    def __exit__(self, *_: object) -> None:
        for number in self._open:
            os.close(number)


async def _until_idle(here: Opened) -> None:
    async with asyncio.timeout(120):
        while await here.store.has_work():  # noqa: ASYNC110  # another process makes it true
            await asyncio.sleep(0.05)


class TestBucket:
    @pytest.mark.parametrize("trouble", ["missing", "an empty mount point"] if FULL else ["an empty mount point"])
    async def test_folder_that_is_away_for_a_while_makes_no_original_missing(
        self, site: Site, tally: Tally, trouble: str
    ) -> None:
        site = replace(site, s3=None)
        folder, elsewhere = site.folder / "bucket", site.folder / "elsewhere"
        async with site.open() as here:
            files = await here.submitted(1, body=PHOTO)
            async with running(site, "consume") as consumer:
                await all_done(consumer, 1)
                seen = 0
                for _ in range(OUTAGES):
                    more = await here.submitted(JOBS, body=PHOTO)
                    await consumer.wait_for(event("attempt"), after=len(consumer.log))
                    folder.rename(elsewhere)
                    if trouble != "missing":
                        folder.mkdir()
                    seen = await consumer.wait_for(event("consumer_paused", ground="bucket"), after=seen)
                    await asyncio.sleep(AWAY)
                    if trouble != "missing":
                        folder.rmdir()  # nothing was put there
                    elsewhere.rename(folder)
                    async with asyncio.timeout(BACK_WITHIN + 5):
                        seen = await consumer.wait_for(event("consumer_resumed", ground="bucket"), after=seen)
                    files += more
                    await all_done(consumer, len(files))
                    tally.faults += 1
                await consumer.end()

            assert await unharmed(here, files) == []
            assert len(consumer.told("consumer_paused")) == OUTAGES
        tally.jobs += len(files)


class TestDatabase:
    async def test_that_is_held_makes_jobs_wait_and_nothing_else(self, site: Site, tally: Tally) -> None:
        async with site.open() as here:
            files = await here.submitted(1, body=PHOTO)
            async with running(site, "consume") as consumer:
                await all_done(consumer, 1)
                files += await here.submitted(JOBS, body=PHOTO)
                await consumer.wait_for(event("attempt"), after=len(consumer.log))
                async with held(site):
                    await asyncio.sleep(sized(3, 60))
                async with asyncio.timeout(BACK_WITHIN + 30):
                    await all_done(consumer, len(files))
                await consumer.end()

            assert await unharmed(here, files) == []
        tally.jobs += len(files)

    @pytest.mark.parametrize("command", [["consume"], ["serve", "--port", "0"]] if FULL else [["consume"]])
    async def test_that_is_held_keeps_nothing_from_ending(self, site: Site, tally: Tally, command: list[str]) -> None:
        async with site.open() as here:
            async with running(site, *command) as process:
                files = await here.submitted(JOBS, body=PHOTO)
                await process.wait_for(event("attempt"))
                async with held(site):
                    assert await process.end() < ENDS_WITHIN

            jobs = await here.store.jobs(JobQuery(limit=1000))
        assert {(job.status, job.attempts) for job in jobs} <= {("done", 1), ("queued", 0), ("in_progress", 1)}
        assert sum(job.status == "in_progress" for job in jobs) <= 1, "of which nothing could be written down any more"
        tally.jobs += len(files)
