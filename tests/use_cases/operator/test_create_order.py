"""Orders are opened for users whose objects have a place in the bucket."""

import pytest

from devtools.world import World
from editqueue.domain.errors import Invalid
from editqueue.domain.files import Order
from editqueue.use_cases.operator.create_order import CODE_LETTERS, create_order


async def create(world: World, user_id: str) -> Order:
    return await create_order(user_id=user_id, title="Haus", store=world.store, clock=world.clock)


async def test_an_order_is_the_users_and_has_a_code_to_read_out(world: World) -> None:
    order = await create(world, "anna")

    assert await world.store.order(order.id) == order
    assert (order.user_id, order.title, len(order.shootcode)) == ("anna", "Haus", 6)
    assert {*order.shootcode} <= {*CODE_LETTERS}


@pytest.mark.parametrize("user_id", ["", "a" * 129, "a\nb", "\udcff"])
async def test_a_user_id_has_1_to_128_printable_characters(world: World, user_id: str) -> None:
    with pytest.raises(Invalid, match="user_id must be 1 to 128 printable characters") as caught:
        await create(world, user_id)

    assert caught.value.field == "user_id"


@pytest.mark.parametrize(("letter", "size"), [(".", 3), ("家", 9), ("💡", 12)])
async def test_a_user_id_takes_240_bytes_of_an_object_key_at_most(world: World, letter: str, size: int) -> None:
    longest = letter * (240 // size)
    assert (await create(world, longest)).user_id == longest

    with pytest.raises(Invalid, match=r"user_id takes 2\d\d bytes in an object key.*at most 240 fit") as caught:
        await create(world, longest + letter)
    assert caught.value.field == "user_id"
