"""PSDs made by hand when a test needs them."""

import struct

import numpy as np
from PIL import Image


def psd(image: Image.Image, *, merged: bool = True, bits: int = 8) -> bytes:
    """An RGB picture without layers; `merged` is whether it says that it holds the picture of all layers."""
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, image.height, image.width, bits, 3)
    said = b"\0\0\0\1" + bytes([merged]) + bytes(8)
    version = b"8BIM" + struct.pack(">HHI", 1057, 0, len(said)) + said + bytes(len(said) % 2)
    planes = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    pixels = planes.astype(">u2").__mul__(257).tobytes() if bits == 16 else planes.tobytes()
    return header + struct.pack(">I", 0) + struct.pack(">I", len(version)) + version + struct.pack(">IH", 0, 0) + pixels
