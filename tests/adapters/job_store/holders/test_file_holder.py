"""The lock of one consumer on SQLite."""

import asyncio
import errno
import fcntl
import os
from pathlib import Path

import pytest

from devtools.world import RecordingJournal
from editqueue.adapters.job_store.holders import file_holder
from editqueue.adapters.job_store.holders.file_holder import FileHolder
from editqueue.adapters.job_store.holders.files import HolderFiles


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_holder, "LOOK_EVERY", 0)
    monkeypatch.setattr(file_holder, "BETWEEN_TRIES", 0)


@pytest.fixture
def journal() -> RecordingJournal:
    return RecordingJournal()


@pytest.fixture
def holder(tmp_path: Path, journal: RecordingJournal) -> FileHolder:
    return FileHolder(tmp_path / "db-holders", consumer="web-1:7:abc", journal=journal)


async def test_it_is_held_from_the_beginning_to_the_end_and_then_free(holder: FileHolder, tmp_path: Path) -> None:
    files = HolderFiles(tmp_path / "db-holders")

    assert holder.held_as is None
    async with holder.hold():
        assert holder.held_as == holder.consumer == "web-1:7:abc"
        assert (await files.living(), await files.gone()) == (["web-1:7:abc"], [])
    assert holder.held_as is None
    assert (await files.living(), await files.gone()) == ([], ["web-1:7:abc"])


async def test_a_file_that_somebody_removed_is_made_and_locked_again(holder: FileHolder, tmp_path: Path) -> None:
    files = HolderFiles(tmp_path / "db-holders")
    async with holder.hold():
        files.remove("web-1:7:abc")

        await holder.next_look()
        await holder.next_look()

        assert await files.living() == ["web-1:7:abc"]
        assert holder.losses == 1


async def test_a_look_at_it_does_not_keep_it_from_being_taken(holder: FileHolder, tmp_path: Path) -> None:
    path = tmp_path / "db-holders" / "web-1:7:abc"
    path.parent.mkdir()
    looking = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_SH)
    asyncio.get_running_loop().call_soon(os.close, looking)

    async with holder.hold():
        assert holder.held_as == "web-1:7:abc"


async def test_without_locks_it_says_so_once_and_claims_name_nobody(
    holder: FileHolder, journal: RecordingJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as without:
        without.setattr(fcntl, "flock", refuse)
        async with holder.hold():
            await holder.next_look()
            assert holder.held_as is None
            assert journal.warnings == ["consumer_lock_missing"]
            without.undo()
            monkeypatch.setattr(file_holder, "LOOK_EVERY", 0)
            await holder.next_look()
            assert holder.held_as == "web-1:7:abc"


async def test_a_folder_that_cannot_be_made_is_no_reason_to_end(tmp_path: Path, journal: RecordingJournal) -> None:
    (tmp_path / "file").touch()
    holder = FileHolder(tmp_path / "file" / "holders", consumer="a", journal=journal)

    async with holder.hold():
        assert holder.held_as is None

    assert journal.warnings == ["consumer_lock_missing"]


async def test_its_descriptor_is_closed_in_processes_that_are_started(holder: FileHolder, tmp_path: Path) -> None:
    async with holder.hold():
        # close_fds=False: whoever starts a process less carefully than we do passes nothing on, either
        child = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, close_fds=False)
    try:
        assert await HolderFiles(tmp_path / "db-holders").gone() == ["web-1:7:abc"]
    finally:
        child.kill()
        await child.wait()
