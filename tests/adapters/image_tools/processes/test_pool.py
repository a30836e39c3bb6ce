"""Workers that die, hang or are called off, and the pool that goes on."""

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene
from devtools.storage import Storage, folder_readers, storage
from editqueue.adapters.image_tools.processes import pool as pool_module
from editqueue.adapters.image_tools.processes.environment import CleanProcess
from editqueue.adapters.image_tools.processes.limits import WorkerLimits
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.domain.errors import ImageWorkerDied, NotAPicture, ObjectMissing, OverLimit, StorageUnavailable
from editqueue.ports.image_tools import Preview

CONSUMER = """
import asyncio, sys
from editqueue.adapters.bucket.reader import ObjectReaders
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.adapters.image_tools.processes.pool import WorkerPool

async def main(endpoint):
    client = S3Client(bucket="media", endpoint=endpoint, access_key_id="key", secret_access_key="secret")
    pool = WorkerPool(ObjectReaders(backend=client))
    await pool.make_preview("hang.jpg")

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture(name="media")
def _media() -> Iterator[Storage]:
    with storage() as opened:
        yield opened


@pytest.fixture(name="pool")
async def _pool(media: Storage) -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(media.readers())
    yield pool
    await pool.close()


async def start_hanging(pool: WorkerPool, media: Storage) -> asyncio.Task[Preview]:
    """A job that is certainly in the middle of its work."""
    job = asyncio.create_task(pool.make_preview("hang.jpg"))
    assert await asyncio.to_thread(media.asked.wait, PATIENCE)
    return job


def children(pid: int) -> set[int]:
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.add(int(stat.parent.name))
    return found


def workers() -> set[int]:
    """The children of our fork server. Browsers and other servers of this test run are children, too."""
    return {worker for server in helpers("forkserver") for worker in children(server)}


def helpers(name: str) -> set[int]:
    """The processes of the standard library's that workers need: `forkserver` or `resource_tracker`."""
    return {child for child in children(os.getpid()) if f"multiprocessing.{name}".encode() in _command(child)}


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def works(pool: WorkerPool) -> bool:
    preview = await pool.make_preview("good.jpg")
    return (preview.width, preview.height, preview.source_format) == (640, 400, "jpeg")


async def test_a_worker_deep_in_native_code_ends_when_asked(pool: WorkerPool, media: Storage) -> None:
    job = await start_hanging(pool, media)
    [worker] = workers()

    os.kill(worker, signal.SIGTERM)

    assert await asyncio.to_thread(media.hung_up.wait, PATIENCE)
    job.cancel()  # else it would be begun again
    assert await works(pool)


async def test_ctrl_c_is_the_consumers_to_handle(pool: WorkerPool) -> None:
    assert await works(pool)
    before = workers()

    for worker in before:
        os.kill(worker, signal.SIGINT)

    assert await works(pool)
    assert workers() == before


async def test_storage_that_hangs_is_not_the_fault_of_the_file(media: Storage) -> None:
    pool = WorkerPool(media.readers(patience=timedelta(seconds=1)), limits=WorkerLimits(wall_seconds=PATIENCE))
    try:
        with pytest.raises(StorageUnavailable):
            await pool.make_preview("hang.jpg")
        assert await works(pool)
    finally:
        await pool.close()


@pytest.mark.parametrize("body", ["cut.jpg", "cut-large.jpg"])
async def test_a_body_cut_short_is_storage_that_may_work_later(media: Storage, body: str) -> None:
    pool = WorkerPool(media.readers(patience=timedelta(seconds=2)))
    try:
        with pytest.raises(StorageUnavailable):
            await pool.make_preview(body)
        assert await works(pool)
    finally:
        await pool.close()


async def test_a_job_over_its_cpu_time_is_the_fault_of_its_file(pool: WorkerPool, media: Storage) -> None:
    job = await start_hanging(pool, media)
    [worker] = workers()

    os.kill(worker, signal.SIGXCPU)  # as the kernel does

    with pytest.raises(OverLimit, match="CPU"):
        await job
    assert await works(pool)


async def test_a_cancelled_job_frees_its_worker(pool: WorkerPool, media: Storage) -> None:
    job = await start_hanging(pool, media)

    job.cancel()

    with pytest.raises(asyncio.CancelledError):
        await job
    assert await works(pool)
    assert media.hung_up.is_set()


async def test_a_missing_object_keeps_its_key_between_processes(pool: WorkerPool) -> None:
    key = "user/anna/orders/1/raw/gone.jpg"

    with pytest.raises(ObjectMissing) as caught:
        await pool.make_preview(key)

    assert caught.value.key == key
    assert await works(pool)


async def test_close_leaves_no_worker(media: Storage) -> None:
    pool = WorkerPool(media.readers(), size=2)
    job = await start_hanging(pool, media)

    await pool.close()

    assert await asyncio.to_thread(media.hung_up.wait, PATIENCE)
    assert workers() == set()
    with pytest.raises((asyncio.CancelledError, ImageWorkerDied)):
        await job


async def test_worker_replacement_loses_no_job(media: Storage) -> None:
    pool = WorkerPool(media.readers(), size=2, limits=WorkerLimits(jobs_per_worker=2))
    try:
        assert all(await asyncio.gather(*(works(pool) for _ in range(8))))
    finally:
        await pool.close()


