"""What the tests of the Worker stand on: no test finds what another left, and nothing half made is taken for whole."""

import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from devtools.cloudflare import host
from devtools.cloudflare.host import Cloudflare, make_snapshot
from devtools.cloudflare.installation import Installed, Pyodide


async def test_a_message_that_waits_for_its_next_delivery_is_forgotten_with_its_test(cloudflare: Cloudflare) -> None:
    before = await cloudflare.tell("counted")
    await cloudflare.tell("rule", call="queue", verdict="die")
    await cloudflare.tell("send", bodies=[{"other": 1}])
    before = await cloudflare.tell("wait", name="failed", reach=before["failed"] + 1)

    async with cloudflare.healed():
        await cloudflare.tell("send", bodies=[{"other": 2}])
        after = await cloudflare.tell("wait", name="settled", reach=before["settled"] + 1)

    assert after["delivered"] - before["delivered"] == 1, "the second message alone"


def test_what_the_host_writes_lies_in_the_folder_that_is_removed_with_it(cloudflare: Cloudflare) -> None:
    assert [path.is_dir() for path in cloudflare.log.parent.glob("editqueue-workerd-*")] == [True]


def test_a_snapshot_that_was_copied_in_part_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def running(*_: object, snapshots: str) -> Generator[Mapping[str, str]]:
        (Path(snapshots) / "snapshot.bin").write_bytes(b"whole")
        yield {}

    def cut_off(_source: Path, target: Path) -> None:
        target.write_bytes(b"who")
        raise KeyboardInterrupt

    monkeypatch.setattr(host, "running", running)
    snapshot = tmp_path / "snapshot.bin"
    pyodide = Pyodide(folder=tmp_path, flags=())
    installed = Installed(node=tmp_path / "node", pyodide=pyodide, worker=tmp_path / "worker", snapshot=snapshot)
    with monkeypatch.context() as copying:
        copying.setattr(shutil, "move", cut_off)
        with pytest.raises(KeyboardInterrupt):
            make_snapshot(installed)
    assert not snapshot.exists()

    make_snapshot(installed)

    assert snapshot.read_bytes() == b"whole"
