"""Processes of one machine wake each other, and whatever is wrong with their folder costs time only, and heals."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from devtools.patience import PATIENCE
from editqueue.adapters.job_queue.local import IDLE_POLL, IDLE_POLL_WHEN_HEARD, LocalQueue
from editqueue.adapters.job_queue.neighbours import BUSY, IDLE, LONGEST_PATH, Neighbours

LONG = timedelta(seconds=30)
MOMENT = timedelta(milliseconds=10)
CONSUMER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from editqueue.adapters.job_queue.local import IDLE_POLL, IDLE_POLL_WHEN_HEARD, LocalQueue
from editqueue.adapters.job_queue.neighbours import Neighbours

async def main():
    queue = LocalQueue(Neighbours(Path(sys.argv[1])))
    assert not await queue.receive(limit=1, wait=timedelta(hours=1))  # the look that follows its announcement
    print("ready", flush=True)
    [message] = await queue.receive(limit=1, wait=timedelta(hours=1))
    print(message.job_id, flush=True)
    await queue.close()

asyncio.run(main())
"""


class Receiver:
    """A consumer of this process that is idle, and what it was told."""

    def __init__(self, folder: Path) -> None:
        self.neighbours = Neighbours(folder)
        self.heard: list[str] = []
        self.came = asyncio.Event()

    def announce(self) -> bool:
        return self.neighbours.announce(self._hear)

    def _hear(self, job_ids: Sequence[str]) -> None:
        self.heard += job_ids
        self.came.set()

    async def next(self) -> Sequence[str]:
        async with asyncio.timeout(PATIENCE):
            await self.came.wait()
        self.came.clear()
        return self.heard


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "wake"


@pytest.fixture
async def receiver(folder: Path) -> AsyncIterator[Receiver]:
    made = Receiver(folder)
    yield made
    made.neighbours.close()


@pytest.fixture
async def teller(folder: Path) -> AsyncIterator[Neighbours]:
    made = Neighbours(folder)
    yield made
    made.close()


def a_dead_socket(path: Path) -> None:
    """As a process leaves it that was killed."""
    path.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(path))


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class TestProcesses:
    async def test_wake_each_other_and_leave_nothing_behind(self, folder: Path, teller: Neighbours) -> None:
        consumer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CONSUMER, str(folder), stdout=asyncio.subprocess.PIPE
        )
        assert consumer.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert await consumer.stdout.readline() == b"ready\n"

            assert list(teller.tell(["a"])) == []

            assert await consumer.stdout.readline() == b"a\n"
            assert await consumer.wait() == 0
        assert list(folder.iterdir()) == []

    async def test_that_are_killed_are_found_out_by_whoever_tells_them(
        self, folder: Path, receiver: Receiver, teller: Neighbours
    ) -> None:
        receiver.announce()
        a_dead_socket(folder / f"{IDLE}1-gone")

        assert [list(teller.tell([str(number)])) for number in range(8)] == [[]] * 8

        await receiver.next()
        assert sorted(receiver.heard) == [str(number) for number in range(8)]
        assert [path.name for path in folder.iterdir() if path.name.endswith("gone")] == []

    async def test_that_are_killed_are_cleared_away_by_the_next(self, folder: Path, receiver: Receiver) -> None:
        a_dead_socket(folder / f"{IDLE}1-gone")
        a_dead_socket(folder / f"{BUSY}2-gone")

        receiver.announce()

        assert len(list(folder.iterdir())) == 1

    async def test_are_not_told_of_jobs_while_they_are_busy(self, receiver: Receiver, teller: Neighbours) -> None:
        receiver.announce()
        receiver.neighbours.withdraw()

        assert list(teller.tell(["a"])) == ["a"]

    async def test_share_out_many_jobs(self, folder: Path, teller: Neighbours) -> None:
        receivers = [Receiver(folder) for _ in range(4)]
        for one in receivers:
            one.announce()

        untold = teller.tell([str(number) for number in range(8)])

        assert list(untold) == []
        assert [len(await one.next()) for one in receivers] == [2] * 4
        for one in receivers:
            one.neighbours.close()

    async def test_that_do_not_read_keep_nobody_waiting(self, receiver: Receiver, teller: Neighbours) -> None:
        """The kernel keeps some datagrams for a socket; what it takes no more is for others, or for a look."""
        receiver.announce()

        untold = teller.tell([str(number) for number in range(1000)])

        assert 0 < len(untold) < 1000


