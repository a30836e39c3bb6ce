"""Who neither signs nor checks tokens asks for no JWT_SECRET; who looks at jobs opens the database alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import pytest

from devtools.databases import new_sqlite
from devtools.installation import Ended
from tests.entrypoints.in_process import run_here


class Run(Protocol):
    def __call__(self, words: str, settings: Mapping[str, str] | None = None) -> Ended: ...


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """On a database of one's own: there, no secret is made."""
    own = {"EDITQUEUE_DATA_DIR": str(tmp_path / "data"), "EDITQUEUE_DATABASE_URL": new_sqlite(tmp_path)}

    def run(words: str, settings: Mapping[str, str] | None = None) -> Ended:
        return run_here(monkeypatch, capsys, words, own | dict(settings or {}))

    return run


READING: Final = ("status", "status --json", "jobs list", "jobs list --json", "order create --user-id anna")


@pytest.mark.parametrize("words", ["sweep", "consume --drain", *READING])
def test_a_command_that_signs_nothing_needs_none(run: Run, words: str) -> None:
    ended = run(words)

    assert (ended.code, ended.err) == (0, "")


def test_a_job_is_looked_for_without_one(run: Run) -> None:
    for verb in ("show", "retry"):
        assert "there is no job 'nope'" in run(f"jobs {verb} nope").complaint()


@pytest.mark.parametrize("words", ["serve --port 0", "token --user-id anna", "demo --exit --port 0"])
def test_one_that_signs_or_checks_tokens_says_what_is_missing(run: Run, words: str) -> None:
    assert "JWT_SECRET is missing" in run(words).complaint()


@pytest.mark.parametrize("words", READING)
def test_a_bucket_that_cannot_be_opened_is_not_asked_for(tmp_path: Path, run: Run, words: str) -> None:
    (tmp_path / "plain").write_text("a file")

    assert run(words, {"EDITQUEUE_BUCKET_URL": f"file://{tmp_path}/plain/bucket"}).code == 0


def test_a_sweep_makes_the_folder_of_its_bucket_and_no_secret(tmp_path: Path, run: Run) -> None:
    ended = run("sweep", {"EDITQUEUE_BUCKET_URL": f"file://{tmp_path}/bucket"})

    assert ended.code == 0
    assert (tmp_path / "bucket").is_dir()
    assert not (tmp_path / "data").exists()
