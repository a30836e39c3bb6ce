"""Whatever process is killed, and whenever: the picture is begun again, or its caller is told in time."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.processes import environment, image_worker
from editqueue.adapters.image_tools.processes.environment import CleanProcess
from editqueue.adapters.image_tools.processes.image_worker import ImageWorker, WorkerEnded
from editqueue.adapters.image_tools.processes.limits import WorkerLimits
from editqueue.adapters.image_tools.processes.making import Making
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.adapters.image_tools.processes.worker import Picture
from editqueue.domain.errors import ImageWorkerDied, OverLimit, StorageUnavailable
from editqueue.ports.bucket import StoredObject, Waiting
from tests.adapters.image_tools.processes.test_pool import helpers, workers

RECOVERY = 60
"""Seconds from the end of any process to the next picture: below 5 where nothing else runs, which no test can know."""
PICTURE = encoded(scene(640, 400))


@dataclass(frozen=True, kw_only=True)
class Begun:
    """`ByteSources` that note in `folder` which worker opened them, and hold the first `hanging` of them for ever."""

    folder: Path
    hanging: int = 0
    signalled: int | None = None
    """By which signal the worker then ends itself."""
    longest: timedelta = timedelta(minutes=1)

    def open(self, key: str, *, waiting: Waiting = nullcontext) -> StoredObject:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, tests and their workers would not hear it
        (self.folder / str(os.getpid())).touch()
        if self.signalled is not None:
            os.kill(os.getpid(), self.signalled)
        if len(self.by()) <= self.hanging:
            signal.pause()
        return BytesSource(PICTURE)

    def by(self) -> set[int]:
        """The ids of the workers."""
        return {int(file.name) for file in self.folder.iterdir()}


async def until(found: Callable[[], AbstractSet[int]]) -> AbstractSet[int]:
    """The processes, as soon as there are any."""
    ends = time.monotonic() + PATIENCE
    while not (ids := found()):
        assert time.monotonic() < ends
        await asyncio.sleep(0.001)
    return ids


async def kill_at_work(sources: Begun, *, times: int) -> None:
    """Each worker that opens them, so many in all."""
    for killed in range(times):
        seen = sources.by() if killed else frozenset[int]()
        kill(await until(lambda seen=seen: sources.by() - seen))


def kill(ids: AbstractSet[int]) -> None:
    for process in ids:
        os.kill(process, signal.SIGKILL)


def fork_server() -> AbstractSet[int]:
    return helpers("forkserver")


def resource_tracker() -> AbstractSet[int]:
    return helpers("resource_tracker")


def everything() -> AbstractSet[int]:
    return workers() | fork_server() | resource_tracker()


@pytest.fixture(name="begun")
def _begun(tmp_path: Path) -> Begun:
    return Begun(folder=tmp_path)


@pytest.fixture(name="open_pool")
async def _open_pool() -> AsyncIterator[Callable[[Begun], WorkerPool]]:
    opened: list[WorkerPool] = []

    def open_pool(sources: Begun) -> WorkerPool:
        opened.append(WorkerPool(sources))
        return opened[-1]

    yield open_pool
    for pool in opened:
        await pool.close()
    assert workers() == set()


OpenPool = Callable[[Begun], WorkerPool]


async def test_a_picture_whose_worker_is_killed_twice_still_comes_out(begun: Begun, open_pool: OpenPool) -> None:
    sources = Begun(folder=begun.folder, hanging=2)
    job = asyncio.create_task(open_pool(sources).make_preview("a.jpg"))
    await kill_at_work(sources, times=2)

    assert (await asyncio.wait_for(job, RECOVERY)).width == 640
    assert len(sources.by()) == 3


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGHUP])
async def test_a_picture_whose_worker_is_told_to_end_is_begun_again(
    begun: Begun, open_pool: OpenPool, ended_by: signal.Signals
) -> None:
    sources = Begun(folder=begun.folder, hanging=1)
    job = asyncio.create_task(open_pool(sources).make_preview("a.jpg"))

    for worker in await until(sources.by):
        os.kill(worker, ended_by)

    assert (await asyncio.wait_for(job, PATIENCE)).width == 640
    assert len(sources.by()) == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_people_send_comes_from_outside(number: signal.Signals) -> None:
    assert WorkerEnded(-number).from_outside


def test_an_end_that_nobody_tells_of_is_not_held_against_the_picture() -> None:
    assert WorkerEnded(None).from_outside


async def test_a_stop_kills_nobody_once_the_worker_has_ended(begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = Begun(folder=begun.folder, signalled=signal.SIGSEGV)
    making = Making(Picture(sources=sources, key="a.jpg", limits=WorkerLimits()), [])
    killed: list[ImageWorker] = []
    exit_code_within = CleanProcess.exit_code_within

    def stopped_meanwhile(process: CleanProcess, seconds: float) -> int | None:
        making.stop()
        return exit_code_within(process, seconds)

    monkeypatch.setattr(CleanProcess, "exit_code_within", stopped_meanwhile)
    monkeypatch.setattr(ImageWorker, "kill", killed.append)
    making.start()

    with pytest.raises(ImageWorkerDied, match=f"exit code -{signal.SIGSEGV:d}"):
        await asyncio.wrap_future(making.future)
    assert killed == []


async def test_a_picture_whose_worker_got_no_processor_time_is_begun_again(begun: Begun, open_pool: OpenPool) -> None:
    """The whole machine was stopped for a while, say: that is not the picture's doing."""
    sources = Begun(folder=begun.folder, hanging=1)
    job = asyncio.create_task(open_pool(sources).make_preview("a.jpg"))

    for worker in await until(sources.by):
        os.kill(worker, signal.SIGALRM)  # as its time limit does

    assert (await asyncio.wait_for(job, PATIENCE)).width == 640


