"""Clips: the poster is upright, has the right colours and shows something; few bytes are read for it."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from devtools.pictures.clips import black, clip, frames, hdr_clip, long_clip, sound_only
from devtools.pictures.samples import decoded, difference, scene
from editqueue.adapters.image_tools.decoders import clip as clip_module
from editqueue.adapters.image_tools.decoders.pixel_limits import PixelLimits
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview
from editqueue.domain.errors import BrokenPicture, NotAPicture, NoToolForFormat, OverLimit, StorageUnavailable
from editqueue.ports.image_tools import Preview

SCENE = scene(960, 540)
PLAIN = clip(frames(SCENE, 30))


def render(body: bytes) -> Preview:
    return render_preview(BytesSource(body))


def test_a_clip_becomes_its_poster() -> None:
    preview = render(PLAIN)

    assert (preview.source_format, preview.path) == ("mp4", "pyav-poster")
    assert (preview.width, preview.height) == SCENE.size
    assert difference(decoded(preview.body), SCENE) < 4


@pytest.mark.parametrize(("version", "options"), [("18.1.0", {"metadata_errors": "ignore"}), ("19.0.2", {})])
def test_each_pyav_is_opened_with_the_options_it_knows(version: str, options: dict[str, str]) -> None:
    assert clip_module.lenient(version) == options


def test_a_poster_is_never_larger_than_a_preview() -> None:
    large = scene(1920, 1080)

    preview = render(clip(frames(large, 3)))

    assert (preview.width, preview.height) == (1280, 720)
    assert difference(decoded(preview.body), large.resize((1280, 720), Image.Resampling.LANCZOS)) < 4


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_clip_is_turned_as_it_says(rotation: int) -> None:
    shown = decoded(render(clip(frames(SCENE, 3), rotation=rotation)).body)

    assert difference(shown, SCENE.rotate(rotation, expand=True)) < 4


def test_pixels_that_are_not_square_are_shown_so() -> None:
    preview = render(clip(frames(SCENE, 3), aspect=Fraction(4, 3)))

    assert (preview.width, preview.height) == (1280, 540)


def test_the_poster_is_of_the_first_second() -> None:
    other = Image.new("RGB", SCENE.size, (200, 30, 30))
    body = clip(frames(SCENE, 24) + frames(other, 24) + frames(SCENE, 48), keyframe_every=24)

    assert difference(decoded(render(body).body), other) < 6


@pytest.mark.parametrize("keyframe_every", [12, 1000])
def test_the_poster_of_a_clip_that_begins_black_is_not_black(keyframe_every: int) -> None:
    body = clip(black(SCENE, 30) + frames(SCENE, 40), keyframe_every=keyframe_every)

    assert difference(decoded(render(body).body), SCENE) < 4


def test_a_clip_that_is_black_all_through_has_a_black_poster() -> None:
    assert np.asarray(decoded(render(clip(black(SCENE, 5))).body)).max() < 8


@pytest.mark.parametrize(
    ("transfer", "paper"), [(16, 572), (18, 721)], ids=["PQ", "HLG"]
)  # 203 cd/m2 in each, by ITU-R BT.2408
def test_high_dynamic_range_is_shown_as_bright_as_it_was_meant(transfer: int, paper: int) -> None:
    greys = [
        float(np.asarray(decoded(render(hdr_clip(code, transfer=transfer)).body)).mean())
        for code in (64, paper // 2 + 32, paper, 940)
    ]

    assert greys == sorted(greys)
    assert greys[0] < 2
    assert 215 < greys[2] < 240, "white paper is white, with room for lights above it"
    assert greys[3] > 248


@pytest.mark.parametrize("front", [True, False])
def test_a_long_clip_costs_few_bytes(front: bool) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (24, 480, 640, 3), np.uint8)
    body = long_clip(noise, times=12, front=front)
    assert len(body) > 20_000_000

    assert render(body).cost.bytes_read < 0.1 * len(body)


@pytest.mark.parametrize("front", [True, False])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.95])
def test_a_torn_clip_is_broken(front: bool, share: float) -> None:
    body = clip(frames(SCENE, 30), front=front)

    with pytest.raises(BrokenPicture):
        render(body[: int(len(body) * share)])


def test_text_behind_the_name_of_a_clip_is_broken() -> None:
    with pytest.raises(BrokenPicture):
        render(b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + b"only text " * 100)


def test_sound_without_pictures_is_no_picture() -> None:
    with pytest.raises(NotAPicture, match="video track"):
        render(sound_only())


def test_a_frame_over_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(OverLimit):
        render_preview(BytesSource(PLAIN), limits=PixelLimits(clip=960 * 540 - 1))


@pytest.mark.parametrize("error", [StorageUnavailable("gone"), TypeError("ours"), KeyError("ours")])
def test_what_fails_under_the_decoder_is_not_the_clips_fault(error: Exception) -> None:
    class Failing(BytesSource):
        def read(self, start: int, length: int) -> bytes:
            if start:
                raise error
            return super().read(start, length)

    with pytest.raises(type(error)):
        render_preview(Failing(PLAIN + b"\0\0\0\x08free" * 40_000))


def test_without_its_library_a_clip_is_sound_but_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        """Nothing is installed."""

    monkeypatch.setattr(clip_module, "find_spec", missing)

    with pytest.raises(NoToolForFormat, match="editqueue\\[video\\]"):
        render(PLAIN)
