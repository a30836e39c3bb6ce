"""TIFF: the photograph of it, whole or not at all, whatever it is compressed with."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import numpy as np
import pytest
from PIL import Image

from devtools.pictures.samples import decoded, difference, encoded, scene
from devtools.pictures.tiffs import bigtiff, grey_tiff, saying, tiled
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import BrokenPicture, NoToolForFormat
from editqueue.ports.image_tools import Preview

COMPRESSION = 0x103
UNKNOWN = {"lerc": 34887, "jpeg-2000": 34712, "jpeg-xr": 34934}


def render(body: bytes) -> Preview:
    return render_preview(BytesSource(body))


@pytest.mark.parametrize("compression", UNKNOWN.values(), ids=UNKNOWN)
def test_tiles_of_an_unknown_compression_are_no_black_preview(compression: int) -> None:
    body = saying(tiled(scene(), compression="deflate"), COMPRESSION, compression)

    with pytest.raises(NoToolForFormat, match=str(compression)):
        render(body)


@pytest.mark.parametrize("compression", [34925, 50000], ids=["lzma", "zstd"])
def test_tiles_that_are_not_what_their_compression_says_are_broken(compression: int) -> None:
    with pytest.raises(BrokenPicture):
        render(saying(tiled(scene(), compression="deflate"), COMPRESSION, compression))


@pytest.mark.parametrize("compression", ["lzma", "zstd"])
def test_what_libvips_does_not_decompress_pillow_does(compression: str) -> None:
    made = render(encoded(scene(), "TIFF", compression=compression))

    assert made.path == "pillow"
    assert difference(decoded(made.body), scene().resize((1280, 800))) < 3


def test_without_pillow_they_are_sound_but_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    body = encoded(scene(), "TIFF", compression="zstd")

    def missing(name: str) -> None:
        """Nothing is installed."""

    monkeypatch.setattr("editqueue.adapters.image_tools.decoders.pillow.find_spec", missing)

    with pytest.raises(NoToolForFormat, match="editqueue\\[pillow\\]"):
        render(body)


@pytest.mark.parametrize("compression", ["deflate", "lzw", "jpeg"])
def test_one_damaged_tile_is_enough_to_be_broken(compression: str) -> None:
    body = bytearray(tiled(scene(1200, 900), compression=compression))
    assert max(render(bytes(body)).body)
    middle = int(len(body) * 0.3)
    body[middle : middle + 200] = bytes(200)

    with pytest.raises(BrokenPicture):
        render(bytes(body))


@pytest.mark.parametrize("size", [(2400, 1600), (3000, 2000)])
def test_the_picture_counts_and_not_its_reductions(size: tuple[int, int]) -> None:
    made = render(tiled(scene(*size), pyramid=True, subifd=True))

    assert (made.width, made.height) == (1280, 853)


def test_a_tiff_with_long_offsets_is_read() -> None:
    assert render(bigtiff(scene())).width == 1280


def test_cielab_of_eight_bits_comes_out_in_its_colours() -> None:
    lab = Image.new("RGB", (80, 60), (200, 60, 40))
    from PIL import ImageCms  # noqa: PLC0415  # its only use

    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    converted = ImageCms.applyTransform(lab, to_lab)
    assert converted is not None

    shown = decoded(render(encoded(converted, "TIFF")).body)

    assert np.abs(np.asarray(shown, dtype=int).mean(axis=(0, 1)) - (200, 60, 40)).max() < 6


def test_a_scanner_of_a_camera_maker_makes_tiffs() -> None:
    body = encoded(scene(), "TIFF", tiffinfo={0x10F: "NIKON", 0x110: "LS-9000"})

    assert render(body).source_format == "tiff"


def test_a_camera_of_twelve_bits_is_not_dark() -> None:
    rows = b"".join(bytes([0x80, 0x08, 0x00]) * 20 for _ in range(30))  # 2048 of 4095, two in three bytes

    shown = np.asarray(decoded(render(grey_tiff(rows, width=40, height=30, bits=12)).body), dtype=int)

    assert np.abs(shown - 128).max() <= 2
