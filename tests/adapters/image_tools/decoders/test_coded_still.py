"""HEIC, HIF and AVIF through FFmpeg: the same picture as by libheif, for less."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any

import numpy as np
import pytest
from PIL import Image

from devtools.pictures.heifs import SRGB_FULL, SRGB_LIMITED, Shown, clap, heif_file, hevc, icc, tiled, turned
from devtools.pictures.packaged import packaged
from devtools.pictures.samples import decoded, difference, encoded, scene, ssim
from devtools.pictures.wide import grey_heic, wide_heic
from editqueue.adapters.image_tools import render
from editqueue.adapters.image_tools.decoders import coded_still
from editqueue.adapters.image_tools.decoders.tile import BT2020
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import OverLimit
from editqueue.ports.image_tools import Preview
from tests.adapters.image_tools.test_colour import by_lcms, display_p3

HEIF = "tests/images"
JPEG = b"\xff\xd8\xff"
BAR = 8
"""Lines of black above and below a picture of 3:2 in the JPEG of 4:3."""


def preview_of(body: bytes) -> Preview:
    return render_preview(BytesSource(body))


def declined(*_: object) -> None:
    """Another way must read it."""


def by_libheif(body: bytes, monkeypatch: pytest.MonkeyPatch) -> Image.Image:
    with monkeypatch.context() as patched:
        for name in ("read_small_copy", "read_coded"):
            patched.setattr(render, name, declined)
        made = preview_of(body)
    assert made.path in {"heif-vips", "vips-thumbnail"}
    return decoded(made.body)


@pytest.mark.parametrize("height", [3, 40, 90])
def test_a_strip_has_the_colours_of_its_picture_however_thin_its_preview_is(height: int) -> None:
    columns, rows = np.meshgrid(np.linspace(0, 255, 4001), np.linspace(0, 255, height))
    strip = Image.fromarray(np.dstack([columns, rows, np.full_like(rows, 80)]).astype(np.uint8))

    shown = preview_of(encoded(strip, "AVIF", quality=90))

    assert (shown.width, shown.height) == (1280, max(1, round(height * 1280 / 4001)))
    assert np.abs(means(decoded(shown.body)) - means(strip)).max() < 8


def whole(image: Image.Image, *properties: bytes, **options: Any) -> Shown:
    return Shown(streams=[hevc(image, **options)], width=image.width, height=image.height, properties=properties)


def camera_file(main: Image.Image, copy: Image.Image, *properties: bytes) -> bytes:
    """As Sony's: 4:2:2 in 10 bit of limited range."""
    options: dict[str, Any] = {"pixels": "yuv422p10le", "colours": SRGB_LIMITED}
    pictures = [whole(image, *properties, **options) for image in (main, copy)]
    return heif_file(*pictures, colours=SRGB_LIMITED)


def means(image: Image.Image) -> Any:
    return np.asarray(image.convert("RGB"), dtype=float).mean(axis=(0, 1))


def assert_alike(shown: Image.Image, expected: Image.Image) -> None:
    assert shown.size == expected.size
    assert np.abs(means(shown) - means(expected)).max() < 2
    assert difference(shown, expected) < 2


