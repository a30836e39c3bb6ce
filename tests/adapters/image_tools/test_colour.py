"""A wide-gamut profile is converted, not dropped, against lcms through PIL."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from devtools.pictures.samples import decoded, difference, encoded
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.render import render_preview

P3_COLOURS = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
    b"wtpt": (0.96420, 1.0, 0.82491),
}
"""Display P3's primaries, adapted to D50."""


def display_p3() -> bytes:
    """A matrix profile, ICC version 2, with P3's primaries and a gamma of 2.2."""
    tags = {name: b"XYZ \0\0\0\0" + b"".join(map(_fixed, value)) for name, value in P3_COLOURS.items()}
    tags |= {name: b"curv\0\0\0\0" + struct.pack(">IH", 1, 563) + b"\0\0" for name in (b"rTRC", b"gTRC", b"bTRC")}
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + bytes(78 + 3)
    tags[b"cprt"] = b"text\0\0\0\0none\0\0\0\0"
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        table += name + struct.pack(">II", start + len(data), len(body))
        data += body
    fields = (start + len(data), 0, 0x02100000, b"mntr", b"RGB ", b"XYZ ", bytes(12), b"acsp", bytes(28))
    header = struct.pack(">III4s4s4s12s4s28s", *fields) + b"".join(map(_fixed, (0.9642, 1.0, 0.8249)))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def by_lcms(image: Image.Image, profile: bytes) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    converted = ImageCms.profileToProfile(image, source, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC)
    assert converted is not None
    return converted


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_p3_is_shown_in_srgb(kind: str) -> None:
    profile = display_p3()
    image = Image.new("RGB", (1400, 700), (170, 90, 60))
    body = encoded(image, kind, icc_profile=profile)

    shown = decoded(render_preview(BytesSource(body)).body)

    expected = by_lcms(image, profile).resize(shown.size)
    assert difference(expected, image.resize(shown.size)) > 4, "the profile must make a difference"
    assert difference(shown, expected) < 2
    assert "icc_profile" not in shown.info


def test_a_profile_that_is_rubbish_does_not_cost_the_preview() -> None:
    image = Image.new("RGB", (1400, 700), (170, 90, 60))

    shown = decoded(render_preview(BytesSource(encoded(image, icc_profile=b"rubbish" * 40))).body)

    assert np.abs(np.asarray(shown, dtype=int) - (170, 90, 60)).max() <= 3
