"""Typed access to libvips, loaded once, in a worker process only.

pyvips has no types; everything that touches it stands here.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import os
from functools import cache
from typing import Any

from editqueue.domain.errors import BrokenPicture, NoToolForFormat, OverLimit

ALLOWED_LOADERS = ("Jpeg", "Png", "Webp", "Tiff", "Heif", "Nsgif")
"""All others are blocked: an SVG named .jpg would be rendered, with whatever it refers to."""


@cache
def vips() -> Any:
    """The pyvips module, set up: one thread, no cache, only the loaders above."""
    os.environ["VIPS_CONCURRENCY"] = "1"
    os.environ["VIPS_BLOCK_UNTRUSTED"] = "1"
    import pyvips  # noqa: PLC0415  # loads libvips: only where pictures are decoded

    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)  # noqa: FBT003  # a C flag
    for loader in ALLOWED_LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)  # noqa: FBT003
    return pyvips


def without_padding(pixels: Any, *, row: int, stride: int, height: int) -> Any:
    """`height` rows of `row` bytes, out of what a decoder keeps: each begins `stride` bytes after the one before."""
    body = memoryview(pixels)
    if stride == row:
        return body[: row * height]
    return b"".join(body[at : at + row] for at in range(0, stride * height, stride))


UNREAD = ("Unsupported JPEG data precision", "Unsupported JPEG process", "Unsupported color conversion", "arithmetic")
"""What libjpeg says of sound pictures that it does not read: 12 bit, lossless, arithmetic coding."""


class decoding:  # noqa: N801  # a context manager reads as a verb
    """Turn libvips' errors into BrokenPicture, those of memory into OverLimit, unknown kinds into NoToolForFormat."""

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None and isinstance(error, vips().Error):
            lines = [line for line in str(error).splitlines() if line.strip()]
            said = "; ".join(lines[:3])[:300]
            if "out of memory" in said:
                raise OverLimit(f"needs more memory than a worker may have: {said}") from error
            if any(kind in said for kind in UNREAD):
                raise NoToolForFormat(f"no installed tool reads this kind: {said}") from error
            raise BrokenPicture(f"cannot be decoded: {said}") from error
