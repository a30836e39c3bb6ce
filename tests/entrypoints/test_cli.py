"""Every command as people and scripts run it: what it prints, and how it fails."""

import json
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devtools.installation import Installation, free_port
from devtools.pictures.samples import decoded, encoded, scene
from devtools.seeds import seed_files, seed_order, submit


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


def test_an_order_and_a_token(tmp_path: Path) -> None:
    here = Installation(tmp_path / "data", {"JWT_SECRET": "s" * 32})
    assert here.run("order", "create", "--user-id", "anna", "--title", "Haus").json()["order_id"]
    assert here.run("token", "--user-id", "anna", "--ttl", "60").out.count(".") == 2
    assert "printable" in here.run("token", "--user-id", "").complaint()


async def test_a_job_from_failed_to_tried_again(here: Installation) -> None:
    store = await here.open_store()
    made = await seed_files(store, await seed_order(store), 1)
    [job_id] = await submit(store, made, now=datetime.now(UTC))
    await store.close()

    assert here.run("status", "--json").json()["jobs"]["queued"] == 1
    assert "is queued" in here.run("jobs", "retry", job_id).complaint()
    assert isinstance(here.run("sweep").json(), dict)
    [failed] = here.run("jobs", "list", "--status", "failed", "--json").json()
    assert failed["id"] == job_id
    shown = here.run("jobs", "show", job_id, "--json").json()
    assert shown["error"]
    assert "token" not in shown
    assert here.run("jobs", "retry", job_id, "--json").json()["status"] == "queued"
    drained = here.run("consume", "--drain")
    assert drained.code == 0
    assert drained.out == (
        f"editqueue consumes from {here.folder}/editqueue.db, bucket {here.bucket}, queue local, 1 job at a time "
        "(ends when nothing is left)\n"
    )
    assert all(json.loads(line) for line in drained.err.splitlines())


def test_a_preview_of_a_local_file(here: Installation, tmp_path: Path) -> None:
    source, target, text = tmp_path / "Küche #1 50%.jpg", tmp_path / "out.jpg", tmp_path / "text.jpg"
    source.write_bytes(encoded(scene(1600, 1200)))
    text.write_text("no picture")

    told = here.run("preview", str(source), str(target), "--json").json()

    assert (told["source_format"], told["width"], told["height"]) == ("jpeg", 1280, 960)
    assert decoded(target.read_bytes()).size == (1280, 960)
    assert "no such file" in here.run("preview", str(tmp_path / "gone"), str(target)).complaint()
    assert "a folder, not a file" in here.run("preview", str(tmp_path), str(target)).complaint()
    assert "no picture" in here.run("preview", str(text), str(target), "--force").complaint()
    assert "there is no folder" in here.run("preview", str(source), str(tmp_path / "no" / "out.jpg")).complaint()


def test_a_preview_replaces_no_file_that_nobody_gave_up_and_never_the_picture_itself(
    here: Installation, tmp_path: Path
) -> None:
    source, target, link = tmp_path / "in.jpg", tmp_path / "out.jpg", tmp_path / "link.jpg"
    source.write_bytes(picture := encoded(scene(1600, 1200)))
    target.write_text("somebody's")
    link.symlink_to(source)

    assert "--force" in here.run("preview", str(source), str(target)).complaint()
    for itself in (source, link):
        assert "the picture itself" in here.run("preview", str(source), str(itself), "--force").complaint()

    assert (source.read_bytes(), target.read_text()) == (picture, "somebody's")
    assert here.run("preview", str(source), str(target), "--force").out.startswith(f"{target}: 1280 x 960 px")


def test_serve_refuses_a_taken_port_and_ends_on_sigterm(here: Installation) -> None:
    port = str(free_port())
    with here.start("serve", "--port", port) as server:
        assert server.stdout is not None
        assert port in server.stdout.readline()
        assert f":{port}" in here.run("serve", "--port", port).complaint()
        with socket.create_connection(("127.0.0.1", int(port))):
            server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0


@pytest.mark.parametrize("words", [["migrate"], ["status"], ["token", "--user-id", "anna"]])
def test_a_data_dir_that_cannot_be_used_is_named(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "plain").write_text("a file")

    assert "EDITQUEUE_DATA_DIR" in Installation(tmp_path / "plain" / "data").run(*words).complaint()


def test_an_old_schema_is_refused_until_migrated(tmp_path: Path) -> None:
    own = {"EDITQUEUE_DATABASE_URL": f"sqlite:///{tmp_path}/own.db", "JWT_SECRET": "s" * 32}
    here = Installation(tmp_path / "data", own)

    assert "`editqueue migrate`" in here.run("consume", "--drain").complaint()
    assert here.run("migrate").code == 0
    assert here.run("status").code == 0


@pytest.mark.parametrize("words", [["migrate"], ["status"]])
def test_a_corrupt_database_is_named(here: Installation, words: list[str]) -> None:
    here.folder.mkdir()
    (here.folder / "editqueue.db").write_bytes(b"garbage " * 2000)

    assert "editqueue.db" in here.run(*words).complaint()


@pytest.mark.parametrize("words", [["frob"], ["jobs", "list", "--limit", "0"], ["order", "create"]])
def test_wrong_usage_is_one_line(here: Installation, words: list[str]) -> None:
    assert here.run(*words).complaint()
