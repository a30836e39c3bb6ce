"""AVIF: grey in its range and profile, high dynamic range, the first of a sequence."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import struct

import numpy as np
import pytest
from PIL import Image

from devtools.pictures.samples import decoded, difference, encoded, scene
from devtools.pictures.wide import wide_avif
from editqueue.adapters.image_tools.decoders import coded_still
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import BrokenPicture
from editqueue.ports.image_tools import Preview

GREY = scene(320, 200).convert("L")


@pytest.fixture(autouse=True, params=["FFmpeg first", "libheif alone"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is right does not depend on what is installed."""

    def missing(name: str) -> None:
        """Not installed."""

    if request.param == "libheif alone":
        monkeypatch.setattr(coded_still, "find_spec", missing)


def render(body: bytes) -> Preview:
    return render_preview(BytesSource(body))


@pytest.mark.parametrize("said", ["limited", "full"])
def test_grey_is_as_bright_as_it_was_whatever_its_range(said: str) -> None:
    body = encoded(GREY, "AVIF", subsampling="4:0:0", range=said, quality=95, speed=10)

    assert difference(decoded(render(body).body), GREY) < 2


def test_the_profile_of_a_grey_picture_counts() -> None:
    dark = Image.new("L", (320, 200), 128)
    profile = grey_profile(gamma=1.0)

    shown = decoded(render(encoded(dark, "AVIF", icc_profile=profile, speed=10)).body)

    assert abs(float(np.asarray(shown).mean()) - 188) < 4  # half of the light


def grey_profile(*, gamma: float) -> bytes:
    """ICC version 2, with one curve and a white point."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {b"kTRC": curve, b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63_190, 65_536, 54_061)}
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"g\0" + bytes(78 + 4)
    tags[b"cprt"] = b"text\0\0\0\0none\0\0\0\0"
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        table += name + struct.pack(">II", start + len(data), len(body))
        data += body
    fields = (start + len(data), 0, 0x02100000, b"mntr", b"GRAY", b"XYZ ", bytes(12), b"acsp", bytes(28))
    header = struct.pack(">III4s4s4s12s4s28s", *fields) + struct.pack(">3i", 63_190, 65_536, 54_061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_looks_as_the_same_scene_without_it(transfer: int) -> None:
    plain = np.asarray(scene(320, 200), dtype=float)

    shown = np.asarray(decoded(render(wide_avif(scene(320, 200), transfer=transfer)).body), dtype=float)

    assert abs(shown.mean() - plain.mean()) < 12
    assert abs(shown.std() / plain.std() - 1) < 0.25


def sequence() -> bytes:
    second = Image.new("RGB", (320, 200))
    return encoded(scene(320, 200), "AVIF", save_all=True, append_images=[second], speed=10)


@pytest.mark.parametrize("with_still", [True, False])
def test_a_sequence_shows_its_first_picture(with_still: bool) -> None:
    body = sequence()

    made = render(body if with_still else body.replace(b"meta", b"skip", 1))

    assert made.source_format == "avif"
    assert difference(decoded(made.body), scene(320, 200)) < 8


def test_half_a_sequence_is_broken() -> None:
    body = sequence()

    with pytest.raises(BrokenPicture):
        render(body[: len(body) // 2])
