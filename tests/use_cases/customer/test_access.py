"""Who may touch what, told by the most serious reason first, with every id it holds for."""

import pytest

from devtools.seeds import claim, seed_files, seed_order, submit
from devtools.world import World
from editqueue.domain.errors import FileLocked, FileNotFound, Forbidden, Refused
from editqueue.domain.files import File
from editqueue.use_cases.customer.delete_files import delete_files
from editqueue.use_cases.customer.mark_files import mark_files

ODD = ["", "\x00", "a\x00b", "\ud800", "x" * 201, "\u202e"]


async def files_of(world: World, count: int, *, user_id: str = "anna") -> list[File]:
    return [*await seed_files(world.store, await seed_order(world.store, user_id=user_id), count, marked=False)]


async def locked(world: World, count: int) -> list[File]:
    files = await seed_files(world.store, await seed_order(world.store), count)
    await submit(world.store, files)
    return [(await claim(world.store)).file for _ in files]


def ids_of(*files: File) -> list[str]:
    return [one.id for one in files]


async def mark(world: World, ids: list[str]) -> None:
    await mark_files(ids, marked=True, user_id="anna", ports=world.ports)


async def refusal_of(world: World, ids: list[str]) -> tuple[type[Refused], set[str]]:
    with pytest.raises(Refused) as caught:
        await mark(world, ids)
    return type(caught.value), set(caught.value.ids)


async def test_foreign_goes_before_unknown_and_unknown_before_locked(world: World) -> None:
    own, foreign, held = await files_of(world, 1), await files_of(world, 2, user_id="ben"), await locked(world, 2)
    reachable, unknown = ids_of(*own, *held), ["unknown", "more unknown"]
    everything = [*reachable, *unknown, *ids_of(*foreign)]
    assert await refusal_of(world, everything) == (Forbidden, set(ids_of(*foreign)))
    assert await refusal_of(world, [*reachable, *unknown]) == (FileNotFound, set(unknown))
    assert await refusal_of(world, reachable) == (FileLocked, set(ids_of(*held)))
    assert not (await world.file(own[0])).marked


async def test_one_refusal_names_every_offending_id_once_with_its_reason(world: World) -> None:
    own, foreign, held = await files_of(world, 1), await files_of(world, 2, user_id="ben"), await locked(world, 2)

    with pytest.raises(Forbidden) as caught:
        await mark(world, [*ids_of(*own, *held), "unknown", *ids_of(*foreign)])

    assert set(caught.value.ids) == set(ids_of(*foreign))
    also = {code: set(ids) for code, ids in caught.value.also.items()}
    assert also == {"file_not_found": {"unknown"}, "file_locked": set(ids_of(*held))}


async def test_a_deleted_file_that_was_locked_is_named_as_missing_only(world: World) -> None:
    [gone] = await files_of(world, 1)
    await world.store.delete_files([gone.id], user_id="anna", now=world.clock.now())

    with pytest.raises(FileNotFound) as caught:
        await mark(world, [gone.id])

    assert (caught.value.ids, caught.value.also) == ((gone.id,), {})


@pytest.mark.parametrize("odd", ODD)
async def test_what_cannot_be_an_id_is_unknown_like_any_other(world: World, odd: str) -> None:
    [own], [foreign] = await files_of(world, 1), await files_of(world, 1, user_id="ben")
    assert await refusal_of(world, [own.id, odd, "unknown"]) == (FileNotFound, {odd[:40], "unknown"})
    assert await refusal_of(world, [own.id, odd, foreign.id]) == (Forbidden, {foreign.id})
    assert not (await world.file(own)).marked


async def test_deleted_files_are_unknown_but_strangers_still_learn_nothing_new(world: World) -> None:
    [own], [foreign] = await files_of(world, 1), await files_of(world, 1, user_id="ben")
    for file in (own, foreign):
        await world.store.delete_files([file.id], user_id=file.user_id, now=world.clock.now())
    assert await refusal_of(world, [own.id]) == (FileNotFound, {own.id})
    assert await refusal_of(world, [foreign.id]) == (Forbidden, {foreign.id})


async def test_an_id_that_comes_twice_counts_once(world: World) -> None:
    [file] = await files_of(world, 1)
    await mark(world, [file.id, file.id])
    assert (await world.file(file)).marked
    deleted = await delete_files([file.id, file.id], user_id="anna", ports=world.ports)
    assert deleted == 1
