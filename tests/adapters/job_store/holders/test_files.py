"""The locked files beside a SQLite database."""

import os
from pathlib import Path

import pytest

from editqueue.adapters.job_store.holders.files import MOST_AT_ONCE, HolderFiles, holders_folder, is_at, lock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = holders_folder(tmp_path / "editqueue.db")
    made.mkdir()
    return made


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


def test_they_lie_beside_the_database(tmp_path: Path) -> None:
    assert holders_folder(tmp_path / "editqueue.db") == tmp_path / "editqueue.db-holders"


async def test_without_any_consumer_so_far_nobody_lives_and_nobody_is_gone(tmp_path: Path) -> None:
    files = HolderFiles(tmp_path / "none")

    assert (await files.living(), await files.gone()) == ([], [])


async def test_who_holds_a_lock_lives_and_who_does_not_is_gone(folder: Path) -> None:
    files, held = HolderFiles(folder), opened(folder / "a")
    (folder / "b").touch()
    assert lock(held)

    assert (await files.living(), await files.gone()) == (["a"], ["b"])
    os.close(held)
    assert (await files.living(), await files.gone()) == ([], ["a", "b"])


async def test_of_those_that_are_gone_no_more_are_opened_than_descriptors_allow(folder: Path) -> None:
    for number in range(MOST_AT_ONCE + 1):
        (folder / f"{number:04}").touch()

    assert len(await HolderFiles(folder).gone()) == MOST_AT_ONCE


def test_only_one_at_a_time_takes_over_from_a_consumer_that_is_gone(folder: Path) -> None:
    (folder / "a").touch()
    files = HolderFiles(folder)

    with files.locked(["a"]) as first, files.locked(["a"]) as second:
        assert (first, second) == (["a"], [])
    with files.locked(["a"]) as third:
        assert third == ["a"]


def test_a_consumer_that_came_back_is_left_alone(folder: Path) -> None:
    files, back = HolderFiles(folder), opened(folder / "a")
    assert lock(back)

    with files.locked(["a", "never there"]) as free:
        assert free == []
    os.close(back)


def test_a_file_that_was_removed_before_it_was_locked_is_nobodys(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a").touch()

    def remove_first(descriptor: int, kind: int = 0) -> bool:
        (folder / "a").unlink()
        return True

    monkeypatch.setattr("editqueue.adapters.job_store.holders.files.lock", remove_first)

    with HolderFiles(folder).locked(["a"]) as free:
        assert free == []


def test_a_file_that_took_the_place_of_another_is_another(folder: Path) -> None:
    held = opened(folder / "a")
    (folder / "a").unlink()
    assert not is_at(held, folder / "a")
    (folder / "a").touch()

    assert not is_at(held, folder / "a")
    os.close(held)


def test_a_path_that_cannot_be_looked_at_is_not_where_the_file_is(tmp_path: Path) -> None:
    file = tmp_path / "web-1:7:abc"
    file.touch()
    descriptor = os.open(file, os.O_RDONLY)

    assert not is_at(descriptor, file / "no folder")
    os.close(descriptor)
