"""HEIC: turned as the file says, its profile converted, never half of it."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from devtools.pictures.clips import clip, frames
from devtools.pictures.packaged import packaged
from devtools.pictures.samples import decoded, difference, heif, scene, upright, with_exif
from devtools.pictures.wide import grey_heic, wide_heic
from editqueue.adapters.image_tools.decoders import coded_still, heic
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.isobmff import check_heic
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import BrokenPicture, NoToolForFormat
from editqueue.ports.image_tools import Preview
from tests.adapters.image_tools.test_colour import by_lcms, display_p3


@pytest.fixture(autouse=True)
def by_libheif(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without PyAV, whose decoders come first."""

    def missing(name: str) -> None:
        """Not installed."""

    monkeypatch.setattr(coded_still, "find_spec", missing)


def render(body: bytes) -> Preview:
    return render_preview(BytesSource(body))


def test_a_heic_becomes_a_preview() -> None:
    preview = render(heif(scene()))

    assert (preview.width, preview.height, preview.source_format, preview.path) == (1280, 800, "heic", "heif-vips")
    assert difference(decoded(preview.body), scene().resize((1280, 800))) < 4


@pytest.mark.parametrize("size", [(641, 401), (99, 77), (16, 16)])
def test_odd_sizes_keep_their_rows(size: tuple[int, int]) -> None:
    image = decoded(render(heif(scene(*size))).body)

    assert image.size == size
    assert difference(image, scene(*size)) < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turn_of_the_container_is_made_once(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = heif(scene(), exif=exif.tobytes())  # pillow-heif writes it as irot and imir
    assert (b"irot" in body or b"imir" in body) == (orientation > 1)

    shown = decoded(render(body).body)

    expected = upright(with_exif(scene(), orientation))
    assert difference(shown, expected.resize(shown.size)) < 5
    assert shown.width / shown.height == expected.width / expected.height
    assert not shown.getexif()


def test_transparency_becomes_white() -> None:
    assert np.asarray(decoded(render(heif(Image.new("RGBA", (200, 100), (255, 0, 0, 0)))).body)).min() >= 250


def test_p3_is_shown_in_srgb() -> None:
    profile = display_p3()
    image = Image.new("RGB", (200, 100), (170, 90, 60))

    shown = decoded(render(heif(image, icc_profile=profile)).body)

    assert difference(shown, by_lcms(image, profile)) < 3


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_a_torn_heic_is_broken(share: float) -> None:
    body = heif(scene())

    with pytest.raises(BrokenPicture):
        render(body[: int(len(body) * share)])


def test_a_whole_heic_has_all_its_bytes() -> None:
    check_heic(heif(scene(320, 200)))


def test_without_its_library_a_heic_is_sound_but_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        """Nothing is installed."""

    monkeypatch.setattr(heic, "find_spec", missing)

    with pytest.raises(NoToolForFormat, match="heic"):
        render(heif(scene(64, 64)))


@pytest.mark.parametrize(
    ("raised", "seen"),
    [(TypeError("ours"), TypeError), (KeyError("ours"), KeyError), (SyntaxError("libheif's"), BrokenPicture)],
)
def test_only_what_the_library_documents_is_the_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, seen: type[Exception]
) -> None:
    def failing(body: bytes, **options: object) -> None:
        raise raised

    monkeypatch.setattr(pillow_heif, "open_heif", failing)

    with pytest.raises(seen):
        render(heif(scene(64, 64)))


@pytest.mark.parametrize("bits", [10, 12])
def test_grey_of_more_than_eight_bits_is_shown(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", bits == 12)
    body = grey_heic(scene(320, 200), bits=bits)
    assert pillow_heif.open_heif(body).info["bit_depth"] == bits

    assert difference(decoded(render(body).body), scene(320, 200).convert("L")) < 4


@pytest.mark.parametrize(("transfer", "primaries"), [(16, 9), (16, 12), (16, 1), (18, 9)])
def test_high_dynamic_range_looks_as_the_same_scene_without_it(transfer: int, primaries: int) -> None:
    plain = np.asarray(scene(320, 200), dtype=float)

    shown = np.asarray(decoded(render(wide_heic(scene(320, 200), transfer=transfer, primaries=primaries)).body), float)

    assert abs(shown.mean() - plain.mean()) < 12
    assert abs(shown.std() / plain.std() - 1) < 0.25
    assert np.abs(shown.mean(axis=(0, 1)) - plain.mean(axis=(0, 1))).max() < 20


def test_what_a_camera_says_of_its_range_in_two_ways_is_expanded_once() -> None:
    body = packaged("pillow-heif", "tests/images/heif_special/guitar_cw90.hif")  # of a Sony A7 IV

    shown = np.frombuffer(heic.read_heic(body, PixelLimits()).write_to_memory(), np.uint8)

    assert (shown >= 254).mean() < 0.01


@pytest.mark.parametrize("codec", [b"jpeg", b"avc1", b"unci", b"vvc1"])
def test_codecs_that_the_library_lacks_make_a_sound_picture_that_nobody_reads(codec: bytes) -> None:
    with pytest.raises(NoToolForFormat):
        render(heif(scene(64, 64)).replace(b"hvc1", codec))


def test_a_sequence_without_a_still_shows_its_first_picture() -> None:
    body = clip(frames(scene(320, 176), 3), codec="libx265").replace(b"ftypisom", b"ftyphevc")

    made = render(body)

    assert (made.source_format, made.path) == ("heic", "pyav-first-picture")
    assert difference(decoded(made.body), scene(320, 176)) < 8


def test_a_picture_coded_without_content_is_no_black_preview() -> None:
    with pytest.raises(NoToolForFormat, match="black"):
        render(heif(Image.new("RGB", (64, 64))))