async def test_a_folder_is_a_source_too(tmp_path: Path) -> None:
    (tmp_path / "Küche #1 50%.jpg").write_bytes(encoded(scene(640, 400)))
    (tmp_path / "text.jpg").write_text("no picture")
    pool = WorkerPool(folder_readers(tmp_path))
    try:
        assert (await pool.make_preview("Küche #1 50%.jpg")).width == 640
        with pytest.raises(NotAPicture):
            await pool.make_preview("text.jpg")
        with pytest.raises(ObjectMissing):
            await pool.make_preview("gone.jpg")
    finally:
        await pool.close()


async def test_a_worker_without_memory_ends_its_job_in_an_error_we_know(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(encoded(scene(800, 600), "PNG"))
    readers = folder_readers(tmp_path, patience=timedelta(seconds=1))
    pool = WorkerPool(readers, limits=WorkerLimits(memory_bytes=1, wall_seconds=1))
    try:  # the storage client may hang, too, when it cannot have a thread
        with pytest.raises((OverLimit, ImageWorkerDied, StorageUnavailable)):
            await pool.make_preview("large.png")
    finally:
        await pool.close()


def test_workers_follow_a_killed_consumer(media: Storage, tmp_path: Path) -> None:
    script = tmp_path / "consumer.py"
    script.write_text(CONSUMER)
    with subprocess.Popen([sys.executable, script, media.endpoint]) as consumer:
        assert media.asked.wait(PATIENCE)
        consumer.send_signal(signal.SIGKILL)

    assert media.hung_up.wait(PATIENCE)


async def test_the_first_preview_does_not_hold_up_the_event_loop(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop_ran, start, found = threading.Event(), CleanProcess.start, list[bool]()

    def start_when_the_loop_ran(process: CleanProcess) -> None:
        found.append(loop_ran.wait(5))
        start(process)

    monkeypatch.setattr(CleanProcess, "start", start_when_the_loop_ran)
    job = asyncio.create_task(works(pool))
    asyncio.get_running_loop().call_soon(loop_ran.set)

    assert await job
    assert found[0]


async def test_two_first_previews_start_one_set_of_workers(media: Storage) -> None:
    pool = WorkerPool(media.readers(), size=2)
    try:
        assert await asyncio.gather(works(pool), works(pool), works(pool)) == [True, True, True]
        assert len(workers()) == 2
    finally:
        await pool.close()


async def test_a_pool_that_was_closed_says_so(media: Storage) -> None:
    pool = WorkerPool(media.readers())
    await pool.close()

    with pytest.raises(ImageWorkerDied, match="stopped"):
        await works(pool)


@pytest.mark.parametrize(
    ("starting", "error"),
    [
        (CleanProcess, OSError(errno.EMFILE, "Too many open files")),
        (CleanProcess, OSError(errno.ENOMEM, "Cannot allocate memory")),
        (threading.Thread, RuntimeError("can't start new thread")),
    ],
)
async def test_workers_that_cannot_be_started_now_may_start_later(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, starting: type[CleanProcess | threading.Thread], error: Exception
) -> None:
    def refused(_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(starting, "start", refused)
        with pytest.raises(ImageWorkerDied, match=f"cannot be started: .*{error.args[-1]}"):
            await works(pool)
        with pytest.raises(ImageWorkerDied, match=str(error.args[-1])):
            await pool.probe()

    await pool.probe()
    assert await works(pool)


async def test_a_worker_that_cannot_get_ready_says_why(media: Storage) -> None:
    pool = WorkerPool(media.readers(), limits=WorkerLimits(memory_bytes=1 << 70))
    try:
        with pytest.raises(ImageWorkerDied, match="OverflowError"):
            await works(pool)
    finally:
        await pool.close()


async def test_a_probe_passes_before_and_after_the_first_picture(pool: WorkerPool) -> None:
    await pool.probe()
    assert await works(pool)
    await pool.probe()


async def test_a_probe_takes_a_busy_pool_for_a_live_one(
    pool: WorkerPool, media: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "PROBE_SECONDS", 0.05)
    job = await start_hanging(pool, media)

    await pool.probe()

    assert not job.done()
    job.cancel()


async def test_a_probe_that_gets_no_answer_in_time_fails(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "PROBE_SECONDS", 0.2)
    assert await works(pool)
    [worker] = workers()
    os.kill(worker, signal.SIGSTOP)

    with pytest.raises(ImageWorkerDied, match="no tiny picture"):
        await pool.probe()

    assert await works(pool)


async def test_a_probe_fails_where_no_worker_has_the_memory_for_any_picture(media: Storage) -> None:
    pool = WorkerPool(media.readers(), limits=WorkerLimits(memory_bytes=1, wall_seconds=1))
    try:
        with pytest.raises(ImageWorkerDied):
            await pool.probe()
    finally:
        await pool.close()


async def test_a_closed_pool_does_not_pass_a_probe(pool: WorkerPool) -> None:
    await pool.close()

    with pytest.raises(ImageWorkerDied, match="stopped"):
        await pool.probe()
