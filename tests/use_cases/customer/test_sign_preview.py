"""A link to a preview: for its owner, while there is one, for five minutes."""

from datetime import timedelta

import pytest

from devtools.world import World, keys_of
from editqueue.domain.errors import FileNotFound, Forbidden, PreviewNotFound
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.customer.sign_preview import SignedPreview, sign_preview


async def sign(world: World, file_id: str, *, user_id: str = "anna") -> SignedPreview:
    return await sign_preview(file_id, user_id=user_id, ports=world.ports)


async def test_the_link_names_the_preview_and_its_end(world: World) -> None:
    [file] = await world.submitted(1)
    assert await process_next(world.ports)
    signed = await sign(world, file.id)
    assert keys_of(file).preview in signed.url
    assert signed.expires_at == world.clock.now() + timedelta(minutes=5)
    assert (await world.file(file)).preview_url == f"r2://piximmo-media/{keys_of(file).preview}", "never the link"


async def test_there_is_none_before_the_edit_and_none_after_deletion(world: World) -> None:
    [file] = await world.submitted(1)
    with pytest.raises(PreviewNotFound):
        await sign(world, file.id)
    assert await process_next(world.ports)
    await world.store.delete_files([file.id], user_id="anna", now=world.clock.now())
    with pytest.raises(FileNotFound):
        await sign(world, file.id)


async def test_strangers_get_none(world: World) -> None:
    [file] = await world.submitted(1)
    with pytest.raises(Forbidden):
        await sign(world, file.id, user_id="ben")
