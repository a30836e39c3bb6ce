"""Pages of files and notifications, counts, and new orders."""

import pytest

from devtools.seeds import seed_files, seed_order
from devtools.world import World
from editqueue.domain.errors import Forbidden, Invalid, OrderNotFound
from editqueue.ports.job_store import FileQuery
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.customer.list_files import FilePage, list_files
from editqueue.use_cases.customer.list_notifications import list_notifications
from editqueue.use_cases.customer.order_status import OrderStatus, order_status
from editqueue.use_cases.operator.create_order import CODE_LETTERS, create_order

BAD_CURSORS = ["", "-1", "+1", " 1", "1.0", "٣", "\x00", "9" * 13, str(2**31)]


async def page(world: World, order_id: str, *, cursor: str | None = None, user_id: str = "anna") -> FilePage:
    return await list_files(FileQuery(order_id=order_id, limit=2), cursor=cursor, user_id=user_id, store=world.store)


async def test_pages_end_exactly_when_nothing_is_left(world: World) -> None:
    order = await seed_order(world.store)
    files = await seed_files(world.store, order, 4)
    first = await page(world, order.id)
    second = await page(world, order.id, cursor=first.next_cursor)
    assert [one.id for one in (*first.files, *second.files)] == [one.id for one in files]
    assert (first.next_cursor, second.next_cursor) == ("2", None)


@pytest.mark.parametrize("cursor", BAD_CURSORS)
async def test_a_cursor_that_is_none_is_named(world: World, cursor: str) -> None:
    order = await seed_order(world.store)
    with pytest.raises(Invalid) as caught:
        await page(world, order.id, cursor=cursor)
    assert caught.value.field == "cursor"


async def test_only_the_owner_sees_an_order(world: World) -> None:
    order = await seed_order(world.store, user_id="ben")
    for look in (page(world, order.id), order_status(order.id, user_id="anna", store=world.store)):
        with pytest.raises(Forbidden):
            await look
    for look in (page(world, "\x00"), order_status("unknown", user_id="anna", store=world.store)):
        with pytest.raises(OrderNotFound):
            await look


async def test_counts_leave_out_what_is_only_uploaded_or_deleted(world: World) -> None:
    first, second, *_ = await world.submitted(3)
    order = await world.store.order(first.order_id)
    assert order is not None
    await seed_files(world.store, order, 2)
    assert await process_next(world.ports)
    waiting = [one for one in (first, second) if (await world.file(one)).status == "queued"]
    await world.store.delete_files([waiting[0].id], user_id="anna", now=world.clock.now())
    found = await order_status(order.id, user_id="anna", store=world.store)
    assert found == OrderStatus(queued=1, in_progress=0, done=1, failed=0)
    assert found.total == 2


async def test_notifications_follow_each_other_newest_first(world: World) -> None:
    await world.submitted(3)
    while await process_next(world.ports):
        pass
    everything = await list_notifications(user_id="anna", limit=200, cursor=None, store=world.store)
    first = await list_notifications(user_id="anna", limit=2, cursor=None, store=world.store)
    second = await list_notifications(user_id="anna", limit=2, cursor=first.next_cursor, store=world.store)
    assert [*first.items, *second.items] == [*everything.items]
    assert [one.id for one in everything.items] == sorted((one.id for one in everything.items), reverse=True)
    assert (second.next_cursor, everything.next_cursor) == (None, None)


async def test_a_new_order_has_a_code_that_can_be_read_aloud(world: World) -> None:
    order = await create_order(user_id="anna", title="Haus", store=world.store, clock=world.clock)
    assert await world.store.order(order.id) == order
    assert len(order.shootcode) == 6
    assert set(order.shootcode) <= set(CODE_LETTERS)


@pytest.mark.parametrize("user_id", ["", "a" * 129, "an\nna", "\x00"])
async def test_an_order_needs_a_user(world: World, user_id: str) -> None:
    with pytest.raises(Invalid) as caught:
        await create_order(user_id=user_id, title="Haus", store=world.store, clock=world.clock)
    assert caught.value.field == "user_id"
