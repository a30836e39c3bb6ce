"""`editqueue demo`: photos in, previews out, through the real API."""

import re
import socket
from pathlib import Path

import pytest

from devtools.installation import Installation
from devtools.pictures.samples import decoded, encoded, scene, with_exif


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


@pytest.fixture(name="photos")
def _photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(with_exif(scene(2000, 1500), 6))
    (folder / "Küche 1.JPG").write_bytes(encoded(scene(1600, 1200)))
    (folder / "notes.txt").write_text("not a photo")
    return folder


def assert_copies_are_identical(here: Installation, count: int) -> None:
    originals = list(here.bucket.glob("user/*/orders/*/raw/*"))
    assert len(originals) == count
    for original in originals:
        copy = original.parent.parent / "processed" / original.name
        assert not copy.exists() or copy.read_bytes() == original.read_bytes()


def test_every_photo_gets_its_preview(here: Installation, photos: Path) -> None:
    ended = here.run("demo", str(photos), "--exit", "--port", "0")

    assert ended.code == 0, ended.err
    assert len(re.findall(r"│ done +│", ended.out)) == 2
    assert "notes.txt" not in ended.out
    assert_copies_are_identical(here, 2)
    assert len(list(here.bucket.glob("user/*/orders/*/processed/*"))) == 2
    previews = [decoded(one.read_bytes()) for one in here.bucket.glob("user/*/orders/*/preview/*.jpg")]
    assert [one.format for one in previews] == ["JPEG", "JPEG"]
    assert {one.size for one in previews} == {(960, 1280), (1280, 960)}


def test_says_how_its_links_come_back_when_it_ends(here: Installation, photos: Path) -> None:
    ended = here.run("demo", str(photos), "--exit", "--port", "0")

    last = ended.out.splitlines()[-1]
    found = re.search(r"`editqueue (serve --port \d+)` brings these links back", last)
    assert found, last
    [link] = re.findall(r"http://\S+/review#token=\S+", ended.out)
    assert f":{found[1].split()[-1]}/" in link


def test_one_that_is_no_photo_fails_alone(here: Installation, photos: Path) -> None:
    (photos / "text.jpg").write_text("just some text")

    ended = here.run("demo", str(photos), "--exit", "--port", "0")

    assert ended.code == 1
    assert re.search(r"text\.jpg +│ failed +│ .*│ not_a_picture: ", ended.out)
    assert len(re.findall(r"│ done +│", ended.out)) == 2
    assert ended.err.splitlines()[-1].startswith("editqueue: 1 of 3 files did not get done: text.jpg (not_a_picture: ")
    assert_copies_are_identical(here, 3)
    assert len(list(here.bucket.glob("user/*/orders/*/preview/*.jpg"))) == 2


def test_a_missing_folder_is_said_to_be_missing(here: Installation, tmp_path: Path) -> None:
    assert "no such folder" in here.run("demo", str(tmp_path / "gone"), "--exit").complaint()


def test_an_empty_folder_is_said_to_be_empty(here: Installation, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert "no photos in it" in here.run("demo", str(tmp_path / "empty"), "--exit").complaint()


def test_a_taken_port_is_no_obstacle(here: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(encoded(scene(200, 100)))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = here.run("demo", str(folder), "--exit", "--port", str(port))

    assert (ended.code, ended.err) == (0, ""), "progress is for terminals: a file may be on a full disk"
    assert f"Port {port} is taken" in ended.out