async def test_a_start_waits_for_no_thread_that_dies_before_it_runs(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: threading.Thread) -> None:
        raise SystemExit  # as by MemoryError, but silent

    monkeypatch.setattr(threading.Thread, "_bootstrap", die)
    making = Making(Picture(sources=begun, key="a.jpg", limits=WorkerLimits()), [])
    making.stop()

    making.start()

    with pytest.raises(ImageWorkerDied, match="stopped"):
        await asyncio.wrap_future(making.future)


@dataclass(frozen=True)
class Busy(Begun):
    """Reading them never ends, and takes all the time of a processor."""

    def open(self, key: str, *, waiting: Waiting = nullcontext) -> StoredObject:
        del key, waiting
        while True:
            pass


async def test_a_picture_that_works_beyond_its_time_is_over_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_worker, "LEAST_SHARE", 0.01)  # of a machine that others use, too
    pool = WorkerPool(Busy(folder=tmp_path), limits=WorkerLimits(wall_seconds=2))
    try:
        with pytest.raises(OverLimit, match="not finished after 2 s"):
            await asyncio.wait_for(pool.make_preview("a.jpg"), PATIENCE)
    finally:
        await pool.close()


async def test_a_picture_whose_worker_is_killed_three_times_has_failed(begun: Begun, open_pool: OpenPool) -> None:
    sources = Begun(folder=begun.folder, hanging=3)
    pool = open_pool(sources)
    job = asyncio.create_task(pool.make_preview("a.jpg"))
    await kill_at_work(sources, times=3)

    with pytest.raises(ImageWorkerDied, match="exit code -9"):
        await job
    assert (await pool.make_preview("a.jpg")).width == 640


