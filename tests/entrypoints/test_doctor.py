"""`editqueue doctor` on healthy and broken installations."""

import json
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from devtools.holding import holding
from devtools.installation import Ended, Installation
from devtools.seeds import seed_files, seed_order, submit
from editqueue.adapters.bucket.local.bucket import LocalBucket
from editqueue.adapters.job_store.databases.statement import once
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.adapters.job_store.rows import to_ms
from editqueue.adapters.job_store.schema import files
from editqueue.domain.errors import SetupError, StorageUnavailable
from editqueue.domain.keys import ObjectKeys
from editqueue.entrypoints.commands import doctor, doctor_bucket
from editqueue.ports.bucket import ObjectInfo
from editqueue.ports.consumers import ConsumerPause
from editqueue.wiring.server import Tool
from tests.entrypoints.in_process import run_here

SECRET = "s" * 32
KAFKA = (
    "BROKEN  settings: EDITQUEUE_QUEUE=kafka: must be one of local, postgres, cloudflare, none, "
    "for example EDITQUEUE_QUEUE=local"
)
MISSING = Tool(package="rawpy", reads="camera raws", version=None, remedy="pip install rawpy")


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


def broken(ended: Ended) -> dict[str, Any]:
    """The one check that is not well."""
    assert ended.code == 1
    assert ended.err.startswith("editqueue: ")
    assert len(ended.err.splitlines()) == 1
    lines = ended.out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("BROKEN")]
    assert lines[at + 1].strip().startswith("-> "), "no remedy"
    return {"what": lines[at], "remedy": lines[at + 1]}


async def seed_file(here: Installation, **facts: object) -> str:
    """A file with these facts in the books; its key."""
    store = await here.open_store()
    [file] = await seed_files(store, await seed_order(store), 1)
    await store.close()
    database = open_database(f"sqlite:///{here.folder}/editqueue.db")
    await database.run(once(update(files).where(files.c.id == file.id).values(name="bild.jpg", **facts)))
    await database.close()
    return file.object_key


def test_a_healthy_installation(here: Installation) -> None:
    assert here.run("consume", "--drain").code == 0
    report = here.run("doctor", "--json").json()

    assert report["healthy"]
    names = {check["name"] for check in report["checks"]}
    details = {check["name"]: check["detail"] for check in report["checks"]}
    assert details["settings"].startswith(f"embedded in {here.folder}")
    assert details["database"].startswith(f"{here.folder}/editqueue.db: ")
    assert details["bucket"].startswith(f"{here.bucket}: written")
    assert names >= {"settings", "database", "bucket", "queue", "locks", "consumers", "objects", "stray objects"}
    assert [one.name for one in here.bucket.rglob("*") if one.is_file()] == [".editqueue-bucket"]


def test_a_data_dir_that_cannot_be_written_does_not_hide_what_else_there_is(
    here: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find_it_full(_: object) -> None:
        raise SetupError("EDITQUEUE_DATA_DIR: No space left on device; free space")

    assert here.run("consume", "--drain").code == 0
    monkeypatch.setattr(doctor, "prepared_data_dir", find_it_full)

    ended = run_here(monkeypatch, capsys, "doctor", {"EDITQUEUE_DATA_DIR": str(here.folder)})

    assert broken(ended)["what"] == "BROKEN  settings: EDITQUEUE_DATA_DIR: No space left on device; free space"
    assert "ok      database: " in ended.out


def test_a_wrong_setting(tmp_path: Path) -> None:
    found = broken(Installation(tmp_path / "data", {"EDITQUEUE_SWEEP_BATCH": "none"}).run("doctor"))

    assert "EDITQUEUE_SWEEP_BATCH" in found["what"]


def test_a_bucket_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("a file")
    here = Installation(tmp_path / "data", {"EDITQUEUE_BUCKET_URL": f"file://{tmp_path}/plain/bucket"})
    assert here.run("migrate").code == 0

    assert "EDITQUEUE_BUCKET_URL" in broken(here.run("doctor"))["what"]


def test_a_bucket_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    here = Installation(tmp_path / "data", {"EDITQUEUE_BUCKET_URL": f"file://{tmp_path}/buket"})
    assert here.run("migrate").code == 0

    found = broken(here.run("doctor"))

    assert found["what"] == f"BROKEN  bucket: there is no folder {tmp_path}/buket"
    assert "EDITQUEUE_BUCKET_URL" in found["remedy"]
    assert not (tmp_path / "buket").exists()


def test_every_wrong_setting_has_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = run_here(monkeypatch, capsys, "doctor", {"EDITQUEUE_QUEUE": "kafka", "EDITQUEUE_CONCURENCY": "4"})

    assert [line for line in ended.out.splitlines() if line.startswith("BROKEN")] == [
        "BROKEN  settings: EDITQUEUE_CONCURENCY is no setting: did you mean EDITQUEUE_CONCURRENCY?",
        KAFKA,
    ]
    assert "2 of 2" in ended.complaint()


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"EDITQUEUE_S3_ENDPOINT": "http://127.0.0.1:1"}, "check EDITQUEUE_S3_ENDPOINT=http://127.0.0.1:1, that"),
        ({"EDITQUEUE_BUCKET_URL": "file:///dev/null"}, "permissions of /dev/null"),
    ],
)
def test_the_remedy_names_the_setting_that_leads_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    remedy: str,
) -> None:
    s3 = {"EDITQUEUE_BUCKET_URL": "s3://media", "R2_ACCESS_KEY_ID": "i", "R2_SECRET_ACCESS_KEY": "s"}
    given = {"EDITQUEUE_DATA_DIR": str(tmp_path / "data"), "EDITQUEUE_JOB_TIMEOUT": "10"} | s3 | settings

    lines = run_here(monkeypatch, capsys, "doctor", given).out.splitlines()

    [at] = [number for number, line in enumerate(lines) if line.startswith("BROKEN  bucket")]
    assert remedy in lines[at + 1]


