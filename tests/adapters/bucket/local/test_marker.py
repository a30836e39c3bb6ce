"""A local bucket knows itself: where its marker is gone or another's, nothing is missing and nothing is done."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devtools.storage import folder_readers
from editqueue.adapters.bucket.local import files
from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.marker import holds_objects, mark, read_marker
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.domain.errors import ObjectMissing, StorageUnavailable
from editqueue.ports.bucket import ObjectInfo
from editqueue.wiring.system_clock import SystemClock

RAW = "user/1/orders/2/raw/a.jpg"
PROCESSED = "user/1/orders/2/processed/a.jpg"


def opened(folder: Path) -> LocalBucket:
    return LocalBucket(folder, signer=UrlSigner(secret="s" * 32, clock=SystemClock()))


async def pieces(*brought: bytes) -> AsyncIterator[bytes]:
    for piece in brought:
        yield piece


async def listed(bucket: LocalBucket, prefix: str) -> list[ObjectInfo]:
    return [info async for info in bucket.list(prefix)]


async def streamed(bucket: LocalBucket) -> bytes:
    return b"".join([piece async for piece in bucket.stream(RAW)])


USES: dict[str, Callable[[LocalBucket], Awaitable[object]]] = {
    "head": lambda bucket: bucket.head(RAW),
    "read": lambda bucket: bucket.read(RAW),
    "stream": streamed,
    "write": lambda bucket: bucket.write(RAW, b"body", content_type="image/jpeg"),
    "receive": lambda bucket: bucket.receive(PROCESSED, pieces(b"body"), content_type="image/jpeg"),
    "copy": lambda bucket: bucket.copy(RAW, PROCESSED),
    "delete": lambda bucket: bucket.delete([RAW]),
    "list all": lambda bucket: listed(bucket, ""),
    "list below": lambda bucket: listed(bucket, "user/1"),
    "remove leftovers": lambda bucket: bucket.remove_leftovers(before=datetime.now(UTC)),
    "probe": lambda bucket: bucket.probe(),
}


def taken_away(folder: Path) -> None:
    folder.rename(folder.with_name("away"))


def empty_mount_point(folder: Path) -> None:
    taken_away(folder)
    folder.mkdir()


def another_bucket(folder: Path) -> None:
    taken_away(folder)
    opened(folder)
    files.write(folder, RAW, b"another's", "image/png")


def a_file_in_its_place(folder: Path) -> None:
    taken_away(folder)
    folder.write_bytes(b"")


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


@pytest.mark.parametrize("away", [taken_away, empty_mount_point, another_bucket, a_file_in_its_place])
@pytest.mark.parametrize("use", USES)
async def test_a_bucket_that_is_away_is_unavailable_never_empty_and_takes_nothing(
    bucket: LocalBucket, folder: Path, use: str, away: Callable[[Path], None]
) -> None:
    await bucket.write(RAW, b"body", content_type="image/jpeg")
    away(folder)
    before = everything(folder)

    with pytest.raises(StorageUnavailable, match="Mount") as raised:
        await USES[use](bucket)

    assert str(folder) in str(raised.value)
    assert everything(folder) == before


@pytest.mark.parametrize("use", USES)
async def test_it_is_as_it_was_when_it_is_back(bucket: LocalBucket, folder: Path, use: str) -> None:
    await bucket.write(RAW, b"body", content_type="image/jpeg")
    empty_mount_point(folder)
    with pytest.raises(StorageUnavailable):
        await bucket.head(RAW)
    folder.rmdir()
    folder.with_name("away").rename(folder)

    await USES[use](bucket)


@pytest.mark.parametrize("away", [taken_away, empty_mount_point, another_bucket])
async def test_an_upload_under_way_when_the_disk_goes_is_not_answered_as_written(
    bucket: LocalBucket, folder: Path, away: Callable[[Path], None]
) -> None:
    async def half_then_gone() -> AsyncIterator[bytes]:
        yield b"half"
        away(folder)
        yield b"whole"

    with pytest.raises(StorageUnavailable):
        await bucket.receive(RAW, half_then_gone(), content_type="image/jpeg")

    assert folder.exists() == (away is not taken_away)
    if away is empty_mount_point:
        assert everything(folder) == {}


async def test_a_disk_that_goes_before_the_last_look_is_noticed(
    bucket: LocalBucket, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files.write

    def then_gone(*args: object) -> None:
        whole(*args)  # pyright: ignore[reportArgumentType]  # passed on as they came
        empty_mount_point(folder)

    monkeypatch.setattr(files, "write", then_gone)
    with pytest.raises(StorageUnavailable):
        await bucket.write(RAW, b"body", content_type="image/jpeg")


async def test_a_disk_that_was_away_for_a_moment_only_makes_nothing_missing(
    bucket: LocalBucket, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bucket.write(RAW, b"body", content_type="image/jpeg")

    def away_and_back(_: object, key: str) -> None:
        raise FileNotFoundError(key)

    monkeypatch.setattr(files, "head", away_and_back)
    with pytest.raises(StorageUnavailable):
        await bucket.head(RAW)
    with pytest.raises(ObjectMissing):
        await bucket.head(PROCESSED)


@pytest.mark.parametrize("away", [taken_away, empty_mount_point])
async def test_an_image_worker_tells_a_bucket_that_is_away_from_a_missing_object(
    bucket: LocalBucket, folder: Path, away: Callable[[Path], None]
) -> None:
    await bucket.write(RAW, b"body", content_type="image/jpeg")
    readers = folder_readers(folder)
    with pytest.raises(ObjectMissing):
        await asyncio.to_thread(readers.open(PROCESSED).read, 0, 4)
    away(folder)

    for key in (RAW, PROCESSED):
        for read in (readers.open(key).size, lambda key=key: readers.open(key).read(0, 4)):
            with pytest.raises(StorageUnavailable, match="Mount"):
                await asyncio.to_thread(read)


async def test_the_marker_is_no_object_and_no_sweep_takes_it(bucket: LocalBucket, folder: Path) -> None:
    assert await listed(bucket, "") == []
    assert await bucket.remove_leftovers(before=datetime(2100, 1, 1, tzinfo=UTC), thorough=True) == 0
    assert read_marker(folder) == bucket.folder.bucket_id


def test_a_bucket_is_marked_once_and_every_bucket_otherwise(tmp_path: Path) -> None:
    first = mark(tmp_path / "a")
    assert first
    assert mark(tmp_path / "a") == first
    assert mark(tmp_path / "b") != first


def test_a_bucket_of_an_older_version_is_adopted_with_what_is_in_it(folder: Path) -> None:
    (folder / RAW).parent.mkdir(parents=True)
    (folder / RAW).write_bytes(b"body")

    assert mark(folder) == mark(folder)
    assert [info.key for info in files.walk(folder)] == [RAW]


def test_a_marker_made_by_hand_is_one(folder: Path) -> None:
    folder.mkdir()
    (folder / ".editqueue-bucket").write_text("mine\n")

    assert mark(folder) == "mine"


@pytest.mark.parametrize("links", [True, False])
def test_starts_at_the_same_time_agree_on_one_marker(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    with ThreadPoolExecutor(8) as starts:
        ids = {start.result() for start in [starts.submit(mark, folder) for _ in range(32)]}

    assert ids == {read_marker(folder)}


def test_what_a_start_that_died_left_is_no_object(folder: Path) -> None:
    assert not holds_objects(folder)
    (folder / ".staging").mkdir(parents=True)
    (folder / ".staging" / "piece").write_bytes(b"half a marker")
    (folder / "lost+found").mkdir()
    assert not holds_objects(folder)
    (folder / RAW).parent.mkdir(parents=True)
    (folder / RAW).write_bytes(b"body")
    assert holds_objects(folder)