@pytest.mark.parametrize("ended_by", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
async def test_a_picture_at_which_a_worker_ends_itself_is_not_begun_again(
    begun: Begun, open_pool: OpenPool, ended_by: signal.Signals
) -> None:
    sources = Begun(folder=begun.folder, signalled=ended_by)

    with pytest.raises(ImageWorkerDied, match=f"exit code -{ended_by:d}"):
        await open_pool(sources).make_preview("a.jpg")

    assert len(sources.by()) == 1


async def test_beginning_again_takes_no_more_time_than_a_picture_has(begun: Begun, open_pool: OpenPool) -> None:
    sources = Begun(folder=begun.folder, hanging=3, longest=timedelta(seconds=8 - 30))  # what work may take, less
    job = asyncio.create_task(open_pool(sources).make_preview("a.jpg"))
    asked = time.monotonic()

    kill(await until(sources.by))

    with pytest.raises(StorageUnavailable):
        await job
    assert time.monotonic() - asked < 2 * 8, "each beginning had the whole time"


async def test_the_fork_server_may_die_while_a_worker_is_at_work(begun: Begun, open_pool: OpenPool) -> None:
    sources = Begun(folder=begun.folder, hanging=1)
    job = asyncio.create_task(open_pool(sources).make_preview("a.jpg"))
    at_work = await until(sources.by)

    kill(fork_server())

    assert (await asyncio.wait_for(job, RECOVERY)).width == 640
    assert not at_work & workers()


@pytest.mark.parametrize("killed", [workers, fork_server, resource_tracker, everything])
async def test_any_process_of_an_idle_pool_may_die(
    begun: Begun, open_pool: OpenPool, killed: Callable[[], AbstractSet[int]]
) -> None:
    pool = open_pool(begun)
    for _ in range(2):
        await pool.make_preview("a.jpg")
        kill(killed())

        async with asyncio.timeout(RECOVERY):
            await pool.probe()
            await pool.make_preview("a.jpg")


@pytest.mark.parametrize("killed", [workers, fork_server, everything])
async def test_any_process_may_die_while_a_worker_starts(
    begun: Begun, open_pool: OpenPool, killed: Callable[[], AbstractSet[int]]
) -> None:
    pool = open_pool(begun)
    await pool.make_preview("a.jpg")
    first = workers()
    kill(first)
    job = asyncio.create_task(pool.make_preview("a.jpg"))

    await until(lambda: workers() - first)
    kill(killed())

    assert (await asyncio.wait_for(job, RECOVERY)).width == 640


async def test_a_worker_that_outlives_its_fork_server_ends_when_its_picture_is_called_off(begun: Begun) -> None:
    pool = WorkerPool(sources := Begun(folder=begun.folder, hanging=1), size=2)
    job = asyncio.create_task(pool.make_preview("a.jpg"))
    await until(workers)
    kill(fork_server())  # before the worker is ready: it does not follow, or is begun again
    [at_work] = await until(sources.by)
    await pool.make_preview("a.jpg")  # the start of another worker asks how that one is

    job.cancel()

    ends = time.monotonic() + PATIENCE
    while Path(f"/proc/{at_work}/exe").exists():  # not of one that has ended and was not reaped
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)
    await pool.close()


async def test_kills_without_end_leave_no_process_thread_or_descriptor(begun: Begun, open_pool: OpenPool) -> None:
    pool = open_pool(begun)
    await pool.make_preview("a.jpg")
    before = await held()

    for killed in (workers, fork_server, everything):
        kill(killed())
        called_off = asyncio.create_task(pool.make_preview("a.jpg"))
        await asyncio.sleep(0)  # it has begun
        called_off.cancel()
        await pool.make_preview("a.jpg")

    assert await held() == before


async def held() -> tuple[int, int, int]:
    """How many workers, threads and descriptors there are, once what was called off has ended."""
    ends = time.monotonic() + PATIENCE
    while any(thread.name == "image worker" for thread in threading.enumerate()):
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)
    return len(workers()), threading.active_count(), len([*Path("/proc/self/fd").iterdir()])


@pytest.mark.parametrize("killed", [workers, fork_server, everything])
async def test_a_close_ends_in_time_whatever_was_killed(
    begun: Begun, open_pool: OpenPool, killed: Callable[[], AbstractSet[int]]
) -> None:
    sources = Begun(folder=begun.folder, hanging=3)
    pool = open_pool(sources)
    jobs = [asyncio.create_task(pool.make_preview("a.jpg")) for _ in range(2)]
    await until(sources.by)

    kill(killed())
    await asyncio.wait_for(pool.close(), RECOVERY)

    for job in jobs:
        with pytest.raises(ImageWorkerDied, match="stopped"):
            await job
    assert workers() == set()


async def test_a_close_ends_a_worker_that_starts(begun: Begun, open_pool: OpenPool) -> None:
    pool = open_pool(begun)
    job = asyncio.create_task(pool.make_preview("a.jpg"))
    await until(workers)

    await asyncio.wait_for(pool.close(), RECOVERY)

    with pytest.raises(ImageWorkerDied, match="stopped"):
        await job
    assert workers() == set()


