"""`editqueue preview`: where a preview may be written, and that it is there whole or not at all."""

import errno
import os
import re
import resource
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from devtools.installation import Ended
from devtools.pictures.samples import decoded, encoded, scene
from tests.entrypoints.in_process import run_here


class Preview(Protocol):
    def __call__(self, target: Path | str, *options: str) -> Ended: ...


@pytest.fixture(name="preview")
def _preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Preview:
    """Of a picture, in a folder where there is nothing else."""
    monkeypatch.chdir(tmp_path)
    Path("in.jpg").write_bytes(encoded(scene(1600, 1200)))

    def preview(target: Path | str, *options: str) -> Ended:
        return run_here(monkeypatch, capsys, " ".join(["preview in.jpg", str(target), *options]), {})

    return preview


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_pipe_a_device_and_a_folder_are_refused_and_nobody_waits(preview: Preview, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-pipe").symlink_to("pipe")

    for target, kind in {"pipe": "a pipe", "to-pipe": "a pipe", "/dev/null": "a device", "folder": "a folder"}.items():
        assert f"{target}: {kind}, not a file" in preview(target, "--force").complaint()
    assert names(tmp_path) == ["folder", "in.jpg", "pipe", "to-pipe"]


def test_a_dash_is_no_file(preview: Preview, tmp_path: Path) -> None:
    assert "not to stdout" in preview("-", "--force").complaint()
    assert names(tmp_path) == ["in.jpg"]


@pytest.mark.parametrize("way", ["no-folder/../in.jpg", "to-nowhere/../in.jpg", "link.jpg", "folder/../in.jpg"])
def test_the_picture_itself_is_never_replaced_whatever_way_leads_to_it(
    preview: Preview, tmp_path: Path, way: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-nowhere").symlink_to("not-there")
    (tmp_path / "link.jpg").symlink_to("in.jpg")
    before = (tmp_path / "in.jpg").read_bytes()

    assert re.search("is the picture itself|there is no folder", preview(way, "--force").complaint())
    assert (tmp_path / "in.jpg").read_bytes() == before


def test_of_a_link_what_it_leads_to_is_the_file_that_is_there(preview: Preview, tmp_path: Path) -> None:
    elsewhere, link, nowhere = tmp_path / "elsewhere" / "out.jpg", tmp_path / "link.jpg", tmp_path / "nowhere.jpg"
    elsewhere.parent.mkdir()
    elsewhere.write_text("somebody's")
    link.symlink_to(elsewhere)
    nowhere.symlink_to("not-there.jpg")

    for target in (link, nowhere):
        assert "--force" in preview(target).complaint()
    assert elsewhere.read_text() == "somebody's"

    assert preview(link, "--force").code == 0
    assert link.is_symlink()
    assert decoded(elsewhere.read_bytes()).size == (1280, 960)
    assert names(elsewhere.parent) == ["out.jpg"]


@contextmanager
def files_of_at_most(size: int) -> Generator[None]:
    """As a disk that is full: what is written beyond `size` bytes is an error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("before", [None, b"somebody's"], ids=["new", "over a file"])
def test_a_preview_that_cannot_be_written_leaves_what_was_there(
    preview: Preview, tmp_path: Path, before: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.jpg"
    if before is not None:
        target.write_bytes(before)
    writes = Path.write_bytes

    def full(path: Path, body: bytes) -> int:
        with files_of_at_most(1000):
            return writes(path, body)

    monkeypatch.setattr(Path, "write_bytes", full)

    assert f"{target}: File too large; the preview was not written" in preview(target, "--force").complaint()
    assert names(tmp_path) == ["in.jpg"] + (["out.jpg"] if before is not None else [])
    assert before is None or target.read_bytes() == before


def test_no_empty_file_is_ever_where_a_preview_will_be(
    preview: Preview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, seen = tmp_path / "out.jpg", list[int]()

    def watched(call: Callable[..., object]) -> Callable[..., object]:
        def watching(*given: Any, **named: Any) -> object:
            answer = call(*given, **named)
            seen.extend([target.stat().st_size] if target.exists() else [])
            return answer

        return watching

    for name in ("touch", "replace", "hardlink_to", "unlink"):
        monkeypatch.setattr(Path, name, watched(getattr(Path, name)))

    assert preview(target).code == 0
    assert set(seen) == {target.stat().st_size}


def test_a_file_system_without_hard_links_gets_its_preview_and_keeps_what_came_meanwhile(
    preview: Preview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, late = tmp_path / "out.jpg", tmp_path / "late.jpg"

    def refused(path: Path, part: Path) -> None:
        if path == late:
            late.write_text("somebody's")
        raise PermissionError(errno.EPERM, "Operation not permitted", str(part))

    monkeypatch.setattr(Path, "hardlink_to", refused)

    assert preview(target).code == 0
    assert decoded(target.read_bytes()).size == (1280, 960)
    assert "is there already" in preview(late).complaint()
    assert late.read_text() == "somebody's"
    assert names(tmp_path) == ["in.jpg", "late.jpg", "out.jpg"]
