"""What only a folder can get wrong: the file layout, links, and a disk that refuses."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from devtools.patience import PATIENCE
from editqueue.adapters.bucket.local import files
from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.bucket.local.paths import STAGING
from editqueue.adapters.bucket.local.signed_urls import UrlSigner
from editqueue.domain.errors import ObjectMissing, PermanentError, StorageUnavailable
from editqueue.wiring.system_clock import SystemClock

RAW = "user/1/orders/2/raw/a.jpg"
PROCESSED = "user/1/orders/2/processed/a.jpg"


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


async def test_an_object_is_the_file_at_its_key(bucket: LocalBucket, folder: Path) -> None:
    key = "user/auth0%7C1/orders/%2E%2E/raw/a b.jpg"
    await bucket.write(key, b"body", content_type="image/jpeg")
    assert (folder / key).read_bytes() == b"body"
    assert bucket.path(key) == folder / key
    assert [info.key async for info in bucket.list("user")] == [key]


async def test_a_delete_takes_the_empty_folders_along(bucket: LocalBucket, folder: Path) -> None:
    await bucket.write(RAW, b"body", content_type="image/jpeg")
    await bucket.copy(RAW, PROCESSED)
    await bucket.delete([RAW, PROCESSED])
    assert everything(folder) == [".editqueue-bucket", ".staging"]


async def test_a_copy_moves_no_bytes(bucket: LocalBucket, folder: Path) -> None:
    await bucket.write(RAW, b"body", content_type="image/jpeg")
    await bucket.copy(RAW, PROCESSED)
    assert (folder / RAW).samefile(folder / PROCESSED)


async def test_a_copy_works_without_hard_links(
    bucket: LocalBucket, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links here")

    await bucket.write(RAW, b"body", content_type="image/heic")
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    await bucket.copy(RAW, PROCESSED)
    assert not (folder / RAW).samefile(folder / PROCESSED)
    assert (await bucket.head(PROCESSED)).content_type == "image/heic"


@pytest.mark.parametrize(
    "key", [".staging/a", ".attributes/a.json", ".Attributes/a", "a.jpg#1", "a" * 241, ".staging", ".EditQueue-bucket"]
)
async def test_the_buckets_own_names_are_no_keys(bucket: LocalBucket, key: str) -> None:
    for use in (bucket.write(key, b"", content_type="image/jpeg"), bucket.read(key), bucket.head(key)):
        with pytest.raises(PermanentError, match="not a valid object key"):
            await use


async def test_a_folder_is_no_object_and_an_object_no_folder(bucket: LocalBucket) -> None:
    await bucket.write(RAW, b"body", content_type="image/jpeg")
    with pytest.raises(ObjectMissing):
        await bucket.head("user/1")
    for key in ("user/1", f"{RAW}/below"):
        with pytest.raises(PermanentError, match="cannot be an object"):
            await bucket.write(key, b"", content_type="image/jpeg")
    await bucket.delete(["user/1", f"{RAW}/below"])
    assert await bucket.read(RAW) == b"body"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
async def test_a_disk_that_refuses_is_named_and_may_work_later(
    bucket: LocalBucket, folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StorageUnavailable, match="writable") as raised:
        await bucket.write(RAW, b"body", content_type="image/jpeg")
    assert str(folder) in str(raised.value)
    assert os.strerror(code) in str(raised.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PermanentError, match=str(tmp_path / "file")):
        LocalBucket(tmp_path / "file", signer=UrlSigner(secret="s" * 32, clock=SystemClock()))


async def test_writes_and_deletes_of_neighbours_do_not_disturb_each_other(bucket: LocalBucket, folder: Path) -> None:
    async def come_and_go(key: str) -> None:
        for _ in range(20):
            await bucket.write(key, b"body", content_type="image/jpeg")
            await bucket.copy(key, f"{key}.copy")
            await bucket.delete([key, f"{key}.copy"])

    await asyncio.gather(*(come_and_go(f"user/1/{number}.jpg") for number in range(8)))
    assert everything(folder) == [".editqueue-bucket", ".staging"]


async def test_a_folder_pruned_while_it_is_made_is_made_again(
    bucket: LocalBucket, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Path.mkdir
    pruned: list[Path] = []

    def pruned_once(path: Path, *args: Any, **kwargs: Any) -> None:
        if path.name == "1" and not pruned:
            pruned.append(path)
            raise FileExistsError(path)  # what mkdir(exist_ok=True) says when it is gone before it has looked
        made(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", pruned_once)
    await bucket.write("user/1/a.jpg", b"body", content_type="image/jpeg")

    assert len(pruned) == 1
    assert await bucket.read("user/1/a.jpg") == b"body"


async def test_list_is_in_key_order_not_in_folder_order(bucket: LocalBucket) -> None:
    keys = ["a-1.jpg", "a/b.jpg", "a/c/d.jpg", "ab.jpg"]
    for key in reversed(keys):
        await bucket.write(key, b"", content_type="image/jpeg")
    assert [info.key async for info in bucket.list("")] == keys
    assert [info.key async for info in bucket.list("a/")] == ["a/b.jpg", "a/c/d.jpg"]


async def test_a_listing_passes_over_what_is_removed_meanwhile(bucket: LocalBucket) -> None:
    keys = [f"user/{number}/a.jpg" for number in range(3)]
    for key in keys:
        await bucket.write(key, b"", content_type="image/jpeg")

    seen: list[str] = []
    for info in files.walk(bucket.path("user").parent):
        seen.append(info.key)
        await bucket.delete([keys[1]])

    assert seen == [keys[0], keys[2]]


async def test_a_defect_stays_itself(bucket: LocalBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object) -> None:
        raise TypeError("a defect of ours")

    for name in ("head", "write", "copy", "delete"):
        monkeypatch.setattr(files, name, defect)
    for use in (
        bucket.head(RAW),
        bucket.write(RAW, b"", content_type="image/jpeg"),
        bucket.copy(RAW, PROCESSED),
        bucket.delete([RAW]),
    ):
        with pytest.raises(TypeError, match="of ours"):
            await use


def before_each_step(monkeypatch: pytest.MonkeyPatch, do: Callable[[str, Path], None]) -> None:
    """`do` is told of whatever asks the disk through a Path."""

    def told(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def first(path: Path, *args: Any, **kwargs: Any) -> Any:
            do(name, path)
            return step(path, *args, **kwargs)

        return first

    for name in ("is_dir", "is_file", "open", "read_text", "unlink"):
        monkeypatch.setattr(Path, name, told(name, getattr(Path, name)))


def full_disk(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class GoneClient(Exception):
    pass


@pytest.mark.parametrize("end", [None, GoneClient, StorageUnavailable], ids=["whole", "aborted", "disk full"])
async def test_no_step_of_an_upload_holds_up_the_event_loop(
    bucket: LocalBucket, folder: Path, monkeypatch: pytest.MonkeyPatch, end: type[Exception] | None
) -> None:
    ours, steps = threading.get_ident(), set[str]()

    def in_another_thread(name: str, _: Path) -> None:
        steps.add(name)
        assert threading.get_ident() != ours, f"{name} in the thread of the event loop"

    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        if end is GoneClient:
            raise GoneClient

    if end is StorageUnavailable:
        monkeypatch.setattr(os, "fsync", full_disk)
    before_each_step(monkeypatch, in_another_thread)
    if end is None:
        await bucket.receive(RAW, body(), content_type="image/jpeg")
    else:
        with pytest.raises(end):
            await bucket.receive(RAW, body(), content_type="image/jpeg")
    monkeypatch.undo()

    assert steps == {"is_dir", "is_file", "open", "read_text", "unlink"}
    assert list((folder / STAGING).iterdir()) == []


@pytest.mark.parametrize("step", ["open", "unlink"])
async def test_an_upload_that_is_cancelled_while_its_staging_file_comes_or_goes_leaves_none(
    bucket: LocalBucket, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    reached, gate = threading.Event(), threading.Event()

    def wait(name: str, path: Path) -> None:
        if name == step and path.parent.name == STAGING:
            reached.set()
            assert gate.wait(PATIENCE)

    async def gone() -> AsyncIterator[bytes]:
        raise GoneClient
        yield b""

    before_each_step(monkeypatch, wait)
    uploading = asyncio.create_task(bucket.receive(RAW, gone(), content_type="image/jpeg"))
    assert await asyncio.to_thread(reached.wait, PATIENCE)
    uploading.cancel()
    await asyncio.wait([uploading], timeout=0.05)
    was_done = uploading.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await uploading

    assert not was_done
    assert list((folder / STAGING).iterdir()) == []


async def test_an_upload_that_is_cancelled_while_its_body_comes_leaves_nothing(
    bucket: LocalBucket, folder: Path
) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"half"
        begun.set()
        await asyncio.Event().wait()

    uploading = asyncio.create_task(bucket.receive(RAW, endless(), content_type="image/jpeg"))
    await begun.wait()
    assert len(list((folder / STAGING).iterdir())) == 1
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading

    assert everything(folder) == [".editqueue-bucket", ".staging"]
