"""The Weisung's integration tests with the API as a Worker and the consumer elsewhere, on the same D1 and R2.

The Worker runs in Cloudflare's runtime. The consumer is `editqueue consume` in a process of its own: it reaches D1 by
D1's HTTP API, R2 by its S3 side, and the queue as a pull consumer. A queue of the runtime has no pull side, so the
Worker sends nothing here, and the test puts the same messages into the stand-in of the queue's HTTP API.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from devtools.cloudflare.host import ACCESS_KEY_ID, BUCKET, QUEUE_FULL, SECRET_ACCESS_KEY, Cloudflare, cloudflare
from devtools.cloudflare.isolate import isolate
from devtools.cloudflare.shop import PHOTO, Shop
from devtools.cloudflare_queue.d1 import DATABASE_ID, D1Api, d1_routes, real_d1
from devtools.cloudflare_queue.server import StandIn, cloudflare_queue
from devtools.installation import Installation, command
from devtools.patience import PATIENCE
from devtools.pictures.clips import clip, frames
from devtools.pictures.raws import dng, sensor
from devtools.pictures.samples import decoded, scene
from editqueue.adapters.job_store.opening.open_d1 import open_d1_store
from editqueue.domain.files import File
from editqueue.domain.jobs import JobStatus
from editqueue.domain.messages import RAW_MISSING
from editqueue.entrypoints.http.auth import issue_token
from editqueue.ports.job_store import JobQuery

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """What is not the Worker's: one consumer, and the two HTTP APIs that it asks."""

    d1: D1Api
    queue: StandIn
    here: Installation
    log: Path
    consumer: asyncio.subprocess.Process

    @contextmanager
    def consumer_stopped(self) -> Generator[None]:
        self.consumer.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.consumer.send_signal(signal.SIGCONT)


@pytest.fixture(name="cloudflare", scope="module")
def _cloudflare() -> Iterator[Cloudflare]:
    """Set as docs/cloudflare_worker.md says for a Worker that does no jobs."""
    with cloudflare(variables={"EDITQUEUE_SWEEP_BATCH": "0"}) as running:
        yield running


@pytest_asyncio.fixture(name="elsewhere", scope="module", loop_scope="module")
async def _elsewhere(cloudflare: Cloudflare, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Elsewhere]:
    folder = tmp_path_factory.mktemp("elsewhere")
    async with cloudflare.client() as gateway:
        d1 = D1Api(real_d1(gateway))
        async with cloudflare_queue(max_retries=10, also=d1_routes(d1)) as queue:
            d1.port = queue.port
            settings = {
                **queue.environment,
                "EDITQUEUE_DATABASE_URL": f"d1://{DATABASE_ID}",
                "EDITQUEUE_BUCKET_URL": f"s3://{BUCKET}",
                "EDITQUEUE_S3_ENDPOINT": cloudflare.gateway,
                "R2_ACCESS_KEY_ID": ACCESS_KEY_ID,
                "R2_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
                "JWT_SECRET": cloudflare.settings["JWT_SECRET"],
            }
            here, log = Installation(folder / "data", settings), folder / "consumer.log"
            async with consuming(here, log) as consumer:
                yield Elsewhere(d1=d1, queue=queue, here=here, log=log, consumer=consumer)