@pytest.fixture(name="impatient")
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Towards a fork server that gives no answer. None is left stopped."""
    monkeypatch.setattr(environment, "ANSWER_SECONDS", 0.5)
    yield
    kill(fork_server())


def stop_fork_server() -> None:
    for server in fork_server():
        os.kill(server, signal.SIGSTOP)


@pytest.mark.usefixtures("impatient")
async def test_a_fork_server_that_stands_still_is_replaced_in_time(begun: Begun, open_pool: OpenPool) -> None:
    pool = open_pool(begun)
    await pool.probe()
    kill(workers())
    stop_fork_server()

    async with asyncio.timeout(PATIENCE):
        await pool.probe()
        await pool.make_preview("a.jpg")


@pytest.mark.usefixtures("impatient")
async def test_a_close_ends_in_time_though_a_start_waits_for_a_fork_server_that_stands_still(begun: Begun) -> None:
    idle, starting = WorkerPool(begun), WorkerPool(begun)
    await idle.probe()
    stop_fork_server()
    job = asyncio.create_task(starting.make_preview("a.jpg"))
    await asyncio.sleep(0)  # it has begun

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(idle.close(), starting.close())

    with pytest.raises(ImageWorkerDied, match="stopped"):
        await job
    assert (await held())[0] == 0


def test_a_worker_that_is_given_no_thread_to_watch_its_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", refuse)

    with pytest.raises(OSError, match="can't start new thread"):
        CleanProcess().start()


ADOPTING = """
import asyncio, ctypes, os, sys
from pathlib import Path
from devtools.storage import folder_readers
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from tests.adapters.image_tools.processes.test_making import fork_server, kill, until, workers

async def main(folder):
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    pool = WorkerPool(folder_readers(Path(folder)))
    await pool.probe()
    before = workers()
    kill(fork_server())
    while any(Path(f"/proc/{worker}/exe").exists() for worker in before):
        await asyncio.sleep(0.01)
    await pool.probe()
    print([Path(f"/proc/{worker}").exists() for worker in before])
    await pool.close()

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
"""
EXHAUSTED = """
import asyncio, os, resource, sys
from pathlib import Path
from devtools.storage import folder_readers
from editqueue.adapters.image_tools.processes.pool import WorkerPool
from editqueue.domain.errors import ImageWorkerDied
from tests.adapters.image_tools.processes.test_making import everything, kill, workers

def descriptors():
    return len(os.listdir("/proc/self/fd"))

async def probed(pool, left):
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        for descriptor in taken[len(taken) - left:]:
            os.close(descriptor)
        del taken[len(taken) - left:]
    try:
        await asyncio.wait_for(pool.probe(), 5)
        return "passed"
    except ImageWorkerDied as error:
        return str(error)
    finally:
        for descriptor in taken:
            os.close(descriptor)

async def main(folder):
    os.close(0)  # as some supervisors leave it
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
    pool = WorkerPool(folder_readers(Path(folder)))
    await pool.probe()
    before = descriptors()
    for left in (0, 7, 15, 24):
        kill(everything())
        print(await probed(pool, left))
    await pool.probe()
    print(descriptors() - before, len(workers()))
    await pool.close()

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
"""


def output_of(code: str, folder: Path) -> list[str]:
    script = folder / "consumer.py"
    script.write_text(code)
    ended = subprocess.run(
        [sys.executable, script, folder],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def test_process_1_of_a_container_reaps_the_workers_of_a_dead_fork_server(tmp_path: Path) -> None:
    assert output_of(ADOPTING, tmp_path) == ["[False]"]


def test_without_descriptors_nothing_hangs_or_is_printed_and_with_them_all_is_well_again(tmp_path: Path) -> None:
    none, seven, fifteen, enough, after = output_of(EXHAUSTED, tmp_path)

    for told in (none, seven, fifteen):
        assert "cannot be started" in told
        assert "Too many open files" in told
    assert enough == "passed"
    assert after == "0 1"
