"""The file comes into being when its object is there, once, and as it was promised."""

import hashlib
from datetime import timedelta

import pytest

from devtools.seeds import NOON, seed_order
from devtools.world import World
from editqueue.domain.errors import (
    FileNotFound,
    Forbidden,
    Invalid,
    ObjectDiffers,
    ObjectNotUploaded,
    Refused,
    TooLarge,
    UploadNotFound,
)
from editqueue.domain.files import File, Upload
from editqueue.domain.keys import ObjectKeys, new_object_name
from editqueue.use_cases.customer.finalize_upload import finalize_upload

BODY = b"not really a picture"
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
async def key(world: World) -> str:
    """Of an upload that was promised; nothing is there yet."""
    order = await seed_order(world.store)
    key = ObjectKeys("anna", order.id, new_object_name("a.jpg")).raw
    await world.store.record_upload(
        Upload(
            object_key=key,
            order_id=order.id,
            user_id="anna",
            filename="a.jpg",
            mime="image/jpeg",
            room_type="kitchen",
            stack_id=None,
            created_at=NOON,
        )
    )
    return key


async def put(world: World, key: str, body: bytes = BODY) -> None:
    await world.bucket.write(key, body, content_type="image/jpeg")


async def finalize(
    world: World, key: str, *, size: int = len(BODY), checksum: str | None = None, user_id: str = "anna"
) -> File:
    return await finalize_upload(
        object_key=key, user_id=user_id, size=size, checksum=checksum, exif_meta=None, ports=world.ports
    )


async def test_what_was_promised_becomes_the_file(world: World, key: str) -> None:
    await put(world, key)
    file = await finalize(world, key, checksum=DIGEST.upper())
    assert (file.object_key, file.name, file.bytes, file.room_type) == (key, "a.jpg", len(BODY), "kitchen")


async def test_the_same_call_again_gives_the_same_file(world: World, key: str) -> None:
    await put(world, key)
    first = await finalize(world, key)
    world.clock.advance(timedelta(minutes=1))
    assert await finalize(world, key, checksum=DIGEST) == first
    with pytest.raises(ObjectDiffers):
        await finalize(world, key, size=len(BODY) + 1)


async def test_a_deleted_file_does_not_come_back(world: World, key: str) -> None:
    await put(world, key)
    file = await finalize(world, key)
    await world.store.delete_files([file.id], user_id="anna", now=world.clock.now())
    with pytest.raises(FileNotFound):
        await finalize(world, key)


async def test_nothing_comes_of_an_upload_that_did_not_arrive(world: World, key: str) -> None:
    with pytest.raises(ObjectNotUploaded):
        await finalize(world, key)
    assert await world.store.file_of_key(key) is None


@pytest.mark.parametrize(("size", "checksum"), [(len(BODY) + 1, None), (0, None), (len(BODY), "0" * 64)])
async def test_an_object_that_differs_makes_no_file(world: World, key: str, size: int, checksum: str | None) -> None:
    await put(world, key)
    with pytest.raises(ObjectDiffers) as refused:
        await finalize(world, key, size=size, checksum=checksum)
    assert refused.value.field == ("bytes" if checksum is None else "checksum")
    assert await world.store.file_of_key(key) is None


async def test_the_limit_is_250_million_bytes_and_they_still_fit(world: World, key: str) -> None:
    with pytest.raises(TooLarge):
        await finalize(world, key, size=250_000_001)
    with pytest.raises(ObjectNotUploaded):
        await finalize(world, key, size=250_000_000)


async def test_another_users_key_is_refused_whether_it_is_there_or_not(world: World, key: str) -> None:
    for other in (key, ObjectKeys("anna", "no order", "a.jpg").raw):
        with pytest.raises(Forbidden):
            await finalize(world, other, user_id="ben")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ("user/anna/orders/o/raw/a.jpg", UploadNotFound),
        ("user/anna/orders/o/processed/a.jpg", Invalid),
        ("user/anna/orders/o/raw/../../../ben/a.jpg", Invalid),
        ("user/anna/orders/o\x00/raw/a.jpg", Invalid),
        ("user/anna/orders/\ud800/raw/a.jpg", Invalid),
        ("", Invalid),
    ],
)
async def test_a_key_that_was_never_handed_out_is_refused(world: World, wrong: str, error: type[Refused]) -> None:
    with pytest.raises(error) as caught:
        await finalize(world, wrong)
    assert caught.value.field == "object_key"
