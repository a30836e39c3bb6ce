"""The standard name, and a rename that others get in the way of."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from devtools.seeds import claim, seed_files, seed_order, submit
from devtools.world import World
from editqueue.adapters.job_store.store.sql_store import SqlStore
from editqueue.domain.errors import Conflict, FileLocked
from editqueue.ports.job_store import JobStore, Renaming, RenamingResult
from editqueue.use_cases.customer.rename_files import TRIES, rename_files, standard_name


@pytest.mark.parametrize(
    ("name", "room_type", "index", "ver", "expected"),
    [
        ("IMG_1.JPG", "kitchen", 7, 1, "20261124-AB12CD_kitchen_007_v1.jpg"),
        ("IMG_1.Cr2", None, 12, 3, "20261124-AB12CD_unspecified_012_v3.cr2"),
        ("a.b.heic", "", 1000, 1, "20261124-AB12CD_unspecified_1000_v1.heic"),
        ("ohne Endung", "Living Room/2", 1, 1, "20261124-AB12CD_living-room-2_001_v1"),
        (".hidden", "../..", 1, 1, "20261124-AB12CD_unspecified_001_v1"),
    ],
)
async def test_names_are_brought_to_the_standard(
    world: World, name: str, room_type: str | None, index: int, ver: int, expected: str
) -> None:
    order = await seed_order(world.store)
    [file] = await seed_files(world.store, order, 1)
    assert standard_name(replace(file, name=name, room_type=room_type, index=index, ver=ver), order) == expected


class Crowded(SqlStore):
    """Somebody else raises the version just before each of the first `others` renames."""

    def __init__(self, inner: SqlStore, *, others: int) -> None:
        super().__init__(inner._database)  # pyright: ignore[reportPrivateUsage]  # the same database, once more
        self.others = others
        self.tries = 0

    async def rename_files(self, renamings: Sequence[Renaming], *, user_id: str, now: datetime) -> RenamingResult:
        self.tries += 1
        if self.tries <= self.others:
            renamings = [replace(renaming, ver=renaming.ver + 1) for renaming in renamings]
        return await super().rename_files(renamings, user_id=user_id, now=now)


async def rename(world: World, ids: Sequence[str], store: JobStore) -> Sequence[Renaming]:
    return await rename_files(ids, user_id="anna", ports=replace(world.ports, store=store))


async def test_a_rename_lost_to_another_change_is_made_anew(world: World) -> None:
    files = await seed_files(world.store, await seed_order(world.store), 2)
    store = Crowded(world.store, others=TRIES - 1)
    renamed = await rename(world, [files[1].id, files[0].id], store)
    assert store.tries == TRIES
    assert [one.new_name[-10:] for one in renamed] == ["002_v1.jpg", "001_v1.jpg"]
    assert [(await world.file(one)).name for one in files] == [one.new_name for one in reversed(renamed)]


async def test_a_rename_that_never_wins_says_so_and_changes_nothing(world: World) -> None:
    [file] = await seed_files(world.store, await seed_order(world.store), 1)
    store = Crowded(world.store, others=TRIES)
    with pytest.raises(Conflict) as caught:
        await rename(world, [file.id], store)
    assert caught.value.ids == (file.id,)
    assert (await world.file(file)).name == file.name


async def test_one_locked_file_keeps_all_names(world: World) -> None:
    free, held = await seed_files(world.store, await seed_order(world.store), 2)
    await submit(world.store, [held])
    await claim(world.store)
    with pytest.raises(FileLocked) as caught:
        await rename(world, [free.id, held.id], world.store)
    assert caught.value.ids == (held.id,)
    assert (await world.file(free)).name == free.name


async def test_a_second_rename_changes_nothing_and_the_key_never_changes(world: World) -> None:
    [file] = await seed_files(world.store, await seed_order(world.store), 1)
    [first] = await rename(world, [file.id], world.store)
    [second] = await rename(world, [file.id], world.store)
    assert first.old_name == file.name
    assert first.new_name == second.old_name == second.new_name != file.name
    assert (await world.file(file)).object_key == file.object_key
