"""What a writer leaves that dies in the middle is found without a look at the objects, and nothing else is taken."""

import errno
import json
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from editqueue.adapters.bucket.local import files
from editqueue.adapters.bucket.local.leftovers import remove_leftovers
from editqueue.adapters.bucket.local.paths import STAGING

RAW = "user/1/orders/2/raw/a.jpg"
PROCESSED = "user/1/orders/2/processed/a.jpg"
PAST, FUTURE = 0.0, float("inf")
CALLS = ("mkdir", "open", "write_bytes", "write_text", "hardlink_to", "replace", "unlink", "rmdir")
"""Of Path: what changes a disk."""
USES: dict[str, Callable[[Path], object]] = {
    "write": lambda folder: files.write(folder, PROCESSED, b"body", "image/jpeg"),
    "replace": lambda folder: files.write(folder, RAW, b"body", "image/png"),
    "copy": lambda folder: files.copy(folder, RAW, PROCESSED),
    "copy again": lambda folder: files.copy(folder, RAW, RAW),
    "delete": lambda folder: files.delete(folder, [RAW, PROCESSED]),
}


@pytest.fixture(autouse=True)
def _bucket(tmp_path: Path) -> None:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    (tmp_path / STAGING).mkdir()


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def dying_at(step: int) -> Generator[list[str]]:
    """From its call number `step` on, nothing that is tried changes the disk. Yields the calls so far."""
    calls: list[str] = []

    def dying(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if len(calls) > step:
                raise Killed(name)
            return real(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(Path, name, dying(name, getattr(Path, name)))
        yield calls


def all_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("use", USES)
def test_whatever_step_a_writer_dies_at_its_leftovers_are_found_and_nothing_else(tmp_path: Path, use: str) -> None:
    step, survived = 0, False
    while not survived:
        folder = tmp_path / str(step)
        (folder / STAGING).mkdir(parents=True)
        files.write(folder, RAW, b"old", "image/heic")
        with dying_at(step) as calls:
            try:
                USES[use](folder)
                survived = True
            except Killed:
                pass
        left = all_files(folder)

        assert remove_leftovers(folder, PAST, thorough=True) == 0
        assert all_files(folder) == left, "taken from a writer that may live"
        remove_leftovers(folder, FUTURE, thorough=False)

        kept = all_files(folder)
        objects = {info.key: left[info.key] for info in files.walk(folder)}
        described = {f".attributes/{key}.json" for key in objects}
        assert {key: kept[key] for key in objects} == objects
        assert kept.keys() == objects.keys() | described, f"after {calls[:step]}"
        assert remove_leftovers(folder, FUTURE, thorough=True) == 0
        step += 1
    assert step > 5


def test_a_write_that_fails_leaves_nothing_for_ever(tmp_path: Path) -> None:
    files.write(tmp_path, RAW, b"body", "image/jpeg")
    with pytest.raises(IsADirectoryError):
        files.write(tmp_path, "user/1", b"", "image/png")

    assert remove_leftovers(tmp_path, FUTURE, thorough=False) == 1
    assert all_files(tmp_path).keys() == {RAW, f".attributes/{RAW}.json"}


@pytest.mark.parametrize("note", [b"", b"\0\0\0", b"\xff", b"user/1/", b"../../etc/passwd", b"user/1/gone.jpg"])
def test_a_note_that_a_power_cut_spoilt_is_no_obstacle(tmp_path: Path, note: bytes) -> None:
    files.write(tmp_path, RAW, b"body", "image/jpeg")
    (tmp_path / ".staging" / "spoilt.keys").write_bytes(note)

    assert remove_leftovers(tmp_path, FUTURE, thorough=False) == 0
    assert all_files(tmp_path).keys() == {RAW, f".attributes/{RAW}.json"}


def test_what_older_versions_left_is_found_by_walking(tmp_path: Path) -> None:
    files.write(tmp_path, RAW, b"body", "image/heic")
    (tmp_path / f"{RAW}#7").write_bytes(b"half")
    orphan = tmp_path / ".attributes" / f"{PROCESSED}.json"
    orphan.parent.mkdir(parents=True)
    orphan.write_text(json.dumps({"content_type": "image/jpeg"}))

    assert remove_leftovers(tmp_path, FUTURE, thorough=False) == 0
    assert remove_leftovers(tmp_path, FUTURE, thorough=True) == 2
    assert all_files(tmp_path).keys() == {RAW, f".attributes/{RAW}.json"}


def test_a_link_made_just_now_is_no_leftover(tmp_path: Path) -> None:
    files.write(tmp_path, RAW, b"body", "image/jpeg")
    os.utime(tmp_path / RAW, (0, 0))
    (tmp_path / ".staging" / "in-flight").hardlink_to(tmp_path / RAW)

    assert remove_leftovers(tmp_path, 1.0, thorough=True) == 0


def test_a_bucket_that_was_never_written_to_has_none(tmp_path: Path) -> None:
    assert remove_leftovers(tmp_path, FUTURE, thorough=True) == 0


def looks_of_a_sweep(folder: Path, objects: int) -> int:
    """How often a sweep asks the file system, with that many objects beside a dead writer's leftovers."""
    files.write(folder, RAW, b"body", "image/jpeg")
    (folder / ".staging" / "dead").write_bytes(b"half")
    for number in range(objects):
        (folder / f"user/1/orders/2/raw/{number}.jpg").write_bytes(b"")
        (folder / f".attributes/user/1/orders/2/raw/{number}.jpg.json").write_bytes(b"{}")
    asked: list[str] = []

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            asked.append(name)
            return real(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("stat", "scandir", "listdir"):
            patch.setattr(os, name, counted(name, getattr(os, name)))
        assert remove_leftovers(folder, FUTURE, thorough=False) == 1
    return len(asked)


def test_a_sweep_costs_the_same_however_many_objects_there_are(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    for folder in (few, many):
        (folder / STAGING).mkdir(parents=True)

    assert 1 < looks_of_a_sweep(few, 10) == looks_of_a_sweep(many, 2000) < 10


def test_a_full_disk_can_be_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write(tmp_path, RAW, b"body", "image/jpeg")

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    files.delete(tmp_path, [RAW])

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_full_disk_takes_no_object_without_its_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        files.write(tmp_path, RAW, b"body", "image/jpeg")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_note_stays_while_a_content_type_it_names_is_young(tmp_path: Path) -> None:
    note = tmp_path / ".staging" / "1.keys"
    attributes = tmp_path / ".attributes" / f"{RAW}.json"
    for path, body in ((note, RAW), (attributes, "{}")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    now = attributes.stat().st_mtime
    note_is_old = attributes.stat().st_ctime + 3600
    os.utime(attributes, (note_is_old, note_is_old))

    remove_leftovers(tmp_path, now + 60, thorough=False)
    assert attributes.exists()
    assert note.exists()

    remove_leftovers(tmp_path, FUTURE, thorough=False)
    assert not attributes.exists()
    assert not note.exists()
