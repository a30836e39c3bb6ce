"""Commands that only look make nothing, and say where they looked."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest

from devtools.installation import Ended
from tests.entrypoints.in_process import run_here

LOOKING = ("status", "status --json", "jobs list", "jobs show j", "jobs retry j", "doctor", "doctor --fix")


class Run(Protocol):
    def __call__(self, words: str, **settings: str) -> Ended: ...


@pytest.fixture(name="run")
def _run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """In an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(words: str, **settings: str) -> Ended:
        return run_here(monkeypatch, capsys, words, settings)

    return run


@pytest.mark.parametrize("words", LOOKING)
def test_where_no_system_runs_nothing_is_made_and_the_folder_is_named(run: Run, tmp_path: Path, words: str) -> None:
    ended = run(words)

    assert ended.complaint()
    said = ended.out + ended.err
    assert (
        f"there is no database in {tmp_path}/.editqueue (EDITQUEUE_DATA_DIR): call this where the system runs" in said
    )
    assert "`editqueue serve`" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", LOOKING)
def test_a_database_of_ones_own_that_is_not_there_is_not_made(run: Run, tmp_path: Path, words: str) -> None:
    ended = run(words, EDITQUEUE_DATABASE_URL=f"sqlite:///{tmp_path}/own.db", JWT_SECRET="s" * 32)

    assert ended.complaint()
    said = ended.out + ended.err
    assert f"there is no database {tmp_path}/own.db (EDITQUEUE_DATABASE_URL): give that of the running system" in said
    assert "`editqueue migrate`" in said
    assert list(tmp_path.iterdir()) == []


def test_a_token_that_no_server_would_take_is_not_made(run: Run, tmp_path: Path) -> None:
    complaint = run("token --user-id anna").complaint()

    assert f"none is kept in {tmp_path}/.editqueue (EDITQUEUE_DATA_DIR): call this where the system runs" in complaint
    assert "`editqueue serve` makes a secret here" in complaint
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_of_nothing_is_an_error_too(run: Run, tmp_path: Path) -> None:
    assert "there is no database in" in run("sweep").complaint()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["order create --user-id anna", "serve --port 0", "consume --drain"])
def test_no_new_database_is_made_beside_the_objects_of_one_that_is_gone(run: Run, tmp_path: Path, words: str) -> None:
    original = tmp_path / ".editqueue" / "bucket" / "user" / "anna" / "orders" / "o" / "raw" / "a.jpg"
    original.parent.mkdir(parents=True)
    original.write_bytes(b"a photo")

    complaint = run(words).complaint()

    assert f"there is no database {tmp_path}/.editqueue/editqueue.db, but" in complaint
    assert "put the database back" in complaint
    assert not (tmp_path / ".editqueue" / "editqueue.db").exists()


def test_an_order_may_be_the_first_thing_there_is(run: Run, tmp_path: Path) -> None:
    assert run("order create --user-id anna").json()["order_id"]
    assert (tmp_path / ".editqueue" / "editqueue.db").is_file()
    assert run("status").code == 0


@pytest.mark.parametrize("words", [*LOOKING[:3], "doctor", "migrate", "order create --user-id anna", "sweep"])
def test_the_database_of_another_program_is_left_alone(run: Run, tmp_path: Path, words: str) -> None:
    file = tmp_path / "data" / "editqueue.db"
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as theirs:
        theirs.execute("CREATE TABLE recipes (cake)")
    before = file.read_bytes()

    ended = run(words, EDITQUEUE_DATA_DIR=str(file.parent))

    assert ended.complaint()
    assert (
        "holds tables (recipes) and no revision of ours: it is the database of another program" in ended.out + ended.err
    )
    assert file.read_bytes() == before


def test_what_is_no_database_is_not_called_a_place_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "editqueue.db"
    file.write_text("a letter to the customer, and no database")

    said = run("status", EDITQUEUE_DATA_DIR=str(tmp_path)).complaint()

    assert "file is not a database; give" in said
    assert "writable" not in said
    assert file.read_text().startswith("a letter")