@asynccontextmanager
async def consuming(here: Installation, log: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """`editqueue consume`; at the end it finishes the job it is at."""
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *command(["consume"]), env=here.environment, stderr=written, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        assert await process.wait() == 0, log.read_text()[-3000:]


@dataclass(frozen=True, kw_only=True)
class BothHalves:
    shop: Shop
    elsewhere: Elsewhere

    async def submit(self, files: Sequence[File]) -> list[str]:
        """By the Worker, and its messages put where the consumer gets them."""
        await self.shop.cloudflare.fail("sendBatch", QUEUE_FULL)
        jobs = await self.shop.submit(files)
        for job in jobs:
            self.elsewhere.queue.queue.push(f'{{"job_id": "{job}"}}'.encode(), content_type="json", delay=0)
        return jobs

    async def until(self, files: Sequence[File], **expected: int) -> None:
        """Until the order's status says so."""

        async def is_so() -> bool:
            return expected.items() <= (await self.shop.status(files)).items()

        await self.until_so(is_so)

    async def until_so(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        ends = asyncio.get_running_loop().time() + PATIENCE
        while not await is_so():
            assert asyncio.get_running_loop().time() < ends, self.elsewhere.log.read_text()[-3000:]
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture(name="both", loop_scope="module")
async def _both(cloudflare: Cloudflare, elsewhere: Elsewhere) -> AsyncIterator[BothHalves]:
    """Nothing is left behind: neither rows nor objects."""
    secret = cloudflare.settings["JWT_SECRET"]
    token = issue_token("anna", secret=secret, now=datetime.now(UTC), ttl=timedelta(hours=1))
    async with cloudflare.client(headers={"Authorization": f"Bearer {token}"}) as http, isolate(cloudflare) as opened:
        shop = Shop(cloudflare, opened, http)
        yield BothHalves(shop=shop, elsewhere=elsewhere)
        await cloudflare.tell("heal")
        await shop.bucket.delete([info.key async for info in shop.bucket.list("user/")])


async def test_1_submit_edits_erzeugt_jobs(both: BothHalves) -> None:
    files, here = await both.shop.order_with(PHOTO, PHOTO, PHOTO), both.elsewhere.here

    with both.elsewhere.consumer_stopped():
        jobs = await both.submit(files)

        assert await both.shop.status(files) == {"queued": 3, "in_progress": 0, "done": 0, "failed": 0, "total": 3}
        assert await both.shop.submit(files) == jobs
        listed, status = await asyncio.gather(
            asyncio.to_thread(here.run, "jobs", "list", "--json"), asyncio.to_thread(here.run, "status", "--json")
        )
        assert {job["id"] for job in listed.json()} == set(jobs)
        assert status.json()["jobs"]["queued"] == 3
    await both.until(files, done=3)


async def test_2_consumer_verarbeitet_dateien_status_done_previews_vorhanden(both: BothHalves) -> None:
    files = await both.shop.order_with(PHOTO, PHOTO, PHOTO)
    jobs = await both.submit(files)
    await both.until(files, done=3)

    assert [(shown["status"], shown["locked"]) for shown in await both.shop.shown(files)] == [("done", False)] * 3
    assert {job.id: job.attempts for job in await both.shop.jobs(files)} == dict.fromkeys(jobs, 1)
    assert await both.shop.notes(files) == ["edit_done"] * 3
    for file in files:
        stored = await both.shop.objects(file)
        assert stored["raw"] == stored["processed"] == PHOTO
        assert stored["preview"] is not None
        assert decoded(stored["preview"]).size == (1280, 800)


async def test_camera_raws_and_clips_get_real_previews_from_the_consumer_outside(both: BothHalves) -> None:
    raw = await both.shop.order_with(dng(sensor(640, 480)), name="IMG_1.DNG", mime="image/x-adobe-dng")
    video = await both.shop.order_with(clip(frames(scene(640, 360), 6)), name="IMG_2.MP4", mime="video/mp4")
    await both.submit(raw)
    await both.submit(video)
    await both.until(raw, done=1)
    await both.until(video, done=1)

    for [file] in (raw, video):
        preview = (await both.shop.objects(file))["preview"]
        assert preview is not None
        assert decoded(preview).format == "JPEG"


async def test_3_preview_liefert_url_http_200(both: BothHalves) -> None:
    [file] = await both.shop.order_with(PHOTO)
    assert (await both.shop.http.get(f"/api/files/{file.id}/preview")).status_code == 404
    await both.submit([file])
    await both.until([file], done=1)

    answer = await both.shop.http.get(f"/api/files/{file.id}/preview")
    picture = await both.shop.http.get(answer.json()["url"])

    assert (answer.status_code, picture.status_code) == (200, 200)
    assert picture.headers["content-type"] == "image/jpeg"
    assert decoded(picture.content).size == (1280, 800)


async def test_4_fehlendes_raw_job_failed_notification_revision_required(both: BothHalves) -> None:
    [file] = await both.shop.order_with(PHOTO)
    await both.shop.bucket.delete([file.object_key])
    await both.submit([file])

    async def has_ended() -> bool:
        return (await both.shop.store.jobs(JobQuery(status=JobStatus.FAILED))) != []

    await both.until_so(has_ended)

    [job] = await both.shop.jobs([file])
    [shown] = await both.shop.shown([file])
    [note] = await both.shop.store.notifications("anna", limit=9, before_id=None)
    assert (job.status, job.attempts) == ("failed", 1)
    assert (shown["status"], shown["locked"]) == ("queued", False)
    assert (note.type, note.message) == ("revision_required", RAW_MISSING.replace("{name}", "IMG_1.JPG"))


async def test_5_delete_waehrend_lock_409(both: BothHalves) -> None:
    """The test is the consumer: it holds the job as long as it likes, and gives it back to one that is a process."""
    files = await both.shop.order_with(PHOTO, PHOTO)
    ids = [file.id for file in files]
    with both.elsewhere.consumer_stopped():
        await both.submit(files[:1])
        store = await open_d1_store(both.elsewhere.d1.access)
        taken = await store.claim_next(now=datetime.now(UTC))
        assert taken is not None

        refused = await both.shop.http.request("DELETE", "/api/files/bulk", json={"ids": ids})

        assert (refused.status_code, refused.json()["code"]) == (409, "file_locked")
        assert len(await both.shop.shown(files)) == 2
        await store.release(taken, now=datetime.now(UTC))
        await store.close()
    await both.until(files, done=1)
    deleted = await both.shop.http.request("DELETE", "/api/files/bulk", json={"ids": ids})
    assert (deleted.status_code, await both.shop.shown(files)) == (200, [])


async def test_lost_answers_of_d1_leave_no_job_locked_and_none_done_twice(both: BothHalves) -> None:
    files = await both.shop.order_with(PHOTO, PHOTO)
    both.elsewhere.d1.lost += ["SET starts", "INSERT INTO notifications"]  # of a claim, and of a finish
    await both.submit(files)
    await both.until(files, done=2)

    assert both.elsewhere.d1.lost == []
    assert [job.attempts for job in await both.shop.jobs(files)] == [1, 1]
    assert await both.shop.notes(files) == ["edit_done"] * 2
    assert (await both.shop.store.queue_stats(now=datetime.now(UTC))).stale_locks == 0


async def test_a_sweep_and_a_doctor_elsewhere_work_on_what_the_worker_made(both: BothHalves) -> None:
    files = await both.shop.order_with(PHOTO)
    here = both.elsewhere.here
    with both.elsewhere.consumer_stopped():
        await both.submit(files)

        swept = await asyncio.to_thread(here.run, "sweep")
        examined = (await asyncio.to_thread(here.run, "doctor", "--json")).json()

    assert swept.json() == {"requeued": 0, "processed": 1, "expired": 0, "leftovers": 0}
    assert {check["name"]: check["ok"] for check in examined["checks"]}["database"], examined
    assert examined["healthy"], examined


async def test_the_cron_of_the_worker_begins_no_job_that_a_consumer_elsewhere_should_do(both: BothHalves) -> None:
    clip_file = await both.shop.order_with(clip(frames(scene(640, 360), 6)), name="C0001.MP4", mime="video/mp4")

    with both.elsewhere.consumer_stopped():
        await both.submit(clip_file)
        await both.shop.cloudflare.tell("cron")
        assert (await both.shop.status(clip_file))["queued"] == 1

    await both.until(clip_file, done=1)
    preview = (await both.shop.objects(clip_file[0]))["preview"]
    assert preview is not None
    assert decoded(preview).format == "JPEG"
