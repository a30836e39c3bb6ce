"""submit-edits beneath HTTP: what is refused, what is written down, and who is woken."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from devtools.seeds import claim, seed_files, seed_order
from devtools.world import Move, World
from editqueue.adapters.job_queue.local import LocalQueue
from editqueue.domain.errors import FileNotFound, FileNotMarked, Forbidden, OrderNotFound, Refused, StorageUnavailable
from editqueue.domain.files import File, Order
from editqueue.domain.jobs import EditJob, JobStatus
from editqueue.use_cases.customer.submit_edits import submit_edits


class ToldQueue(LocalQueue):
    """Remembers what it was told to send; `error` says what goes wrong instead."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.sent: list[str] = []

    async def send(self, job_ids: Sequence[str]) -> None:
        if self.error is not None:
            raise self.error
        self.sent += job_ids


async def files_of(world: World, count: int, *, user_id: str = "anna", marked: bool = True) -> list[File]:
    return [*await seed_files(world.store, await seed_order(world.store, user_id=user_id), count, marked=marked)]


async def send_off(
    world: World, ids: Sequence[str], order_id: str, queue: LocalQueue | None = None
) -> Sequence[EditJob]:
    ports = replace(world.ports, queue=queue or ToldQueue())
    return await submit_edits(ids, order_id=order_id, user_id="anna", express=False, notes="hell", ports=ports)


def ids_of(*files: File) -> list[str]:
    return [one.id for one in files]


async def test_only_new_jobs_are_written_down_and_sent(world: World) -> None:
    first, second = await files_of(world, 2)
    [old] = await send_off(world, [first.id], first.order_id)
    queue = ToldQueue()
    again, new = await send_off(world, [first.id, second.id], first.order_id, queue)
    assert again.id == old.id
    assert queue.sent == [new.id]
    assert world.journal.moves == [Move(one.id, None, JobStatus.QUEUED, "submit") for one in (old, new)]


async def test_a_double_click_sends_nothing(world: World) -> None:
    files = await files_of(world, 2)
    await send_off(world, ids_of(*files), files[0].order_id)
    queue = ToldQueue()
    await send_off(world, ids_of(*files), files[0].order_id, queue)
    assert queue.sent == []
    assert len(await world.jobs()) == 2


async def test_an_id_that_comes_twice_gets_one_job(world: World) -> None:
    first, second = await files_of(world, 2)
    jobs = await send_off(world, [second.id, first.id, second.id], first.order_id)
    assert [one.file_id for one in jobs] == [second.id, first.id]


@pytest.mark.parametrize("error", [StorageUnavailable("the queue is away"), RuntimeError("nobody thought of it")])
async def test_a_queue_that_fails_fails_no_request(world: World, error: Exception) -> None:
    [file] = await files_of(world, 1)
    [job] = await send_off(world, [file.id], file.order_id, ToldQueue(error))
    assert (await world.job(file)).id == job.id
    assert world.journal.errors == [(None, error)]
    assert world.journal.warnings == ["messages_not_sent"]


async def refusal_of(world: World, ids: Sequence[str], order_id: str) -> tuple[type[Refused], set[str]]:
    queue = ToldQueue()
    with pytest.raises(Refused) as caught:
        await send_off(world, ids, order_id, queue)
    assert await world.jobs() == []
    assert (queue.sent, world.journal.moves) == ([], [])
    order = await world.store.order(order_id)
    assert order is None or order.notes is None
    return type(caught.value), set(caught.value.ids)


async def test_all_or_nothing_and_the_most_serious_reason_first(world: World) -> None:
    good, unmarked = await files_of(world, 1), await files_of(world, 1, marked=False)
    elsewhere, foreign = await files_of(world, 1), await files_of(world, 1, user_id="ben")
    order_id = good[0].order_id
    late = [*await seed_files(world.store, await _order(world, order_id), 2, marked=False)]
    wanted = ids_of(*good, *late)
    assert await refusal_of(world, wanted, order_id) == (FileNotMarked, set(ids_of(*late)))
    wanted += [*ids_of(*elsewhere, *unmarked), "unknown", "\x00"]
    missing = {*ids_of(*elsewhere, *unmarked), "unknown", "\x00"}
    assert await refusal_of(world, wanted, order_id) == (FileNotFound, missing)
    wanted += ids_of(*foreign)
    assert await refusal_of(world, wanted, order_id) == (Forbidden, set(ids_of(*foreign)))


async def _order(world: World, order_id: str) -> Order:
    order = await world.store.order(order_id)
    assert order is not None
    return order


async def test_the_order_is_looked_at_first(world: World) -> None:
    [foreign] = await files_of(world, 1, user_id="ben")
    assert await refusal_of(world, ["\x00"], foreign.order_id) == (Forbidden, {foreign.order_id})
    assert await refusal_of(world, [foreign.id], "unknown") == (OrderNotFound, {"unknown"})


async def test_a_file_being_edited_answers_with_its_job(world: World) -> None:
    [file] = await files_of(world, 1)
    await send_off(world, [file.id], file.order_id)
    taken = await claim(world.store)
    [job] = await send_off(world, [file.id], file.order_id)
    assert (job.id, job.status) == (taken.job.id, JobStatus.IN_PROGRESS)


async def test_an_order_keeps_the_notes_it_was_submitted_with(world: World) -> None:
    [file] = await files_of(world, 1)
    await send_off(world, [file.id], file.order_id)
    assert (await _order(world, file.order_id)).notes == "hell"
