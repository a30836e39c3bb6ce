"""GIF, BMP, PSD, JPEG 2000 and JPEG XL: shown where something installed reads them, else kept as they are."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from pathlib import Path

import pillow_jxl  # noqa: F401  # registers itself  # pyright: ignore[reportUnusedImport]  # as it says
import pytest
from PIL import Image

from devtools.pictures.photoshop import psd
from devtools.pictures.samples import decoded, difference, encoded, photograph, scene, ssim
from editqueue.adapters.image_tools.decoders.pillow import FORMATS
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.jpeg2000 import levels_of
from editqueue.adapters.image_tools.formats.jpeg_xl import jpeg_xl_size
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import BrokenPicture, NoToolForFormat, OverLimit
from editqueue.ports.image_tools import Preview
from tests.adapters.image_tools.test_colour import by_lcms, display_p3

BODIES = {kind: psd(scene()) if kind == "psd" else encoded(scene(), name) for kind, name in FORMATS.items()}
del BODIES["tiff"]  # Pillow reads those that libvips does not, see test_tiff.py


def render(body: bytes) -> Preview:
    return render_preview(BytesSource(body))


@pytest.mark.parametrize("kind", BODIES)
def test_what_only_pillow_reads_is_shown(kind: str) -> None:
    made = render(BODIES[kind])

    assert (made.source_format, made.path, made.width, made.height) == (kind, "pillow", 1280, 800)
    assert difference(decoded(made.body), scene().resize((1280, 800))) < 4


def test_a_gif_shows_its_first_picture() -> None:
    first, second = scene(320, 200).quantize(64), Image.new("RGB", (320, 200)).quantize(4)

    made = render(encoded(first, "GIF", save_all=True, append_images=[second]))

    assert made.source_format == "gif"
    assert difference(decoded(made.body), first.convert("RGB")) < 8


@pytest.mark.parametrize("kind", BODIES)
def test_without_its_library_a_picture_is_sound_but_unread(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "pillow_jxl" if kind == "jxl" else "PIL"

    def found(name: str) -> bool | None:
        return None if name == module else True

    monkeypatch.setattr("editqueue.adapters.image_tools.decoders.pillow.find_spec", found)

    with pytest.raises(NoToolForFormat, match=kind):
        render(BODIES[kind])


@pytest.mark.parametrize("share", [0.5, 0.98])
@pytest.mark.parametrize("kind", BODIES)
def test_a_torn_one_is_broken(kind: str, share: float) -> None:
    with pytest.raises(BrokenPicture):
        render(BODIES[kind][: int(len(BODIES[kind]) * share)])


@pytest.mark.parametrize("kind", BODIES)
def test_a_larger_one_than_a_worker_can_hold_is_refused_by_its_header(kind: str) -> None:
    with pytest.raises(OverLimit):
        render_preview(BytesSource(BODIES[kind]), limits=PixelLimits(whole=1600 * 1000 - 1))


def test_a_psd_without_the_picture_of_its_layers_is_no_white_preview() -> None:
    with pytest.raises(NoToolForFormat, match="layers"):
        render(psd(scene(), merged=False))


def test_a_psd_of_sixteen_bits_is_sound_but_unread() -> None:
    with pytest.raises(NoToolForFormat):
        render(psd(scene(64, 40), bits=16))


def test_the_profile_of_a_jpeg_2000_counts() -> None:
    image = Image.new("RGB", (200, 100), (170, 90, 60))
    body = with_profile(encoded(image, "JPEG2000"), display_p3())

    assert difference(decoded(render(body).body), by_lcms(image, display_p3())) < 3


def test_the_profile_of_a_jpeg_xl_counts(tmp_path: Path) -> None:
    image = Image.new("RGB", (200, 100), (170, 90, 60))
    (tmp_path / "p3.jpg").write_bytes(encoded(image, icc_profile=display_p3(), quality=95))
    with Image.open(tmp_path / "p3.jpg") as jpeg:
        body = encoded(jpeg, "JXL", lossless_jpeg=True)

    assert difference(decoded(render(body).body), by_lcms(image, display_p3())) < 3


def with_profile(jp2: bytes, profile: bytes) -> bytes:
    """Pillow writes the number of a colour space where the profile could stand."""
    header, colour = jp2.find(b"jp2h") - 4, jp2.find(b"colr") - 4
    length = int.from_bytes(jp2[colour : colour + 4], "big")
    box = (len(profile) + 11).to_bytes(4, "big") + b"colr\2\0\0" + profile
    grown = int.from_bytes(jp2[header : header + 4], "big") + len(box) - length
    return jp2[:header] + grown.to_bytes(4, "big") + jp2[header + 4 : colour] + box + jp2[colour + length :]


def test_a_large_jpeg_2000_is_decoded_at_half_its_size() -> None:
    body = encoded(photograph(2600, 1700), "JPEG2000", quality_mode="dB", quality_layers=[40])
    assert levels_of(body) == 5

    made = render(body)

    assert (made.width, made.height) == (1280, 837)
    assert ssim(decoded(made.body), photograph(2600, 1700).resize((1280, 837), Image.Resampling.LANCZOS)) > 0.9


@pytest.mark.parametrize("size", [(256, 256), (1600, 1000), (1601, 999), (1200, 900), (31, 7), (8, 8000)])
def test_the_size_of_a_jpeg_xl_is_known_before_it_is_decoded(size: tuple[int, int]) -> None:
    assert jpeg_xl_size(encoded(Image.new("RGB", size), "JXL")) == size


@pytest.mark.parametrize("body", [b"", b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n", b"only text"])
def test_no_bytes_of_a_jpeg_xl_make_no_size_or_any(body: bytes) -> None:
    assert jpeg_xl_size(body) in {None, (1, 1)}