def test_a_tool_that_is_missing_is_not_called_ok(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "image_tools", lambda: (MISSING,))

    said = run_here(monkeypatch, capsys, "doctor", {"EDITQUEUE_DATA_DIR": str(tmp_path / "data")}).out

    assert "missing image tool rawpy: not installed\n        -> for camera raws: pip install rawpy\n" in said


def test_a_database_that_is_not_there_may_be_on_a_disk_that_is_not_mounted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/own.db"
    here = Installation(tmp_path / "data", {"EDITQUEUE_DATABASE_URL": url, "JWT_SECRET": SECRET})

    assert "-> mount the disk" in broken(here.run("doctor"))["remedy"]
    assert "a new system gets a new one by `editqueue migrate`" in here.run("status").complaint()


@pytest.mark.parametrize("locked", [True, False])
async def test_a_file_in_progress_without_a_job_and_its_mending(here: Installation, *, locked: bool) -> None:
    await seed_file(here, status="in_progress", locked=locked)

    assert "--fix" in broken(here.run("doctor"))["remedy"]
    mended = here.run("doctor", "--fix", "--json").json()
    assert mended["healthy"]
    [locks] = [check for check in mended["checks"] if check["name"] == "locks"]
    assert re.fullmatch(r"1 locks without a job were reset, to be sent off again: files [0-9a-f-]{36}", locks["detail"])
    assert here.run("status", "--json").json()["stale_locks"] == 0
    [queued] = [check for check in here.run("doctor", "--json").json()["checks"] if check["name"] == "locks"]
    assert (queued["state"], queued["remedy"]) == ("ok", "their customers send them off again")
    assert "1 files are queued without one" in queued["detail"]


async def test_a_consumer_that_is_paused_and_one_that_is_gone(here: Installation) -> None:
    now = datetime.now(UTC)
    told = {"web-1": now - timedelta(minutes=2), "web-2": now - timedelta(minutes=4)}
    store = await here.open_store()
    for consumer, seen_at in told.items():
        since = datetime(2026, 11, 24, 12, tzinfo=UTC)
        pause = ConsumerPause(consumer=consumer, ground="bucket", reason="no marker", since=since, seen_at=seen_at)
        await store.record_pause(pause)

    found = broken(here.run("doctor"))
    await store.end_pause("web-1")
    await store.close()

    assert found["what"].endswith(
        "consumers: web-1 is paused since 2026-11-24T12:00:00Z, waiting for bucket: no marker"
    )
    assert "go on by themselves" in found["remedy"]
    assert here.run("doctor", "--json").json()["healthy"]


async def test_the_consumers_alive_and_their_jobs(here: Installation) -> None:
    store = await here.open_store()
    await submit(store, await seed_files(store, await seed_order(store), 1))
    async with holding(f"sqlite:///{here.folder}/editqueue.db") as holder:
        claim = await store.claim_next(now=datetime.now(UTC), holder=holder.held_as)
        assert claim is not None
        found = here.run("doctor", "--json").json()["checks"]
        status, told = here.run("status", "--json").json(), here.run("status").out
        await store.release(claim, now=datetime.now(UTC))
    await store.close()

    [alive] = [check["detail"] for check in found if check["name"] == "consumers alive"]
    assert alive == f"{holder.consumer} (in progress: 1)"
    assert status["consumers"] == [{"name": holder.consumer, "jobs": [claim.job.id]}]
    assert f"consumer {holder.consumer}  {claim.job.id}\n" in told
    assert here.run("status", "--json").json()["consumers"] == []


