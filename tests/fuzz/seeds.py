"""A sound file of every kind, small, so that thousands of mutations take minutes."""
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping

import numpy as np
import pillow_jxl  # noqa: F401  # registers itself  # pyright: ignore[reportUnusedImport]  # as it says

from devtools.pictures.clips import black, clip, frames, hdr_clip, sound_only
from devtools.pictures.heifs import heif_file
from devtools.pictures.heifs import tiled as tiled_heif
from devtools.pictures.photoshop import psd
from devtools.pictures.raws import cr2, cr3, dng, made_by, preview, raf, rw2, sensor
from devtools.pictures.samples import encoded, heif, png, scene, with_exif
from devtools.pictures.tiffs import bigtiff, tiled
from devtools.pictures.wide import grey_heic, wide_avif, wide_heic
from tests.adapters.image_tools.test_colour import display_p3

SIZE = (320, 208)


def make_seeds() -> Mapping[str, bytes]:
    return _pictures() | _raws() | _clips()


def _pictures() -> dict[str, bytes]:
    picture = scene(*SIZE)
    glass = picture.convert("RGBA")
    glass.putalpha(120)
    rows = b"".join(b"\0" + bytes(range(200)) * 3 for _ in range(60))
    return {
        "jpeg": with_exif(picture, 6),
        "jpeg-progressive": encoded(picture, progressive=True),
        "jpeg-cmyk": encoded(picture.convert("CMYK")),
        "jpeg-p3": encoded(picture, icc_profile=display_p3()),
        "jpeg-grey": encoded(picture.convert("L")),
        "png": encoded(picture, "PNG"),
        "png-16": png(100, 60, depth=16, colour=2, rows=rows),
        "png-glass": encoded(glass, "PNG"),
        "png-palette": encoded(picture.quantize(16), "PNG"),
        "webp": encoded(picture, "WEBP"),
        "webp-lossless": encoded(glass, "WEBP", lossless=True),
        "tiff": encoded(picture, "TIFF"),
        "tiff-lzw": encoded(picture, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": encoded(picture, "TIFF", compression="jpeg"),
        "tiff-tiled": tiled(picture, compression="lzw"),
        "tiff-pyramid": tiled(picture, compression="deflate", pyramid=True, subifd=True),
        "tiff-big": bigtiff(picture),
        "tiff-zstd": encoded(picture, "TIFF", compression="zstd"),
        "tiff-deflate": encoded(picture.convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
        "gif": encoded(picture.quantize(16), "GIF"),
        "bmp": encoded(picture, "BMP"),
        "psd": psd(picture),
        "jp2": encoded(picture, "JPEG2000"),
        "jxl": encoded(picture, "JXL"),
        "avif": encoded(picture, "AVIF", speed=10),
        "avif-grey": encoded(picture.convert("L"), "AVIF", subsampling="4:0:0", range="limited", speed=10),
        "avif-pq": wide_avif(picture),
        "avif-sequence": encoded(picture, "AVIF", save_all=True, append_images=[picture], speed=10),
        "heic-pq": wide_heic(picture),
        "heic-grey": grey_heic(picture, bits=10),
        "heic": heif(picture, icc_profile=display_p3()),
        "heic-glass": heif(glass),
        "heic-tiles": heif_file(tiled_heif(picture, (160, 112))),
        "hif": _hif(),
    }


def _hif() -> bytes:
    """With a smaller copy that is large enough, both low."""
    main, copy = (tiled_heif(scene(*size), size, pixels="yuv422p10le") for size in ((1600, 80), (1280, 64)))
    return heif_file(main, copy)


def _raws() -> dict[str, bytes]:
    jpeg = encoded(scene(1300, 870), quality=60)
    tiny = encoded(scene(160, 120))
    tiff_like = {
        kind: dng(preview(tiny), preview(jpeg), sensor(64, 48), of=made_by(maker)) for kind, maker in _MAKERS.items()
    }
    return {
        "dng": dng(preview(tiny), preview(jpeg), orientation=6),
        "dng-sensor": dng(preview(tiny), sensor(320, 208)),
        "cr2": cr2(jpeg, 8),
        "cr3": cr3(jpeg),
        "raf": raf(jpeg),
        "rw2": rw2(jpeg),
        "orf": b"IIRO" + dng(preview(jpeg), of=())[4:],
        **tiff_like,
    }


_MAKERS = {"nef": b"NIKON", "arw": b"SONY", "pef": b"PENTAX", "srw": b"SAMSUNG", "3fr": b"HASSELBLAD"}


def _clips() -> dict[str, bytes]:
    picture = scene(320, 176)
    noise = np.random.default_rng(3).integers(0, 255, (176, 320, 3), np.uint8)
    return {
        "mp4": clip(frames(picture, 30)),
        "mp4-front": clip([noise] * 4 + frames(picture, 6), front=True, rotation=90),
        "mp4-black": clip(black(picture, 30) + frames(picture, 4), keyframe_every=8),
        "mp4-hdr": hdr_clip(500, transfer=16, size=(320, 176)),
        "mp4-sound": sound_only(),
        "mov": clip(frames(scene(160, 96), 3), codec="mpeg4", kind="mov"),
    }
