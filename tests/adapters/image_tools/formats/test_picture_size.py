"""Sizes by the first bytes of a picture."""

import pytest

from devtools.pictures.samples import encoded, png, scene
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.picture_size import stored_size
from editqueue.domain.errors import BrokenPicture

GLASS = scene(41, 30).convert("RGBA")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("jpeg", encoded(scene(41, 30))),
        ("png", encoded(scene(41, 30), "PNG")),
        ("webp", encoded(scene(41, 30), "WEBP")),
        ("webp", encoded(scene(41, 30), "WEBP", lossless=True)),
        ("webp", encoded(GLASS, "WEBP", exif=b"Exif\0\0")),
    ],
    ids=["jpeg", "png", "lossy webp", "lossless webp", "extended webp"],
)
def test_the_size_is_read(kind: str, body: bytes) -> None:
    assert stored_size(BytesSource(body), kind) == (41, 30)


def test_of_other_kinds_it_is_not_known() -> None:
    assert stored_size(BytesSource(encoded(scene(41, 30), "AVIF")), "avif") is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("jpeg", b"\xff\xd8\xff\xe0 cut"),
        ("png", png(0, 9, depth=8, colour=2)),
        ("png", b"\x89PNG"),
        ("webp", b"RIFF\0\0\0\0WEBPVP8?"),
        ("webp", b"RIFF\0\0\0\0WEBPVP8 "),
    ],
)
def test_a_picture_without_a_size_is_broken(kind: str, body: bytes) -> None:
    with pytest.raises(BrokenPicture):
        stored_size(BytesSource(body), kind)