async def test_a_done_file_whose_preview_is_gone(here: Installation) -> None:
    await seed_file(here, status="done", preview_url="r2://bucket/gone.jpg", finished_at=to_ms(datetime.now(UTC)))

    found = broken(here.run("doctor"))

    assert "1 done files lack" in found["what"]
    assert "revision" in found["remedy"]


async def test_old_stray_objects_are_removed_and_young_ones_left_alone(here: Installation) -> None:
    keys = ObjectKeys.from_raw(await seed_file(here))
    old, young, kept = (here.bucket / key for key in (f"{keys.processed}x", f"{keys.preview}x", keys.processed))
    upload = here.bucket / f"{keys.raw}x"
    long_ago = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for path in (old, young, kept, upload):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"body")
        if path != young:
            os.utime(path, (long_ago, long_ago))

    assert "1 objects under processed/ or preview/" in broken(here.run("doctor"))["what"]
    assert here.run("doctor", "--fix", "--json").json()["healthy"]
    assert [path.exists() for path in (old, young, kept, upload)] == [False, True, True, True]


def test_a_listing_that_breaks_off_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = LocalBucket.list

    async def breaks_off(bucket: LocalBucket, prefix: str) -> AsyncIterator[ObjectInfo]:
        async for info in whole(bucket, prefix):
            yield info
        if prefix == "user/":
            raise StorageUnavailable("the bucket is away")

    run_here(monkeypatch, capsys, "consume --drain", {"EDITQUEUE_DATA_DIR": str(tmp_path / "data")})
    monkeypatch.setattr(LocalBucket, "list", breaks_off)
    ended = run_here(monkeypatch, capsys, "doctor --json", {"EDITQUEUE_DATA_DIR": str(tmp_path / "data")})

    checks = {check["name"]: check for check in json.loads(ended.out)["checks"]}
    assert (checks["objects"]["ok"], checks["objects"]["detail"]) == (False, "the bucket is away")
    assert checks["objects"]["remedy"]
    assert "1 of" in ended.complaint()


def test_what_an_older_version_left_in_the_bucket_is_removed(
    here: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    orphan = here.bucket / ".attributes" / "user" / "1" / "a.jpg.json"
    orphan.parent.mkdir(parents=True)
    orphan.write_text("{}")
    monkeypatch.setattr(doctor_bucket, "SAFE_AGE", -timedelta(minutes=1))

    here.run("migrate")
    run_here(monkeypatch, capsys, "doctor --fix", {"EDITQUEUE_DATA_DIR": str(here.folder)})

    assert not orphan.exists()


def test_one_broken_thing_does_not_hide_another(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("a file")
    here = Installation(tmp_path / "data", {"EDITQUEUE_BUCKET_URL": f"file://{tmp_path}/plain/bucket"})
    here.folder.mkdir()
    (here.folder / "editqueue.db").write_bytes(b"garbage " * 2000)

    ended = here.run("doctor", "--json")

    report = json.loads(ended.out)
    assert not report["healthy"]
    assert {check["name"] for check in report["checks"] if not check["ok"]} == {"bucket", "database"}
    assert all(check["remedy"] for check in report["checks"] if not check["ok"])
    assert "bucket, database" in ended.complaint()


def test_a_secret_that_is_missing_is_a_wrong_setting(tmp_path: Path) -> None:
    own = {"EDITQUEUE_DATABASE_URL": f"sqlite:///{tmp_path}/own.db"}

    assert "JWT_SECRET" in broken(Installation(tmp_path / "data", own).run("doctor"))["what"]


def test_a_write_under_way_is_no_leftover(here: Installation) -> None:
    piece = here.bucket / ".staging" / "piece"
    piece.parent.mkdir(parents=True)
    piece.write_bytes(b"half a body")
    here.run("migrate")

    checks = here.run("doctor", "--fix", "--json").json()["checks"]

    [leftovers] = [check["detail"] for check in checks if check["name"] == "leftovers"]
    assert leftovers.startswith("0 pieces")
    assert piece.exists()


def test_a_doctor_leaves_nothing_behind(here: Installation) -> None:
    here.run("consume", "--drain")
    before = {one.relative_to(here.folder) for one in here.folder.rglob("*")}
    here.run("doctor")

    assert {one.relative_to(here.folder) for one in here.folder.rglob("*")} == before
    assert [one.name for one in here.bucket.rglob("*") if one.is_file()] == [".editqueue-bucket"]
