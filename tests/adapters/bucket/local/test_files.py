"""What an object goes through on a disk: written once, copied in one version, synced before it is answered."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import obstore
import pytest
from obstore.store import LocalStore

from editqueue.adapters.bucket.local import files
from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.leftovers import remove_leftovers
from editqueue.adapters.bucket.local.marker import mark
from editqueue.adapters.bucket.local.paths import STAGING
from editqueue.adapters.bucket.local.staging import staging_file
from editqueue.domain.errors import ObjectExists, PermanentError, StorageUnavailable

RAW = "user/1/orders/2/raw/a.jpg"
PROCESSED = "user/1/orders/2/processed/a.jpg"
FUTURE = float("inf")
USES: dict[str, Callable[[Path], object]] = {
    "write": lambda folder: files.write(folder, RAW, b"body", "image/jpeg"),
    "delete": lambda folder: files.delete(folder, [RAW]),
    "probe": files.probe,
    "sweep": lambda folder: remove_leftovers(folder, FUTURE, thorough=True),
}


async def pieces(*brought: bytes) -> AsyncIterator[bytes]:
    for piece in brought:
        yield piece


def refuse(*_: object, **__: object) -> None:
    raise OSError(errno.EOPNOTSUPP, "no links here")


async def never_asked() -> AsyncIterator[bytes]:
    pytest.fail("the body was taken in")
    yield b""


async def test_an_upload_onto_an_object_is_refused_before_its_body_is_taken_in(bucket: LocalBucket) -> None:
    await bucket.receive(RAW, pieces(b"first"), content_type="image/heic")

    with pytest.raises(ObjectExists, match=RAW):
        await bucket.receive(RAW, never_asked(), content_type="image/png")

    assert await bucket.read(RAW) == b"first"
    assert (await bucket.head(RAW)).content_type == "image/heic"


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("other_type", ["image/jpeg", "image/png"])
async def test_of_racing_uploads_one_wins_and_its_content_type_stays(
    bucket: LocalBucket, folder: Path, monkeypatch: pytest.MonkeyPatch, other_type: str, *, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    together = asyncio.Barrier(2)

    async def body(byte: bytes) -> AsyncIterator[bytes]:
        yield byte
        await together.wait()

    async def upload(byte: bytes, content_type: str) -> bool:
        try:
            await bucket.receive(RAW, body(byte), content_type=content_type)
        except (ObjectExists, StorageUnavailable):
            return False
        return True

    uploads = {b"1": "image/jpeg", b"2": other_type}
    won = await asyncio.gather(*(upload(*one) for one in uploads.items()))

    assert won.count(True) == 1
    winner = list(uploads)[won.index(True)]
    assert await bucket.read(RAW) == winner
    assert (await bucket.head(RAW)).content_type == uploads[winner]
    assert {path.name for path in (folder / STAGING).iterdir()} <= {"lock"}


async def test_a_content_type_that_a_dead_upload_left_is_no_obstacle(bucket: LocalBucket, folder: Path) -> None:
    await bucket.receive(RAW, pieces(b"first"), content_type="image/heic")
    (folder / RAW).unlink()

    await bucket.receive(RAW, pieces(b"again"), content_type="image/heic")

    assert await bucket.read(RAW) == b"again"


async def test_an_upload_onto_a_folder_is_no_object_that_exists(bucket: LocalBucket) -> None:
    await bucket.write(RAW, b"body", content_type="image/jpeg")
    for key in ("user/1", f"{RAW}/below"):
        with pytest.raises(PermanentError, match="cannot be an object"):
            await bucket.receive(key, pieces(b"x"), content_type="image/jpeg")


async def test_the_etag_is_that_of_obstore(bucket: LocalBucket, folder: Path) -> None:
    await bucket.write(RAW, b"body", content_type="image/jpeg")
    etag = (await bucket.head(RAW)).etag

    assert etag == obstore.head(LocalStore(folder), RAW)["e_tag"]
    await bucket.write(RAW, b"body", content_type="image/jpeg")
    assert (await bucket.head(RAW)).etag != etag


@pytest.mark.parametrize("links", [True, False])
async def test_a_copy_is_of_the_version_that_was_asked_for(
    bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    await bucket.write(RAW, b"first", content_type="image/jpeg")
    first = (await bucket.head(RAW)).etag
    await bucket.copy(RAW, PROCESSED, etag=first)
    await bucket.write(RAW, b"other", content_type="image/jpeg")

    with pytest.raises(StorageUnavailable, match=f"{RAW} was replaced while it was read"):
        await bucket.copy(RAW, PROCESSED, etag=first)

    assert await bucket.read(PROCESSED) == b"first"


async def test_a_probe_leaves_nothing(bucket: LocalBucket, folder: Path) -> None:
    await bucket.probe()

    assert list((folder / STAGING).iterdir()) == []


async def test_a_full_disk_still_tells_its_time(bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)

    assert abs((datetime.now(UTC) - await bucket.now()).total_seconds()) < 5


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EMFILE])
async def test_a_probe_of_a_disk_that_refuses_says_so(
    bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageUnavailable, match=os.strerror(code)):
        await bucket.probe()


async def test_no_sweep_however_fast_its_clock_takes_the_staging_file_of_an_upload_under_way(
    bucket: LocalBucket, folder: Path
) -> None:
    removed: list[int] = []

    async def swept_in_the_middle() -> AsyncIterator[bytes]:
        yield b"half"
        removed.append(await bucket.remove_leftovers(before=datetime(2100, 1, 1, tzinfo=UTC)))
        yield b"whole"

    await bucket.receive(RAW, swept_in_the_middle(), content_type="image/jpeg")

    assert removed == [0]
    assert await bucket.read(RAW) == b"halfwhole"


@pytest.mark.parametrize("use", USES)
def test_nothing_is_put_into_a_mount_point_whose_disk_went_away_a_moment_ago(tmp_path: Path, use: str) -> None:
    with pytest.raises(FileNotFoundError):
        USES[use](tmp_path)

    assert [*tmp_path.iterdir()] == []


def test_a_bucket_gets_its_staging_folder_back(tmp_path: Path) -> None:
    mark(tmp_path)
    (tmp_path / STAGING).rmdir()

    files.write(tmp_path, RAW, b"body", "image/jpeg")

    assert (tmp_path / RAW).read_bytes() == b"body"


def test_a_piece_of_an_older_version_which_locked_none_goes_by_its_age(tmp_path: Path) -> None:
    (tmp_path / STAGING).mkdir()
    with staging_file(tmp_path) as (alive, _):
        dead = tmp_path / STAGING / "dead"
        dead.write_bytes(b"half")
        assert remove_leftovers(tmp_path, dead.stat().st_mtime - 60, thorough=False) == 0
        assert remove_leftovers(tmp_path, FUTURE, thorough=False) == 1
        assert [alive.exists(), dead.exists()] == [True, False]


def test_a_clock_ahead_of_the_file_systems_makes_nothing_older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    young = tmp_path / STAGING / "young"
    young.parent.mkdir()
    young.write_bytes(b"half")
    now = young.stat().st_mtime
    monkeypatch.setattr("time.time", lambda: now + 7200)
    an_hour_ago = now + 7200 - 3600

    assert remove_leftovers(tmp_path, an_hour_ago, thorough=False) == 0
    assert remove_leftovers(tmp_path, an_hour_ago + 3660, thorough=False) == 1