class TestAFolder:
    async def test_that_cannot_be_made_costs_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "wake").write_text("a file")
        receiver, teller = Receiver(tmp_path / "wake"), Neighbours(tmp_path / "wake")

        assert not receiver.announce()
        assert list(teller.tell(["a"])) == ["a"]
        receiver.neighbours.close()
        teller.close()

    async def test_that_could_not_be_made_is_tried_again(self, tmp_path: Path) -> None:
        (tmp_path / "wake").write_text("a file")
        receiver, teller = Receiver(tmp_path / "wake"), Neighbours(tmp_path / "wake")
        receiver.announce()
        (tmp_path / "wake").unlink()

        assert receiver.announce()
        assert list(teller.tell(["a"])) == []

        assert await receiver.next() == ["a"]
        receiver.neighbours.close()
        teller.close()

    @pytest.mark.parametrize("idle", [True, False])
    async def test_whose_sockets_somebody_removed_gets_new_ones(
        self, folder: Path, receiver: Receiver, teller: Neighbours, idle: bool
    ) -> None:
        receiver.announce()
        if not idle:
            receiver.neighbours.withdraw()
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()

        assert [receiver.announce() for _ in range(3)].count(True) == 1
        assert list(teller.tell(["a"])) == []

        assert await receiver.next() == ["a"]

    async def test_keeps_what_is_not_ours(self, folder: Path, receiver: Receiver) -> None:
        folder.mkdir()
        (folder / "notes.txt").write_text("kept")

        receiver.announce()

        assert (folder / "notes.txt").read_text() == "kept"

    @pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="a system without /proc polls there")
    async def test_with_a_path_longer_than_the_kernel_takes_works_even_when_made_anew(self, tmp_path: Path) -> None:
        deep = tmp_path / ("d" * LONGEST_PATH) / "wake"
        deep.parent.mkdir()
        receiver, teller = Receiver(deep), Neighbours(deep)
        descriptors = open_descriptors()
        assert receiver.announce()
        assert list(teller.tell(["a"])) == []
        assert await receiver.next() == ["a"]

        deep.rename(deep.with_name("elsewhere"))
        receiver.announce()
        assert list(teller.tell(["b"])) == []

        assert await receiver.next() == ["a", "b"]
        receiver.neighbours.close()
        teller.close()
        assert open_descriptors() == descriptors

    async def test_that_cannot_be_written_leaves_the_queue_to_its_polls(self, tmp_path: Path) -> None:
        (tmp_path / "wake").write_text("a file")
        queue = LocalQueue(Neighbours(tmp_path / "wake"))

        assert list(await queue.receive(limit=1, wait=MOMENT)) == []
        await queue.send(["a"])
        [message] = await queue.receive(limit=1, wait=LONG)

        assert message.job_id == "a"
        assert queue.idle_poll == IDLE_POLL
        await queue.close()


async def test_who_is_heard_of_looks_less_often_by_itself(folder: Path) -> None:
    queue = LocalQueue(Neighbours(folder))
    assert queue.idle_poll == IDLE_POLL
    await queue.receive(limit=1, wait=LONG)

    assert queue.idle_poll == IDLE_POLL_WHEN_HEARD > IDLE_POLL

    for path in folder.iterdir():
        path.unlink()
    assert queue.idle_poll == IDLE_POLL, "nobody can tell us of a job now"
    await queue.close()
    folder.rmdir()


async def test_a_job_for_a_process_that_turned_busy_is_passed_on(folder: Path) -> None:
    queues = [LocalQueue(Neighbours(folder)) for _ in range(2)]
    for queue in queues:
        await queue.receive(limit=1, wait=LONG)  # the look after its announcement
    waiting = asyncio.create_task(queues[1].receive(limit=1, wait=LONG))
    await asyncio.sleep(0)
    teller = Neighbours(folder)

    teller.tell(["a", "b"])  # one each, and the worker of the first is not there

    got = await waiting
    rest = [message for queue in queues for message in await queue.receive(limit=9, wait=MOMENT)]
    assert sorted(str(message.job_id) for message in [*got, *rest]) == ["a", "b"]
    for queue in queues:
        await queue.close()
    with suppress(OSError):
        teller.close()
