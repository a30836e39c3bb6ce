"""At a start: a folder is made a bucket when it is new, and never when it is a mount point without its disk."""

import asyncio
from pathlib import Path

import pytest

from devtools.installation import Ended, Installation
from devtools.seeds import seed_files, seed_order
from editqueue.adapters.bucket.local.marker import read_marker
from tests.entrypoints.in_process import run_here


class Here:
    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]) -> None:
        self.installation = Installation(folder)
        self.bucket = folder / "bucket"
        self.marker = self.bucket / ".editqueue-bucket"
        self._patch = patch
        self._output = output

    def run(self, words: str) -> Ended:
        return run_here(self._patch, self._output, words, {"EDITQUEUE_DATA_DIR": str(self.installation.folder)})


async def know_a_file(installation: Installation) -> None:
    store = await installation.open_store()
    try:
        await seed_files(store, await seed_order(store), 1)
    finally:
        await store.close()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """A database that knows a file, and an empty folder where it should be."""
    here = Here(tmp_path / "data", monkeypatch, capsys)
    asyncio.run(know_a_file(here.installation))
    for path in sorted(here.bucket.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return here


@pytest.mark.parametrize("words", ["serve --port 0", "consume --drain", "sweep"])
@pytest.mark.parametrize("missing", [True, False])
def test_an_empty_folder_of_known_files_is_a_disk_that_is_not_mounted(here: Here, words: str, *, missing: bool) -> None:
    if missing:
        here.bucket.rmdir()

    complaint = here.run(words).complaint()

    assert all(hint in complaint for hint in ("EDITQUEUE_BUCKET_URL", "mount", str(here.bucket), "openssl"))
    assert here.bucket.exists() is not missing
    assert missing or list(here.bucket.iterdir()) == []


def test_doctor_says_so_and_makes_nothing(here: Here) -> None:
    ended = here.run("doctor")

    assert "BROKEN  bucket: EDITQUEUE_BUCKET_URL" in ended.out
    assert list(here.bucket.iterdir()) == []


def test_it_is_new_if_somebody_says_so(here: Here) -> None:
    here.marker.write_text("by hand\n")

    assert here.run("sweep").code == 0
    assert read_marker(here.bucket) == "by hand"


def test_a_bucket_of_an_older_version_is_adopted(here: Here) -> None:
    original = here.bucket / "user" / "1" / "a.jpg"
    original.parent.mkdir(parents=True)
    original.write_bytes(b"body")

    assert here.run("sweep").code == 0
    assert read_marker(here.bucket)
    assert original.exists()


def test_doctor_makes_no_bucket_while_no_database_says_whether_it_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        "EDITQUEUE_DATA_DIR": str(tmp_path / "data"),
        "EDITQUEUE_DATABASE_URL": f"sqlite:///{tmp_path}/no-such-folder/own.db",
        "JWT_SECRET": "s" * 32,
    }
    ended = run_here(monkeypatch, capsys, "doctor", settings)

    assert f"ok      bucket: {tmp_path}/data/bucket: not made yet" in ended.out
    assert "1 of" in ended.complaint()
    assert not (tmp_path / "data" / "bucket").exists()
