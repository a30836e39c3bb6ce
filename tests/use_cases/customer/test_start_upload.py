"""What becomes of the names and types that customers' devices come up with."""

import pytest

from devtools.seeds import seed_order
from devtools.world import World
from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import Forbidden, Invalid, OrderNotFound
from editqueue.domain.keys import ObjectKeys
from editqueue.use_cases.customer.start_upload import StartedUpload, displayed_name, start_upload


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("IMG_0001.JPG", "IMG_0001.JPG"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Fotos\\Küche.jpg", "Küche.jpg"),
        ("  Küche 1.jpg ", "Küche 1.jpg"),
        ("Screenshot 2026-11-24 at 9.41.00\u202fAM.png", "Screenshot 2026-11-24 at 9.41.00 AM.png"),
        ("リビング\u30001.jpg", "リビング 1.jpg"),
        ("👩\u200d👩\u200d👧 Familie ❤\ufe0f.jpg", "👩\u200d👩\u200d👧 Familie ❤\ufe0f.jpg"),
        ("می\u200cخواهم.jpg", "می\u200cخواهم.jpg"),
        ("new emoji \U0001fae9.jpg", "new emoji \U0001fae9.jpg"),
        ("a" * 255, "a" * 255),
    ],
)
def test_a_name_is_shown_as_the_customer_knows_it(filename: str, shown: str) -> None:
    assert displayed_name(filename) == shown


@pytest.mark.parametrize(
    "filename",
    ["", " ", "\u00a0", ".", "..", "folder/", "a" * 256, "a\x00.jpg", "a\nb.jpg", "\x7f", "a\u0085b", "\ud800.jpg"]
    + [f"a{mark}gpj.exe" for mark in "\u061c\u200e\u200f\u202a\u202e\u2066\u2069\u2028\u2029"],
)
def test_a_name_nobody_should_look_at_is_refused(filename: str) -> None:
    with pytest.raises(Invalid) as caught:
        displayed_name(filename)
    assert caught.value.field == "filename"


async def start(
    world: World, order_id: str, *, mime: str = "image/jpeg", filename: str = "a.jpg", user: str = "anna"
) -> StartedUpload:
    return await start_upload(
        order_id=order_id, user_id=user, filename=filename, mime=mime, room_type=None, stack_id=None, ports=world.ports
    )


@pytest.mark.parametrize(
    "filename", ["../../x.jpg", "a/b\\c.tar.gz", "💡.jpg", "%2e%2e%2f.jpg", "a" * 255, "...", ".jpg"]
)
async def test_no_name_leaves_the_folder_of_its_order(world: World, filename: str) -> None:
    order = await seed_order(world.store)
    key = (await start(world, order.id, filename=filename)).object_key
    keys = ObjectKeys.from_raw(key)
    assert key == f"user/anna/orders/{order.id}/raw/{keys.name}"
    assert key.isascii()
    assert len(key) < 200


async def test_equal_names_get_keys_that_never_meet(world: World) -> None:
    order = await seed_order(world.store)
    started = [await start(world, order.id, filename=name) for name in ("IMG_1.CR2", "IMG_1.JPG", "IMG_1.JPG")]
    assert len({ObjectKeys.from_raw(one.object_key).preview for one in started}) == 3


async def test_the_type_is_signed_as_it_will_be_sent(world: World) -> None:
    order = await seed_order(world.store)
    for mime, sent in ((" IMAGE/JPEG ", "image/jpeg"), ("video/quicktime", "video/quicktime")):
        started = await start(world, order.id, mime=mime)
        assert {name.lower(): value for name, value in started.signed.headers.items()}["content-type"] == sent


@pytest.mark.parametrize("mime", ["", "image", "image/", "image/*", "video/webm", "text/html", "image/a\r\nb: c"])
async def test_other_types_are_refused(world: World, mime: str) -> None:
    order = await seed_order(world.store)
    with pytest.raises(Invalid) as caught:
        await start(world, order.id, mime=mime)
    assert caught.value.field == "mime"


async def test_only_the_owner_of_an_order_uploads_into_it(world: World) -> None:
    foreign = await seed_order(world.store, user_id="ben")
    with pytest.raises(Forbidden):
        await start(world, foreign.id)
    with pytest.raises(OrderNotFound):
        await start(world, "unknown")


async def test_a_user_whose_id_no_object_key_can_hold_uploads_nothing(world: World) -> None:
    user = "💡" * 21
    order = await seed_order(world.store, user_id=user)

    with pytest.raises(Invalid, match=r"sub takes 252 bytes in an object key.*at most 240 fit") as caught:
        await start(world, order.id, user=user)

    assert caught.value.field == "sub"


async def test_an_order_whose_id_no_object_key_can_hold_takes_no_upload(world: World) -> None:
    order = await seed_order(world.store, order_id="." * 81)

    with pytest.raises(Invalid) as caught:
        await start(world, order.id)

    assert caught.value.field == "order_id"


async def test_the_longest_ids_and_names_make_keys_that_every_bucket_takes(world: World) -> None:
    user, order_id = "💡" * 20, "." * 80
    await seed_order(world.store, user_id=user, order_id=order_id)

    started = await start(world, order_id, user=user, filename="a" * 240 + ".long-ending")

    keys = ObjectKeys.from_raw(started.object_key)
    assert (keys.user_id, keys.order_id) == (user, order_id)
    assert max(len(key) for key in (keys.raw, keys.processed, keys.preview)) < 600
    for key in (keys.raw, keys.processed, keys.preview):
        assert check_key(key) == key
        assert all(len(segment) <= 240 for segment in key.split("/"))
