"""A bucket that cannot be used: one clear line that names the setting, at start and from doctor, never the secret."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from devtools.installation import Ended, Installation
from devtools.own_postgres import free_port
from devtools.seaweed import S3Server
from tests.entrypoints.in_process import run_here

Run = Callable[[str, S3Server], Ended]


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(words: str, server: S3Server) -> Ended:
        settings = {"EDITQUEUE_DATA_DIR": str(tmp_path / "data"), "EDITQUEUE_JOB_TIMEOUT": "10"} | server.settings()
        return run_here(monkeypatch, capsys, words, settings)

    return run


def assert_said(run: Run, server: S3Server, *hints: str) -> None:
    for command in ("serve --port 0", "consume --drain", "sweep", "demo --exit --port 0"):
        complaint = run(command, server).complaint()
        assert all(hint in complaint for hint in hints), complaint
        assert server.secret_access_key not in complaint
    told = run("doctor", server)
    assert "1 of" in told.complaint()
    assert "BROKEN  bucket: " in told.out
    assert all(hint in told.out for hint in hints)
    assert server.secret_access_key not in told.out


def test_a_wrong_secret(s3_server: S3Server, run: Run) -> None:
    assert_said(run, replace(s3_server, secret_access_key="falsch-7351"), "R2_SECRET_ACCESS_KEY", "access denied")


def test_an_unknown_key(s3_server: S3Server, run: Run) -> None:
    assert_said(run, replace(s3_server, access_key_id="nobody"), "R2_ACCESS_KEY_ID", "access denied")


def test_a_bucket_that_does_not_exist(s3_server: S3Server, run: Run) -> None:
    assert_said(run, replace(s3_server, bucket="no-such-bucket"), "EDITQUEUE_BUCKET_URL", "no such bucket")


def test_a_server_that_is_gone(s3_server: S3Server, run: Run) -> None:
    assert_said(run, replace(s3_server, endpoint=f"http://127.0.0.1:{free_port()}"), "EDITQUEUE_S3_ENDPOINT")


def test_an_api_alone_starts_while_the_bucket_is_away(tmp_path: Path, s3_server: S3Server) -> None:
    """What it can answer without the bucket it answers; a consumer would use up the attempts of its jobs."""
    away = replace(s3_server, endpoint=f"http://127.0.0.1:{free_port()}")
    here = Installation(tmp_path / "data", away.settings())

    with here.start("serve", "--no-consumer", "--port", "0") as server:
        assert server.stdout is not None
        assert server.stderr is not None
        said = server.stdout.readline()
        server.terminate()
        written = server.stderr.read()

    assert said.startswith("editqueue serves ")
    assert "bucket_not_confirmed" in written


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"R2_JURISDICTION": "de"}, "for example R2_JURISDICTION=eu"),
        ({"R2_JURISDICTION": "eu", "EDITQUEUE_S3_ENDPOINT": "https://x.eu.r2.cloudflarestorage.com"}, "one of the two"),
    ],
)
def test_a_jurisdiction_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: dict[str, str], hint: str
) -> None:
    bucket = {"EDITQUEUE_BUCKET_URL": "s3://b", "R2_ACCESS_KEY_ID": "i", "R2_SECRET_ACCESS_KEY": "s"}
    complaint = run_here(monkeypatch, capsys, "consume", bucket | given).complaint()

    assert "R2_JURISDICTION" in complaint
    assert hint in complaint