class TestSmallCopy:
    def test_becomes_the_preview_and_nothing_else_is_read(self) -> None:
        body = camera_file(scene(3000, 2000), scene(1616, 1080))
        source = BytesSource(body + bytes(2_000_000))

        made = render_preview(source)

        assert made.path == "embedded-heif"
        assert (made.width, made.height) == (1280, 853)  # as that of the main picture, not of the copy
        assert_alike(decoded(made.body), scene(1280, 853))
        assert source.bytes_read < len(body)

    def test_is_turned_as_the_main_picture(self) -> None:
        made = preview_of(camera_file(scene(2400, 1600), scene(1500, 1000), turned(1)))

        assert (made.path, made.width, made.height) == ("embedded-heif", 853, 1280)
        assert_alike(decoded(made.body), scene(1280, 853).transpose(Image.Transpose.ROTATE_90))

    def test_of_another_shape_is_left_and_the_main_picture_shown(self) -> None:
        made = preview_of(camera_file(scene(1800, 1200), Image.new("RGB", (1600, 900), "red")))

        assert made.path == "ffmpeg"
        assert_alike(decoded(made.body), scene(1280, 853))

    def test_that_cannot_be_decoded_is_left(self) -> None:
        main = hevc(scene(1800, 1200))
        broken = Shown(streams=[hevc(scene(1500, 1000))], width=1500, height=1000)
        body = heif_file(Shown(streams=[main], width=1800, height=1200), broken)
        stream = broken.streams[0].body
        body = body.replace(stream, bytes(len(stream)))

        made = preview_of(body)

        assert made.path == "ffmpeg"
        assert_alike(decoded(made.body), scene(1280, 853))

    @pytest.mark.parametrize(
        ("member", "size"), [("heif_other/cat.hif", (1280, 855)), ("heif_special/guitar_cw90.hif", (853, 1280))]
    )
    def test_of_a_real_camera_shows_what_the_main_picture_does(
        self, member: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = packaged("pillow-heif", f"{HEIF}/{member}")
        source = BytesSource(body)

        made = render_preview(source)

        with monkeypatch.context() as patched:
            patched.setattr(render, "read_small_copy", declined)
            main = preview_of(body)
        assert (made.path, main.path) == ("embedded-heif", "ffmpeg")
        assert (made.width, made.height) == (main.width, main.height) == size
        assert ssim(decoded(made.body), decoded(main.body)) > 0.98
        assert np.abs(means(decoded(made.body)) - means(decoded(main.body))).max() < 1
        assert source.bytes_read < len(body) / 10

    def test_is_as_bright_as_the_jpeg_that_the_camera_made_of_it(self) -> None:
        """The index says limited range, the streams say full: they are right."""
        body = packaged("pillow-heif", f"{HEIF}/heif_special/guitar_cw90.hif")  # of a Sony A7 IV
        jpeg = np.asarray(decoded(body[body.find(JPEG) :]).convert("L"))[BAR:-BAR]

        shown = np.asarray(decoded(preview_of(body).body).convert("L"))

        shares = (1, 25, 50, 75, 99)
        assert np.abs(np.percentile(shown, shares) - np.percentile(jpeg, shares)).max() < 4


class TestTiles:
    @pytest.mark.parametrize("size", [(1700, 1100), (2600, 1800), (1025, 513)])
    def test_are_joined_and_cut_off_at_the_edges(self, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
        body = heif_file(tiled(scene(*size), (512, 512)))

        made = preview_of(body)

        assert made.path == "ffmpeg"
        assert_alike(decoded(made.body), by_libheif(body, monkeypatch))

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_are_turned_and_cropped_as_the_file_says(self, quarters: int, monkeypatch: pytest.MonkeyPatch) -> None:
        crop = clap(900, 700, 60, 40, of=(1200, 800))
        body = heif_file(tiled(scene(1200, 800), (512, 512), properties=[crop, turned(quarters)]))

        made = preview_of(body)

        assert made.path == "ffmpeg"
        assert_alike(decoded(made.body), by_libheif(body, monkeypatch))

    def test_have_the_profile_of_the_file(self) -> None:
        profile, colour = display_p3(), Image.new("RGB", (640, 320), (170, 90, 60))
        body = heif_file(tiled(colour, (320, 320), properties=[icc(profile)]))

        made = preview_of(body)

        assert made.path == "ffmpeg"
        assert difference(decoded(made.body), by_lcms(colour, profile)) < 3

    @pytest.mark.parametrize(
        ("pixels", "colours"),
        [
            ("yuv420p", SRGB_FULL),
            ("yuv420p", SRGB_LIMITED),
            ("yuv444p", SRGB_FULL),
            ("yuv422p10le", SRGB_LIMITED),
            ("yuv420p10le", (1, 13, 1, 0)),
        ],
    )
    def test_come_out_in_their_colours(self, pixels: str, colours: tuple[int, int, int, int]) -> None:
        made = preview_of(heif_file(whole(scene(800, 500), pixels=pixels, colours=colours), colours=colours))

        assert made.path == "ffmpeg"
        assert_alike(decoded(made.body), scene(800, 500))

    @pytest.mark.parametrize(("coded", "said"), [(SRGB_FULL, SRGB_LIMITED), (SRGB_LIMITED, SRGB_FULL)])
    def test_of_a_camera_are_in_the_range_that_their_stream_says(
        self, coded: tuple[int, int, int, int], said: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = heif_file(whole(scene(800, 500), pixels="yuv422p10le", colours=coded), colours=said)

        made = preview_of(body)

        assert made.path == "ffmpeg"
        assert_alike(decoded(made.body), scene(800, 500))
        assert_alike(decoded(made.body), by_libheif(body, monkeypatch))

    @pytest.mark.parametrize(("transfer", "primaries"), [(16, 9), (18, 9), (16, 12)])
    def test_of_high_dynamic_range_look_as_libheif_shows_them(
        self, transfer: int, primaries: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = wide_heic(scene(640, 400), transfer=transfer, primaries=primaries)

        made = preview_of(body)

        assert made.path == ("ffmpeg" if primaries == BT2020 else "heif-vips")
        assert_alike(decoded(made.body), by_libheif(body, monkeypatch))

    @pytest.mark.parametrize("bits", [10, 12])
    def test_of_grey_look_as_libheif_shows_them(self, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
        body = grey_heic(scene(640, 400), bits=bits)

        assert_alike(decoded(preview_of(body).body), by_libheif(body, monkeypatch))

    def test_without_colours_in_the_file_go_by_their_stream(self) -> None:
        made = preview_of(heif_file(whole(scene(800, 500), colours=SRGB_LIMITED), colours=None))

        assert made.path == "ffmpeg"
        assert_alike(decoded(made.body), scene(800, 500))

    @pytest.mark.parametrize("colours", [(12, 13, 6, 0x80), (1, 13, 8, 0x80)], ids=["display p3", "ycgco"])
    def test_in_colours_that_this_way_does_not_know_are_left_to_libheif(
        self, colours: tuple[int, int, int, int]
    ) -> None:
        assert preview_of(heif_file(whole(scene(320, 200)), colours=colours)).path == "heif-vips"

    def test_larger_than_they_say_are_left_to_libheif(self) -> None:
        stream = hevc(scene(1600, 1000))
        small = Shown(streams=[type(stream)(configuration=stream.configuration, body=stream.body, width=64, height=64)],
                      width=64, height=64)  # fmt: skip

        assert coded_still.read_coded(heif_file(small), render.PixelLimits()) is None

    def test_of_too_many_pixels_are_over_the_limit(self) -> None:
        with pytest.raises(OverLimit):
            coded_still.read_coded(heif_file(whole(scene(320, 200))), render.PixelLimits(heif=320 * 200 - 1))


class TestAvif:
    @pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
    @pytest.mark.parametrize("span", ["full", "limited"])
    def test_looks_as_libheif_shows_it(self, subsampling: str, span: str, monkeypatch: pytest.MonkeyPatch) -> None:
        body = encoded(scene(1500, 1000), "AVIF", quality=90, subsampling=subsampling, range=span, speed=10)

        made = preview_of(body)

        assert made.path == "ffmpeg"
        assert_alike(decoded(made.body), by_libheif(body, monkeypatch))

    def test_keeps_its_profile(self) -> None:
        profile, colour = display_p3(), Image.new("RGB", (200, 100), (170, 90, 60))

        made = preview_of(encoded(colour, "AVIF", quality=95, icc_profile=profile, speed=10))

        assert made.path == "ffmpeg"
        assert difference(decoded(made.body), by_lcms(colour, profile)) < 3

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_is_turned_as_the_file_says(self, orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        body = encoded(scene(600, 400), "AVIF", quality=90, exif=exif.tobytes(), speed=10)

        made = preview_of(body)

        assert made.path == "ffmpeg"
        assert_alike(decoded(made.body), by_libheif(body, monkeypatch))

    def test_that_is_transparent_is_left_to_libheif(self) -> None:
        made = preview_of(encoded(Image.new("RGBA", (200, 100), (255, 0, 0, 0)), "AVIF", speed=10))

        assert made.path == "vips-thumbnail"
        assert np.asarray(decoded(made.body)).min() >= 250

    def test_without_pyav_is_read_by_libheif(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> None:
            """Nothing is installed."""

        monkeypatch.setattr(coded_still, "find_spec", missing)

        assert preview_of(encoded(scene(320, 200), "AVIF", speed=10)).path == "vips-thumbnail"


def test_spoiled_pictures_end_as_libheif_judges_them() -> None:
    chance, body = np.random.default_rng(7), bytearray(heif_file(tiled(scene(640, 400), (320, 320))))
    for _ in range(20):
        spoiled = bytearray(body)
        for at in chance.integers(0, len(body), 6):
            spoiled[at] = int(chance.integers(0, 256))
        coded_still.read_coded(bytes(spoiled), render.PixelLimits())
        coded_still.read_small_copy(BytesSource(bytes(spoiled)), render.PixelLimits())
