"""An installation without the optional image libraries: they are really not there, in no process."""

import json
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from devtools.installation import Ended, Installation
from devtools.pictures.clips import clip, frames
from devtools.pictures.raws import dng, preview, sensor
from devtools.pictures.samples import decoded, encoded, heif, scene
from devtools.seeds import seed_files, seed_order, submit
from editqueue.domain.keys import ObjectKeys

EXTRAS = ("pillow_heif", "_pillow_heif", "PIL", "pillow", "pillow_jxl", "pillow_jxl_plugin", "rawpy", "av")
SOURCE = Path(__file__).parents[2] / "src"


def packages_without(names: tuple[str, ...], folder: Path) -> Path:
    """A copy of this installation by links, less the packages of these names and what tells of them."""
    folder.mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if entry.name.partition(".")[0].partition("-")[0] not in names:
            (folder / entry.name).symlink_to(entry)
    return folder


def without(names: tuple[str, ...], tmp_path: Path) -> Installation:
    packages = packages_without(names, tmp_path / "packages")
    # -S: the packages of the environment that runs the tests are not looked at
    settings = {"PYTHONPATH": f"{SOURCE}:{packages}", "EDITQUEUE_MAX_RETRIES": "0"}
    return Installation(tmp_path / "data", settings, options=("-S",))


@pytest.fixture(name="lean")
def _lean(tmp_path: Path) -> Installation:
    return without(EXTRAS, tmp_path)


def checks(ended: Ended) -> Mapping[str, Any]:
    return {check["name"]: check for check in json.loads(ended.out)["checks"]}


def test_doctor_says_what_is_missing_and_how_to_get_it(lean: Installation) -> None:
    assert lean.run("migrate").code == 0

    report = lean.run("doctor", "--json")

    assert report.code == 0, "an extra is no fault"
    found = checks(report)
    packages = {"pillow-heif": "heic", "pillow": "pillow", "pillow-jxl-plugin": "jxl", "rawpy": "raw", "av": "video"}
    for package, extra in packages.items():
        said = found[f"image tool {package}"]
        assert (said["ok"], said["state"], said["detail"]) == (False, "missing", "not installed")
        assert f"pip install 'editqueue[{extra}]'" in found[f"image tool {package}"]["remedy"]
    assert found["image tool pyvips"]["remedy"] == ""


async def test_without_the_extras_everything_else_works_and_the_rest_gets_a_copy(lean: Installation) -> None:
    jpeg = encoded(scene(1620, 1080))
    read = {"a.jpg": jpeg, "b.avif": encoded(scene(300, 200), "AVIF"), "c.dng": dng(preview(jpeg))}
    unread = {
        "d.heic": heif(scene(64, 48)),
        "e.mp4": clip(frames(scene(64, 48), 2)),
        "f.dng": dng(sensor(1400, 1000)),
        "g.bmp": encoded(scene(64, 48), "BMP"),
        "h.jxl": b"\xff\x0a" + bytes(60),
    }

    made, log = await worked_off(lean, read | unread)

    assert all(decoded(made[name]).format == "JPEG" and made[name] != body for name, body in read.items())
    assert all(made[name] == body for name, body in unread.items())
    reasons = [line["reason"] for line in log if line["event"] == "placeholder_preview"]
    assert sorted(reason.partition("editqueue")[2] for reason in reasons) == [
        "[heic]'",
        "[jxl]'",
        "[pillow]'",
        "[raw]'",
        "[video]'",
    ]


async def test_without_any_image_library_every_picture_gets_a_copy_and_text_none(tmp_path: Path) -> None:
    bare = without((*EXTRAS, "pyvips", "pyvips_binary", "_libvips"), tmp_path)
    files = {"a.jpg": encoded(scene(64, 48)), "b.heic": heif(scene(64, 48)), "c.jpg": b"only text"}

    made, _ = await worked_off(bare, files)

    assert made == {name: body for name, body in files.items() if name != "c.jpg"}
    found = checks(bare.run("doctor", "--json"))["image tool pyvips"]
    assert (found["ok"], found["remedy"].endswith("pip install pyvips pyvips-binary")) == (False, True)


async def worked_off(
    here: Installation, originals: Mapping[str, bytes]
) -> tuple[Mapping[str, bytes], list[Mapping[str, Any]]]:
    """The previews by name of the original, and the log."""
    store = await here.open_store()
    order = await seed_order(store)
    keys: dict[str, str] = {}
    for name, body in originals.items():
        [file] = await seed_files(store, order, 1, name=name)
        keys[name] = file.object_key
        path = here.bucket / file.object_key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        await submit(store, [file])
    await store.close()
    ended = here.run("consume", "--drain")
    assert ended.code == 0, ended.err
    previews = {name: here.bucket / ObjectKeys.from_raw(key).preview for name, key in keys.items()}
    made = {name: path.read_bytes() for name, path in previews.items() if path.exists()}
    return made, [json.loads(line) for line in ended.err.splitlines()]
