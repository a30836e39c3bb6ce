"""What is missing in the bucket and what is too much, found a page at a time and in whatever order it is listed."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakSet

import pytest

from devtools.world import World, keys_of
from editqueue.domain.errors import StorageUnavailable
from editqueue.domain.files import File
from editqueue.ports.bucket import Bucket, ObjectInfo
from editqueue.use_cases.consumer.process_job import process_next
from editqueue.use_cases.operator import check_objects as module
from editqueue.use_cases.operator.check_objects import ObjectReport, check_objects

LONG_AGO = datetime.now(UTC) - timedelta(days=30)


class Later:
    """Two days from now: everything in the bucket is old enough to be stray."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=2)


class Listed:
    """The bucket, with a listing of its own."""

    def __init__(self, bucket: Bucket, listing: Callable[[str], AsyncIterator[ObjectInfo]]) -> None:
        self._bucket = bucket
        self.list = listing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bucket, name)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 4)


async def look(world: World, bucket: Any = None, *, remove: bool = False) -> ObjectReport:
    return await check_objects(bucket=bucket or world.bucket, store=world.store, clock=Later(), remove=remove)


async def done(world: World, *counts: int) -> list[File]:
    """Files of several orders, all processed."""
    files = [file for count in counts for file in await world.submitted(count)]
    while await process_next(world.ports) is not None:
        pass
    return files


async def put(world: World, *keys: str) -> None:
    for key in keys:
        await world.bucket.write(key, b"body", content_type="image/jpeg")


async def keys_in(bucket: Bucket) -> set[str]:
    return {info.key async for info in bucket.list("")}


async def test_a_bucket_that_agrees_with_the_database_has_no_findings(world: World) -> None:
    await done(world, 3, 9, 1)

    report = await look(world)

    assert (report.missing.count, report.stray.count, report.unfinished) == (0, 0, 0)


async def test_done_files_without_their_objects_are_named(world: World) -> None:
    files = await done(world, 3, 9, 1)
    lost = [files[1], files[5], files[12]]
    await world.bucket.delete([keys_of(lost[0]).preview, keys_of(lost[1]).processed, keys_of(lost[2]).preview])

    report = await look(world)

    assert report.missing.count == 3
    assert set(report.missing.examples) == {file.id for file in lost}


async def test_an_order_whose_objects_are_all_gone_is_missed_too(world: World) -> None:
    files = await done(world, 2, 6)
    await world.bucket.delete(list(await keys_in(world.bucket)))

    report = await look(world)

    assert report.missing.count == len(files)
    assert len(report.missing.examples) == module.EXAMPLES


async def test_a_file_finished_after_the_listing_is_not_missing(world: World) -> None:
    files = await done(world, 3)
    late = keys_of(files[1])

    async def listing(prefix: str) -> AsyncIterator[ObjectInfo]:
        async for info in world.bucket.list(prefix):
            if info.key not in {late.processed, late.preview}:
                yield info

    assert (await look(world, Listed(world.bucket, listing))).missing.count == 0


async def test_objects_without_a_file_are_counted_and_uploads_apart(world: World) -> None:
    files = await done(world, 5, 2)
    keys = keys_of(files[0])
    made = {f"{keys.processed}x", f"{keys.preview}x", "user/nobody/orders/1/preview/a.jpg"}
    await put(world, *made, f"{keys.raw}x")

    report = await look(world)

    assert report.stray.count == 3
    assert set(report.stray.examples) == {
        f"{keys.processed}x",
        f"{keys.preview}x",
        "user/nobody/orders/1/preview/a.jpg",
    }
    assert report.unfinished == 1


async def test_objects_of_deleted_files_are_theirs(world: World) -> None:
    files = await done(world, 3)
    await world.store.delete_files([file.id for file in files], user_id="anna", now=world.clock.now())

    report = await look(world)

    assert (report.missing.count, report.stray.count, report.unfinished) == (0, 0, 0)


async def test_what_is_removed_is_just_the_stray_objects(world: World) -> None:
    files = await done(world, 6)
    before = await keys_in(world.bucket)
    upload = f"{keys_of(files[0]).raw}x"
    await put(world, upload, *(f"user/nobody/orders/{number}/processed/a.jpg" for number in range(11)))

    assert (await look(world, remove=True)).stray.count == 11
    assert await keys_in(world.bucket) == before | {upload}
    assert (await look(world)).stray.count == 0


async def test_young_objects_may_belong_to_work_under_way(world: World) -> None:
    await put(world, "user/nobody/orders/1/preview/a.jpg")

    class Now:
        def now(self) -> datetime:
            return datetime.now(UTC)

    report = await check_objects(bucket=world.bucket, store=world.store, clock=Now(), remove=True)

    assert report.stray.count == 0
    assert await keys_in(world.bucket) == {"user/nobody/orders/1/preview/a.jpg"}


@pytest.mark.parametrize("seed", range(5))
async def test_the_order_of_the_listing_does_not_matter(world: World, seed: int) -> None:
    files = await done(world, 7, 1, 4, 2)
    await world.bucket.delete([keys_of(files[3]).preview])
    await put(world, "user/anna/orders/0/preview/a.jpg", "user/zoe/orders/9/processed/a.jpg")

    async def listing(prefix: str) -> AsyncIterator[ObjectInfo]:
        infos = [info async for info in world.bucket.list(prefix)]
        random.Random(seed).shuffle(infos)
        for info in infos:
            yield info

    report = await look(world, Listed(world.bucket, listing), remove=True)

    assert report.missing.examples == (files[3].id,)
    assert set(report.stray.examples) == {"user/anna/orders/0/preview/a.jpg", "user/zoe/orders/9/processed/a.jpg"}
    assert {keys_of(file).raw for file in files} <= await keys_in(world.bucket)


async def test_a_listing_that_breaks_off_is_an_error_and_removes_nothing_that_has_a_file(world: World) -> None:
    await done(world, 5)
    before = await keys_in(world.bucket)

    async def listing(prefix: str) -> AsyncIterator[ObjectInfo]:
        if prefix == "user/":
            async for info in world.bucket.list(prefix):
                yield info
                break
        raise StorageUnavailable("the bucket is away")

    with pytest.raises(StorageUnavailable, match="away"):
        await look(world, Listed(world.bucket, listing), remove=True)
    assert await keys_in(world.bucket) == before


class Seen(str):
    """A key that can be counted while it is alive."""

    __slots__ = ("__weakref__",)


async def test_a_few_pages_are_all_that_is_in_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    files = await done(world, 3, 3)
    alive: WeakSet[Seen] = WeakSet()
    most = 0

    async def listing(prefix: str) -> AsyncIterator[ObjectInfo]:
        nonlocal most
        for number in range(500 if prefix == "user/" else 0):
            key = Seen(f"user/nobody/orders/{number // 3}/raw/{number}.jpg")
            alive.add(key)
            most = max(most, len(alive))
            yield ObjectInfo(key=key, size=1, content_type=None, last_modified=LONG_AGO)

    limits: list[int] = []
    known_objects = world.store.known_objects

    async def counted(*, after_key: str, limit: int) -> Sequence[File]:
        limits.append(limit)
        return await known_objects(after_key=after_key, limit=limit)

    monkeypatch.setattr(world.store, "known_objects", counted)
    report = await look(world, Listed(world.bucket, listing))

    assert report.unfinished == 500
    assert most <= 3 * module.PAGE + 2
    assert set(limits) == {module.PAGE}
    assert len(files) == 6
