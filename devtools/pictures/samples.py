"""Pictures made when a test needs them."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

ORIENTATION = 0x0112


def scene(width: int = 1600, height: int = 1000) -> Image.Image:
    """Smooth, and different in every corner, so that every turn and mirror shows."""
    across = np.linspace(0, 255, width, dtype=np.float64)[None, :]
    down = np.linspace(0, 255, height, dtype=np.float64)[:, None]
    red = np.broadcast_to(across, (height, width))
    green = np.broadcast_to(down, (height, width))
    blue = np.where((across < 80) & (down < 80), 255.0, 20.0)
    return Image.fromarray(np.stack([red, green, blue], axis=2).astype(np.uint8), "RGB")


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    body = io.BytesIO()
    image.save(body, kind, **options)
    return body.getvalue()


def heif(image: Image.Image, **info: object) -> bytes:
    body = io.BytesIO()
    made = pillow_heif.from_pillow(image)
    made.save(body, quality=90, **info)
    return body.getvalue()


def decoded(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


def upright(body: bytes) -> Image.Image:
    return ImageOps.exif_transpose(decoded(body))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference per channel of two pictures of one size, in steps of 255."""
    pixels = [np.asarray(each.convert("RGB"), dtype=np.float64) for each in (one, other)]
    return float(np.abs(pixels[0] - pixels[1]).mean())


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Structural similarity of the brightness of two pictures of one size, 1 for the same (windows of 8 x 8)."""
    x, y = (np.asarray(each.convert("L"), dtype=np.float64) for each in (one, other))
    x_mean, y_mean = _windows(x), _windows(y)
    x_var, y_var = _windows(x * x) - x_mean**2, _windows(y * y) - y_mean**2
    both = _windows(x * y) - x_mean * y_mean
    small, smaller = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * x_mean * y_mean + small) * (2 * both + smaller)
    return float((top / ((x_mean**2 + y_mean**2 + small) * (x_var + y_var + smaller))).mean())


def _windows(values: Any, size: int = 8) -> Any:
    """The mean of every window."""
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    whole = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return whole / size**2


def photograph(width: int, height: int, *, seed: int = 1) -> Image.Image:
    """Like a photograph to a codec: detail of every size, the finer the fainter, and the noise of a sensor."""
    chance = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 128, np.float32)
    for octave in range(2, 11):
        shape = (max(2, 2**octave * height // width), 2**octave, 3)
        grain = chance.normal(0, 1, shape).astype(np.float32)
        for band in range(3):
            layer = Image.fromarray(grain[..., band]).resize((width, height), Image.Resampling.BICUBIC)
            pixels[..., band] += np.asarray(layer) * (110 / 1.6 ** (octave - 2))
    pixels += chance.normal(0, 3, (height, width, 1)).astype(np.float32)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def with_exif(image: Image.Image, orientation: int, *, kind: str = "JPEG") -> bytes:
    """With an orientation, a place and a camera."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return encoded(image, kind, exif=exif.tobytes())


def png(
    width: int,
    height: int,
    *,
    depth: int,
    colour: int,
    rows: bytes = b"",
    squeezed: bytes | None = None,
    interlaced: bool = False,
) -> bytes:
    """A PNG by hand, for what PIL does not write; without `rows` the pixels are missing."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    pixels = zlib.compress(rows) if squeezed is None else squeezed
    chunks = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def dng_like(*, directory_at_end: bool) -> bytes:
    """A small sound TIFF that only its DNGVersion tag tells from others."""
    pixels = bytes(64 * 128)
    start, strip = (8 + len(pixels), 8) if directory_at_end else (8, 8 + 2 + 12 * 9 + 4)
    entries = [
        (256, 4, 1, 128), (257, 4, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, strip),
        (278, 4, 1, 64), (279, 4, 1, len(pixels)), (0xC612, 1, 4, 0x00000401),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    parts = pixels + directory if directory_at_end else directory + pixels
    return b"II*\x00" + struct.pack("<I", start) + parts
